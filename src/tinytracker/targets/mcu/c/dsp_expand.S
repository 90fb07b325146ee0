
@ void gm_dsp_expand(const gm_dsp_expansion *expansion)
    FUNCTION gm_dsp_expand
    push {r4-r11, lr}
    sub sp, #36
    ldm r0, {r1-r8}
    strd r3, r4, [sp]           @ 0: planes
    add r9, r3, r5
    str r9, [sp, #8]            @ 8: end of the row in the first plane
    str r2, [sp, #12]           @ 12: words
    add r9, r2, r8, lsl #3
    add r9, #8
    str r9, [sp, #20]           @ 20: end of the weights
    strd r6, r7, [sp, #24]      @ 24: skip, 28: rows
    str r5, [sp, #32]           @ 32: row
    PLAN_PRODUCTS
    str r9, [sp, #16]           @ 16: entry
    mov a, r1
1:  PRODUCTS 12, 20, 16
    ldm w!, {w0, w1, x0}
    TO_INT8_RELU m0, w0, w1, x0
    TO_INT8_RELU m1, w0, w1, x0
    TO_INT8_RELU m2, w0, w1, x0
    TO_INT8_RELU m3, w0, w1, x0
    ldm w, {w0, w1, x0}
    TO_INT8_RELU n0, w0, w1, x0
    TO_INT8_RELU n1, w0, w1, x0
    TO_INT8_RELU n2, w0, w1, x0
    TO_INT8_RELU n3, w0, w1, x0
    pkhbt m0, m0, m1, lsl #16
    pkhbt m1, m2, m3, lsl #16
    pkhbt n0, n0, n1, lsl #16
    pkhbt n1, n2, n3, lsl #16
    ldrd w0, x0, [sp]
    strd m0, m1, [w0], #8
    strd n0, n1, [x0], #8
    strd w0, x0, [sp]
    ldr x1, [sp, #8]
    cmp w0, x1
    bne 1b
    ldrd m0, m1, [sp, #24]
    add w0, m0
    add x0, m0
    strd w0, x0, [sp]
    ldr m0, [sp, #32]
    add w0, m0
    str w0, [sp, #8]
    subs m1, #1
    str m1, [sp, #28]
    bne 1b
    add sp, #36
    pop {r4-r11, pc}
    END_FUNCTION gm_dsp_expand
