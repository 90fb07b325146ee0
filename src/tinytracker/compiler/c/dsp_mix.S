
@ void gm_dsp_mix_open_N(const int8_t *pixels, int32_t *words, int32_t step, int32_t count)
    .macro MIX_OPEN words
    push {r4-r7}
1:  ldr r7, [r0, #4]
    ldr r5, [r0]
    add r0, r2
    sxtb16 r4, r5
    sxtb16 r5, r5, ror #8
    sxtb16 r6, r7
    .if \words == 4
    sxtb16 r7, r7, ror #8
    stm r1!, {r4-r7}
    .else
    stm r1!, {r4-r6}
    .endif
    subs r3, #1
    bne 1b
    pop {r4-r7}
    bx lr
    .endm

@ void gm_dsp_mix_N(const int32_t *words, int16_t *out, const int32_t *layer, int32_t count, int32_t advance_bytes)
    .macro MIX words
    push {r4-r11, lr}
    sub sp, #4
    str r3, [sp]                @ 0: count; 40: advance
    .if \words == 4
    ldm r2!, {r4-r8}            @ bias, weights
    .else
    ldm r2!, {r4-r7}
    ldr r8, [sp, #40]
    .endif
    ldm r2, {r9-r11}            @ multiplier, addend, shift
    .if \words == 3
    mov lr, r3
    .endif
1:
    .if \words == 4
    ldm r0!, {r2, r3, r12, lr}
    .else
    ldm r0!, {r2, r3, r12}
    .endif
    smlad r2, r2, r5, r4
    smlad r2, r3, r6, r2
    smlad r2, r12, r7, r2
    .if \words == 4
    smlad r2, lr, r8, r2
    ldr r12, [sp, #40]
    .endif
    TO_INT8_LINEAR r2, r9, r10, r11
    lsl r2, r2, #1
    strh r2, [r1]
    .if \words == 4
    add r1, r12
    .else
    add r1, r8
    .endif
    .if \words == 4
    ldr r3, [sp]
    subs r3, #1
    str r3, [sp]
    .else
    subs lr, #1
    .endif
    bne 1b
    add sp, #4
    pop {r4-r11, pc}
    .endm
