#include "gaze_served.h"

#include <string.h>

#if GAZE_MODEL_INPUTS > 4 || GAZE_MODEL_OUTPUTS > 2
#error "gaze_served.c describes up to four inputs and two outputs; write more lines into TENSORS"
#endif

#define PICTURE(n)                                                                                                    \
    {GAZE_MODEL_INPUT_##n##_BYTES,    GAZE_MODEL_INPUT_##n##_HEIGHT, GAZE_MODEL_INPUT_##n##_WIDTH,                    \
     GAZE_MODEL_INPUT_##n##_CHANNELS, GAZE_MODEL_INPUT_##n##_SCALE,  GAZE_MODEL_INPUT_##n##_ZERO_POINT}
#define NUMBERS(n)                                                                                                    \
    {GAZE_MODEL_OUTPUT_##n##_BYTES, 1, 1, GAZE_MODEL_OUTPUT_##n##_BYTES, GAZE_MODEL_OUTPUT_##n##_SCALE,               \
     GAZE_MODEL_OUTPUT_##n##_ZERO_POINT}

static const gaze_link_tensor TENSORS[GAZE_MODEL_INPUTS + GAZE_MODEL_OUTPUTS] = {
    PICTURE(0),
#if GAZE_MODEL_INPUTS > 1
    PICTURE(1),
#endif
#if GAZE_MODEL_INPUTS > 2
    PICTURE(2),
#endif
#if GAZE_MODEL_INPUTS > 3
    PICTURE(3),
#endif
    NUMBERS(0),
#if GAZE_MODEL_OUTPUTS > 1
    NUMBERS(1),
#endif
};

static const int8_t *output(const void *arena, int index) {
    return gaze_model_output(arena, index);
}

#if GAZE_SERVED_ROWS

static void begin(void *arena) {
    gaze_model_begin(arena);
}

static void write_rows(void *arena, uint32_t offset, const uint8_t *bytes, uint32_t count) {
    (void)offset;
    gaze_model_push_rows(arena, (const int8_t *)bytes, (int)(count / GAZE_SERVED_ROW_BYTES));
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
    };
    return model;
}
