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
#define CONTROL_RECEIVE_INTERRUPT 8U
#define INTERRUPT_BOTH 3U
#define BAUD 115200U

/* The interrupts of the port's two directions, in the interrupt controller's set-enable and clear-pending registers. */
#define IRQ_WORD (BOARD_UART_IRQ / 32U * 4U)
#define IRQ_BITS (3U << BOARD_UART_IRQ % 32U)
#define NVIC_ENABLE (*(volatile uint32_t *)(0xE000E100U + IRQ_WORD))
#define NVIC_FORGET (*(volatile uint32_t *)(0xE000E280U + IRQ_WORD))
#define SYSTICK_CONTROL (*(volatile uint32_t *)0xE000E010U)
#define SYSTICK_INTERRUPT 2U
#define ICSR (*(volatile uint32_t *)0xE000ED04U)
#define ICSR_FORGET_SYSTICK (1U << 25)
#define ICSR_SYSTICK (1U << 26)

void uart_open(void) {
    __asm__ volatile("cpsid i");
    UART->baud_divider = BOARD_CLOCK_HZ / BAUD;
    UART->control = CONTROL_SEND | CONTROL_RECEIVE | CONTROL_RECEIVE_INTERRUPT;
    NVIC_ENABLE = IRQ_BITS;
    SYSTICK_CONTROL |= SYSTICK_INTERRUPT;
}

int uart_wait(void) {
    UART->interrupt = INTERRUPT_BOTH;
    NVIC_FORGET = IRQ_BITS;
    if (!(UART->state & STATE_RECEIVE_FULL)) { /* one that comes from here on is pending, and wfi does not wait */
        __asm__ volatile("dsb\n\twfi" ::: "memory");
    }
    if (!(ICSR & ICSR_SYSTICK)) {
        return 0;
    }
    ICSR = ICSR_FORGET_SYSTICK;
    return 1;
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
