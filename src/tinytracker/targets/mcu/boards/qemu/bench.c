/* Runs the network on every input in the file inputs.bin, and writes to outputs.bin, per input: ticks (uint32), outputs.
 * What is not the network's own lies in the section .harness, so that the program's size tells the network's. */
#include "board.h"
#include "gaze_served.h"
#include "semihosting.h"

#define INPUT_BYTES(n) GAZE_MODEL_INPUT_##n##_BYTES,
#define OUTPUT_BYTES(n) GAZE_MODEL_OUTPUT_##n##_BYTES,

__attribute__((section(".arena"), aligned(16))) static uint8_t arena[GAZE_SERVED_ARENA_BYTES];

#if GAZE_SERVED_ROWS

__attribute__((section(".harness"), aligned(8))) static int8_t picture[GAZE_MODEL_INPUT_0_BYTES];

static int read_inputs(int file) {
    return semihosting_read(file, picture, sizeof picture);
}

#ifndef BENCH_ROWS
#define BENCH_ROWS 1 /* rows pushed at once */
#endif

static void compute(void) {
    gaze_model_begin(arena);
    for (int row = 0; row < GAZE_MODEL_INPUT_0_HEIGHT; row += BENCH_ROWS) {
        int left = GAZE_MODEL_INPUT_0_HEIGHT - row;
        gaze_model_push_rows(arena, picture + row * GAZE_SERVED_ROW_BYTES, left < BENCH_ROWS ? left : BENCH_ROWS);
    }
    gaze_model_finish(arena);
}

#else

static int read_inputs(int file) {
    static const uint32_t BYTES[] = {GAZE_MODEL_EACH_INPUT(INPUT_BYTES)};
    for (int i = 0; i < GAZE_MODEL_INPUTS; i++) {
        if (!semihosting_read(file, gaze_model_input(arena, i), BYTES[i])) {
            return 0;
        }
    }
    return 1;
}

static void compute(void) {
    gaze_model_invoke(arena);
}

#endif

static void write_outputs(int file) {
    static const uint32_t BYTES[] = {GAZE_MODEL_EACH_OUTPUT(OUTPUT_BYTES)};
    for (int i = 0; i < GAZE_MODEL_OUTPUTS; i++) {
        semihosting_write(file, gaze_model_output(arena, i), BYTES[i]);
    }
}

int main(void) {
    int inputs = semihosting_open("inputs.bin", SEMIHOSTING_READ);
    int outputs = semihosting_open("outputs.bin", SEMIHOSTING_WRITE);
    if (inputs < 0 || outputs < 0) {
        semihosting_print("cannot open inputs.bin or outputs.bin\n");
        return 2;
    }
    uint32_t stack_bytes = 0;
    while (read_inputs(inputs)) {
        stack_paint();
        ticks_restart();
        compute();
        uint32_t ticks = ticks_since_restart();
        uint32_t used = stack_used();
        stack_bytes = used > stack_bytes ? used : stack_bytes;
        semihosting_write(outputs, &ticks, sizeof ticks);
        write_outputs(outputs);
    }
    semihosting_close(outputs);
    semihosting_print_number("stack_bytes", stack_bytes);
    return 0;
}
