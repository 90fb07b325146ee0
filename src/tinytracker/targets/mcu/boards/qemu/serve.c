/* Answers gaze_link's messages on the serial port. */
#include "board.h"
#include "gaze_served.h"
#include "semihosting.h"
#include "uart.h"

__attribute__((section(".arena"), aligned(16))) static uint8_t arena[GAZE_SERVED_ARENA_BYTES];
static gaze_link board_link;

static void send(void *state, const uint8_t *bytes, size_t count) {
    (void)state;
    uart_send(bytes, count);
}

/* Ticks since the start, if it is asked at least every 2^24 of them. */
static uint64_t ticks(void) {
    static uint32_t last;
    static uint64_t total;
    uint32_t now = ticks_now();
    total += (now - last) & TICKS_MASK;
    last = now;
    return total;
}

/* Instructions under -icount shift=0; a frame of more than 2^24 ticks is counted too small by a multiple of them. */
static uint32_t instructions(void *state) {
    (void)state;
    return (uint32_t)ticks() * (1000000000U / BOARD_CLOCK_HZ);
}

/* There is no pin: the emulated time in microseconds, by the counter's clock, goes to the emulator's output. */
static void mark(void *state) {
    (void)state;
    semihosting_print_number("marker_us", (uint32_t)(ticks() * 1000000U / BOARD_CLOCK_HZ));
}

int main(void) {
    const gaze_link_model model = gaze_served_model(arena);
    const gaze_link_port port = {BOARD_NAME, send, instructions, GAZE_LINK_COUNT_INSTRUCTIONS, 0, 0, mark, 0};
    gaze_link_init(&board_link, &model, &port);
    uart_open();
    int rounds = 0; /* of SysTick, since a byte came: each is half a second or more */
    for (;;) {
        uint8_t byte = 0;
        if (uart_take(&byte)) {
            rounds = 0;
            gaze_link_receive(&board_link, &byte, 1);
        } else if (uart_wait() && ++rounds == 2) {
            gaze_link_idle(&board_link);
        }
    }
}
