/* Follows a pupil through the file events.bin: batches of a count (uint32) and so many events (t_us uint32, x uint16,
 * y uint16 whose highest bit says that light rose), an estimate after each. outputs.bin gets, per batch: ticks (uint32)
 * of pushing and estimating, the network's output, and the estimate (four floats). */
#include "board.h"
#include "pupil_tracker.h"
#include "semihosting.h"

#define MOST_EVENTS 16384
#define ROSE 0x8000u

typedef struct {
    uint32_t t_us;
    uint16_t x_px, y_px;
} stored_event;

__attribute__((section(".arena"), aligned(16))) static uint8_t arena[@UPPER@_ARENA_BYTES];
__attribute__((section(".harness"), aligned(8))) static stored_event batch[MOST_EVENTS];
static pupil_tracker tracker;

int main(void) {
    int events = semihosting_open("events.bin", SEMIHOSTING_READ);
    int outputs = semihosting_open("outputs.bin", SEMIHOSTING_WRITE);
    if (events < 0 || outputs < 0) {
        semihosting_print("cannot open events.bin or outputs.bin\n");
        return 2;
    }
    uint32_t stack_bytes = 0, count = 0;
    pupil_tracker_reset(&tracker);
    while (semihosting_read(events, &count, sizeof count)) {
        if (count > MOST_EVENTS || (count && !semihosting_read(events, batch, count * sizeof batch[0]))) {
            semihosting_print("events.bin ends early, or a batch is too large\n");
            return 2;
        }
        stack_paint();
        ticks_restart();
        for (uint32_t i = 0; i < count; i++) {
            pupil_tracker_push(&tracker, batch[i].t_us, batch[i].x_px, batch[i].y_px & (ROSE - 1), batch[i].y_px >= ROSE);
        }
        pupil_estimate pupil = pupil_tracker_estimate(&tracker, arena);
        uint32_t ticks = ticks_since_restart();
        uint32_t used = stack_used();
        stack_bytes = used > stack_bytes ? used : stack_bytes;
        semihosting_write(outputs, &ticks, sizeof ticks);
        semihosting_write(outputs, @PREFIX@_output(arena, 0), @UPPER@_OUTPUT_0_BYTES);
        semihosting_write(outputs, &pupil, sizeof pupil);
    }
    semihosting_close(outputs);
    semihosting_print_number("stack_bytes", stack_bytes);
    return 0;
}
