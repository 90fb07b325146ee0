/* The serial port of Arm's MPS2 boards (CMSDK APB UART), polled. */
#ifndef UART_H
#define UART_H

#include <stddef.h>
#include <stdint.h>

void uart_open(void);
int uart_take(uint8_t *byte); /* 1 if there was a byte */
void uart_send(const uint8_t *bytes, size_t count);

#endif
