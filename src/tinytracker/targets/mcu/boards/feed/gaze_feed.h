/* From a camera's pixels to the network's input, row by row, and from its output to centimetres.
 *
 * gaze_region.h, written by the export, says which region of the camera's frame the network looks at, and holds the tables
 * that make stored values of pixels and of positions, and the taps of its low-pass if it has one.
 */
#ifndef GAZE_FEED_H
#define GAZE_FEED_H

#include <stdint.h>

#include "gaze_model.h"
#include "gaze_region.h"

#ifdef __cplusplus
extern "C" {
#endif

#define GAZE_FEED_ROW_BYTES (GAZE_MODEL_INPUT_0_WIDTH * GAZE_MODEL_INPUT_0_CHANNELS)

#if GAZE_MODEL_ROWS
#define GAZE_FEED_ARENA_BYTES GAZE_MODEL_WORK_BYTES
#else
#define GAZE_FEED_ARENA_BYTES GAZE_MODEL_ARENA_BYTES
#endif

/* One picture: begin, every row from the top, finish. pixels: GAZE_MODEL_INPUT_0_WIDTH of them. */
void gaze_feed_begin(void *arena);
void gaze_feed_rgb(void *arena, int row, const uint8_t *pixels);  /* r, g, b */
void gaze_feed_uyvy(void *arena, int row, const uint8_t *pixels); /* u, y, v, y: two pixels; BT.601, luma from 16 to 235 */
void gaze_feed_finish(void *arena);

/* Where the person looks: cm from the camera, x to the right and y up as the person sees it. */
void gaze_feed_point(const void *arena, float *x_cm, float *y_cm);

/* A region of an RGB frame, scaled bilinearly to the network's width and height; row: which row of the result. */
void gaze_feed_scaled_row(const uint8_t *frame, int frame_width, int row, uint8_t *rgb);

#ifdef __cplusplus
}
#endif

#endif
