/* The serial port of Arm's MPS2 boards (CMSDK APB UART). No handler runs: interrupts stay masked, and only wake the processor. */
#ifndef UART_H
#define UART_H

#include <stddef.h>
#include <stdint.h>

void uart_open(void);
int uart_take(uint8_t *byte); /* 1 if there was a byte */
int uart_wait(void);          /* sleeps until there is one, or SysTick has come round: then gives 1 */
void uart_send(const uint8_t *bytes, size_t count);

#endif
