/* What start.c gives a program on QEMU's boards. */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

/* A running counter of TICKS_MASK + 1 steps, at the board's clock (BOARD_CLOCK_HZ). With QEMU's -icount shift=0 every
 * instruction takes 1 ns, so that a tick is 1e9 / BOARD_CLOCK_HZ instructions. */
#define TICKS_MASK 0xFFFFFFU
#define TICKS_TOO_MANY 0xFFFFFFFFU
uint32_t ticks_now(void);

/* Restarts the counter, and tells how far it got since: up to TICKS_MASK, or TICKS_TOO_MANY. */
void ticks_restart(void);
uint32_t ticks_since_restart(void);

/* Marks the free stack; then tells how many bytes of it were used since. */
void stack_paint(void);
uint32_t stack_used(void);

#endif
