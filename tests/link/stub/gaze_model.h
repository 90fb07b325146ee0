/* A network nobody trained, with the API of the compiler's: for tests of what lies round a network. */
#ifndef GAZE_MODEL_H
#define GAZE_MODEL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef GAZE_MODEL_ROWS
#define GAZE_MODEL_ROWS 1
#endif
#define GAZE_MODEL_HASH 0x1234ABCDU
#define GAZE_MODEL_WORK_BYTES 16
#define GAZE_MODEL_ARENA_BYTES 4016
#define GAZE_MODEL_ARENA_ALIGN 8
#define GAZE_MODEL_INPUTS 1
#define GAZE_MODEL_INPUT_0_BYTES 4000
#define GAZE_MODEL_INPUT_0_HEIGHT 40
#define GAZE_MODEL_INPUT_0_WIDTH 100
#define GAZE_MODEL_INPUT_0_CHANNELS 1
#define GAZE_MODEL_INPUT_0_SCALE 0.0078125f
#define GAZE_MODEL_INPUT_0_ZERO_POINT 0
#define GAZE_MODEL_OUTPUTS 1
#define GAZE_MODEL_EACH_INPUT(DO) DO(0)
#define GAZE_MODEL_EACH_OUTPUT(DO) DO(0)
#define GAZE_MODEL_OUTPUT_0_BYTES 2
#define GAZE_MODEL_OUTPUT_0_SCALE 0.0078125f
#define GAZE_MODEL_OUTPUT_0_ZERO_POINT 3

int8_t *gaze_model_input(void *arena, int index);
void gaze_model_invoke(void *arena);
const int8_t *gaze_model_output(const void *arena, int index);
void gaze_model_begin(void *arena);
void gaze_model_push_rows(void *arena, const int8_t *rows, int count);
void gaze_model_finish(void *arena);

#ifdef __cplusplus
}
#endif

#endif
