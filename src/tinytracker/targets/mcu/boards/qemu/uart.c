#include "uart.h"

/* Registers of Arm's "Cortex-M System Design Kit" UART. */
typedef struct {
    uint32_t data, state, control, interrupt, baud_divider;
} cmsdk_uart;

#define UART ((volatile cmsdk_uart *)BOARD_UART)
#define STATE_SEND_FULL 1U
#define STATE_RECEIVE_FULL 2U
#define CONTROL_SEND 1U
#define CONTROL_RECEIVE 2U
#define BAUD 115200U

void uart_open(void) {
    UART->baud_divider = BOARD_CLOCK_HZ / BAUD;
    UART->control = CONTROL_SEND | CONTROL_RECEIVE;
}

int uart_take(uint8_t *byte) {
    if (!(UART->state & STATE_RECEIVE_FULL)) {
        return 0;
    }
    *byte = (uint8_t)UART->data;
    return 1;
}

void uart_send(const uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        while (UART->state & STATE_SEND_FULL) {
        }
        UART->data = bytes[i];
    }
}
