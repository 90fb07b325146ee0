/* From an event camera's events to the pupil: the window of the newest events, the network, and what it said last.
 *
 *     static int8_t arena[@UPPER@_ARENA_BYTES] __attribute__((aligned(@UPPER@_ARENA_ALIGN)));
 *     static pupil_tracker tracker;
 *     pupil_tracker_reset(&tracker);
 *     for every event: pupil_tracker_push(&tracker, t_us, x_px, y_px, rose);
 *     as often as wanted: pupil_estimate pupil = pupil_tracker_estimate(&tracker, arena);
 *
 * Nothing else may use the arena between two estimates but for the network's own output.
 */
#ifndef PUPIL_TRACKER_H
#define PUPIL_TRACKER_H

#include <stdbool.h>
#include <stdint.h>

#include "@PREFIX@.h"
#include "event_window.h"
#include "pupil_tracker_settings.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    event_window window;
#if PUPIL_TRACKER_REMEMBERS
    int8_t last[@UPPER@_OUTPUT_0_BYTES]; /* byte for byte what the network gave: its own next input */
#endif
} pupil_tracker;

/* x_px, y_px: the pupil's centre in pixels of the sensor, from its top left corner. closed, confidence: chances, from
 * 0 to 1, that the eye is closed and that the centre is right; -1 from a network that does not say. */
typedef struct {
    float x_px, y_px, closed, confidence;
} pupil_estimate;

void pupil_tracker_reset(pupil_tracker *tracker);

/* An event: microseconds that never go back (they may wrap), the sensor's pixel, whether its light rose. */
void pupil_tracker_push(pupil_tracker *tracker, uint32_t t_us, int x_px, int y_px, bool rose);

/* Runs the network on the newest events. */
pupil_estimate pupil_tracker_estimate(pupil_tracker *tracker, void *arena);

#ifdef __cplusplus
}
#endif

#endif
