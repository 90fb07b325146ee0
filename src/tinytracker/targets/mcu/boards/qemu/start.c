/* Start-up of a bare Cortex-M under QEMU: memory, floating point, the counter, then main. */
#include "board.h"
#include "semihosting.h"

#include <stdint.h>

extern uint32_t data_from[], data_begin[], data_end[], bss_begin[], bss_end[], stack_low[], stack_top[];
int main(void);
void reset(void);

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define SYSTICK_CONTROL REGISTER(0xE000E010U)
#define SYSTICK_RELOAD REGISTER(0xE000E014U)
#define SYSTICK_VALUE REGISTER(0xE000E018U)
#define CCR REGISTER(0xE000ED14U)
#define CPACR REGISTER(0xE000ED88U)
#define CCR_UNALIGN_TRP 8U
#define SYSTICK_CAME_ROUND 0x10000U
#define PAINT 0x5AFEC0DEU

static void fault(void) {
    semihosting_print("fault\n");
    semihosting_exit(99);
}

__attribute__((section(".vectors"), used)) static void (*const VECTORS[16])(void) = {
    (void (*)(void))stack_top, reset, fault, fault, fault, fault, fault, 0, 0, 0, 0, fault, fault, 0, fault, fault,
};

void stack_paint(void) {
    uint32_t *here = (uint32_t *)__builtin_frame_address(0) - 16;
    for (volatile uint32_t *word = stack_low; word < here; word++) {
        *word = PAINT;
    }
}

uint32_t stack_used(void) {
    const uint32_t *word = stack_low;
    while (word < stack_top && *word == PAINT) {
        word++;
    }
    return (uint32_t)((const char *)stack_top - (const char *)word);
}

uint32_t ticks_now(void) {
    return TICKS_MASK - SYSTICK_VALUE;
}

void ticks_restart(void) {
    SYSTICK_VALUE = 0; /* whatever is written: it begins anew, and forgets that it came round */
}

uint32_t ticks_since_restart(void) {
    uint32_t value = SYSTICK_VALUE;
    if (SYSTICK_CONTROL & SYSTICK_CAME_ROUND) {
        return TICKS_TOO_MANY;
    }
    return value == 0 ? 0 : TICKS_MASK - value;
}

void reset(void) {
    uint32_t *from = data_from;
    for (uint32_t *to = data_begin; to < data_end;) {
        *to++ = *from++;
    }
    for (uint32_t *to = bss_begin; to < bss_end;) {
        *to++ = 0;
    }
#ifdef __ARM_FP
    CPACR |= 0xFU << 20;
    __asm__ volatile("dsb\n\tisb");
#endif
#ifndef __ARM_FEATURE_UNALIGNED
    CCR |= CCR_UNALIGN_TRP; /* a core that cannot must not be seen to do it on the emulated one, which can */
#endif
    SYSTICK_RELOAD = TICKS_MASK;
    SYSTICK_VALUE = 0;
    SYSTICK_CONTROL = 5; /* on, the processor's clock, no interrupt */
    stack_paint();
    semihosting_exit(main());
}
