
@ void gm_dsp_sum(const gm_dsp_sum_layer *layer, const int8_t *a, const int8_t *b, int8_t *out, int32_t count)
@ The first addition of a rounded half comes out of the carry: what ASRS shifts out last.
    FUNCTION gm_dsp_sum
    push {r4-r11, lr}
    ldm r0, {r4-r11}            @ zero, step, offset, both of b's; multiplier, half, shift
    ldr lr, [sp, #36]
1:  ldrsb r0, [r1], #1
    ldrsb r12, [r2], #1
    rsb r0, r4, r0, lsl #19
    mla r12, r12, r5, r6
    smmulr r12, r12, r7
    add r12, r12, r12, asr #31
    asrs r12, r12, r8
    adc r0, r0, r12
    lsl r0, r0, #1
    smmulr r0, r0, r9
    add r0, r0, r0, asr #31
    add r0, r0, r10
    asr r0, r0, r11
    ssat r0, #8, r0
    strb r0, [r3], #1
    subs lr, #1
    bne 1b
    pop {r4-r11, pc}
    END_FUNCTION gm_dsp_sum
