#include "gaze_served.h"

#include <string.h>

#define AND_BYTES(n) +GAZE_MODEL_OUTPUT_##n##_BYTES

#ifndef BENCH_ROWS /* bench.c has no link */
#if GAZE_MODEL_INPUTS + GAZE_MODEL_OUTPUTS > GAZE_LINK_TENSORS_MAX
#error "the serial link describes at most 52 inputs and outputs, the network has more; join some of them"
#endif
#if (0 GAZE_MODEL_EACH_OUTPUT(AND_BYTES)) > GAZE_LINK_OUTPUT_BYTES_MAX
#error "the serial link answers with at most 1008 bytes, the network's outputs have more; end it earlier or pool them"
#endif
#endif

#define PICTURE(n)                                                                                                    \
    {GAZE_MODEL_INPUT_##n##_BYTES,    GAZE_MODEL_INPUT_##n##_HEIGHT, GAZE_MODEL_INPUT_##n##_WIDTH,                    \
     GAZE_MODEL_INPUT_##n##_CHANNELS, GAZE_MODEL_INPUT_##n##_SCALE,  GAZE_MODEL_INPUT_##n##_ZERO_POINT},
#define NUMBERS(n)                                                                                                    \
    {GAZE_MODEL_OUTPUT_##n##_BYTES, 1, 1, GAZE_MODEL_OUTPUT_##n##_BYTES, GAZE_MODEL_OUTPUT_##n##_SCALE,               \
     GAZE_MODEL_OUTPUT_##n##_ZERO_POINT},

static const gaze_link_tensor TENSORS[GAZE_MODEL_INPUTS + GAZE_MODEL_OUTPUTS] = {
    GAZE_MODEL_EACH_INPUT(PICTURE) GAZE_MODEL_EACH_OUTPUT(NUMBERS)};

static const int8_t *output(const void *arena, int index) {
    return gaze_model_output(arena, index);
}

#if GAZE_SERVED_ROWS

static int8_t last_row[GAZE_SERVED_ROW_BYTES];

static void begin(void *arena) {
    gaze_model_begin(arena);
}

static void write_rows(void *arena, uint32_t offset, const uint8_t *bytes, uint32_t count) {
    (void)offset;
    gaze_model_push_rows(arena, (const int8_t *)bytes, (int)(count / GAZE_SERVED_ROW_BYTES));
    memcpy(last_row, bytes + count - GAZE_SERVED_ROW_BYTES, GAZE_SERVED_ROW_BYTES);
}

/* The picture of a block is its last row over and over: whole pictures are not kept, and the work is the same. */
static void again(void *arena) {
    gaze_model_begin(arena);
    for (int row = 0; row < GAZE_MODEL_INPUT_0_HEIGHT; row++) {
        gaze_model_push_rows(arena, last_row, 1);
    }
    gaze_model_finish(arena);
}

static void finish(void *arena) {
    gaze_model_finish(arena);
}

#else

static void begin(void *arena) {
    (void)arena;
}

/* A piece may reach from one input into the next. */
static void write_rows(void *arena, uint32_t offset, const uint8_t *bytes, uint32_t count) {
    for (int i = 0; i < GAZE_MODEL_INPUTS && count > 0; i++) {
        if (offset >= TENSORS[i].bytes) {
            offset -= TENSORS[i].bytes;
            continue;
        }
        uint32_t room = TENSORS[i].bytes - offset;
        uint32_t taken = count < room ? count : room;
        memcpy(gaze_model_input(arena, i) + offset, bytes, taken);
        bytes += taken;
        count -= taken;
        offset = 0;
    }
}

static void finish(void *arena) {
    gaze_model_invoke(arena);
}

/* The input's memory is used again while computing, so that the next inference computes on what was left there. */
static void again(void *arena) {
    gaze_model_invoke(arena);
}

#endif

gaze_link_model gaze_served_model(void *arena) {
    gaze_link_model model = {
        GAZE_MODEL_HASH,
        GAZE_SERVED_ROWS ? GAZE_SERVED_ROW_BYTES : 0,
        GAZE_MODEL_INPUTS,
        GAZE_MODEL_OUTPUTS,
        TENSORS,
        begin,
        write_rows,
        finish,
        output,
        arena,
        again,
    };
    return model;
}
