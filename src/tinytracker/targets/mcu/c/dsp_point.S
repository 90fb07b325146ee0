
@ A 1x1 convolution of a pair of output channels (see gm_dsp_points), `to_int8` being how a sum becomes one.
    .macro POINT to_int8
    push {r4-r11, lr}
    sub sp, #36
    ldm r0, {r1-r8}
    stm sp, {r1-r4}             @ 0: out, 4: down, 8: step, 12: ahead
    str r6, [sp, #16]           @ 16: words
    add r9, r6, r8, lsl #3
    add r9, #8
    str r9, [sp, #20]           @ 20: end of the weights
    str r7, [sp, #28]           @ 28: tiles left
    mov a, r5
    PLAN_PRODUCTS
    str r9, [sp, #24]           @ 24: entry
1:  PRODUCTS 16, 20, 24
    ldm w!, {w0, w1, x0}
    \to_int8 m0, w0, w1, x0
    \to_int8 m1, w0, w1, x0
    \to_int8 m2, w0, w1, x0
    \to_int8 m3, w0, w1, x0
    ldm w, {w0, w1, x0}
    \to_int8 n0, w0, w1, x0
    \to_int8 n1, w0, w1, x0
    \to_int8 n2, w0, w1, x0
    \to_int8 n3, w0, w1, x0
    bfi m0, n0, #8, #8
    bfi m1, n1, #8, #8
    bfi m2, n2, #8, #8
    bfi m3, n3, #8, #8
    ldm sp, {w0, w1, x0, x1}
    add w1, w0
    strh m0, [w0]
    strh m2, [w0, x0]
    strh m1, [w1]
    strh m3, [w1, x0]
    add w0, x1
    str w0, [sp]
    ldr m0, [sp, #28]
    subs m0, #1
    str m0, [sp, #28]
    bne 1b
    add sp, #36
    pop {r4-r11, pc}
    .endm
