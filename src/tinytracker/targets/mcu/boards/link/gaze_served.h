/* The network of gaze_model.h behind a serial link. */
#ifndef GAZE_SERVED_H
#define GAZE_SERVED_H

#include "gaze_link.h"
#include "gaze_model.h"

#ifdef __cplusplus
extern "C" {
#endif

/* 1: the picture's rows are computed as they come, and no input buffer is needed. */
#if GAZE_MODEL_ROWS && GAZE_MODEL_INPUTS == 1
#define GAZE_SERVED_ROW_BYTES (GAZE_MODEL_INPUT_0_BYTES / GAZE_MODEL_INPUT_0_HEIGHT)
#else
#define GAZE_SERVED_ROW_BYTES 0
#endif
#define GAZE_SERVED_ROWS (GAZE_SERVED_ROW_BYTES > 0 && GAZE_SERVED_ROW_BYTES <= GAZE_LINK_ROW_BYTES_MAX)

#if GAZE_SERVED_ROWS
#define GAZE_SERVED_ARENA_BYTES GAZE_MODEL_WORK_BYTES
#else
#define GAZE_SERVED_ARENA_BYTES GAZE_MODEL_ARENA_BYTES
#endif

/* arena: GAZE_SERVED_ARENA_BYTES of memory, aligned to GAZE_MODEL_ARENA_ALIGN, that stays. */
gaze_link_model gaze_served_model(void *arena);

#ifdef __cplusplus
}
#endif

#endif
