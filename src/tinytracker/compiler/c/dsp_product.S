
@ void gm_dsp_product(const gm_dsp_product_layer *layer, const int8_t *a, const int8_t *b, int8_t *out, int32_t count)
    FUNCTION gm_dsp_product
    push {r4-r8, lr}
    ldm r0, {r4-r8}             @ twice a's zero point, b's, multiplier, half, shift
    ldr lr, [sp, #24]
1:  ldrsb r0, [r1], #1
    ldrsb r12, [r2], #1
    rsb r0, r4, r0, lsl #1
    sub r12, r12, r5
    mul r0, r0, r12
    smmulr r0, r0, r6
    add r0, r0, r0, asr #31
    add r0, r0, r7
    asr r0, r0, r8
    ssat r0, #8, r0
    strb r0, [r3], #1
    subs lr, #1
    bne 1b
    pop {r4-r8, pc}
    END_FUNCTION gm_dsp_product
