
@ void gm_dsp_decode(const int32_t *head, const int32_t *weights, int32_t *words, int32_t pairs, int32_t twice, int32_t shifts)
    FUNCTION gm_dsp_decode
    push {r4-r11, lr}
    ldm r0, {r4-r7}             @ biases, multipliers
    ldrd r0, r8, [sp, #36]      @ twice, shifts
    strd r4, r5, [r2], #8
1:  ldrd r9, r12, [r1], #8
    sxtb16 r4, r9               @ a word holds: first channel's, second channel's, first's, second's
    sxtb16 r5, r9, ror #8
    sxtb16 r10, r12
    sxtb16 r11, r12, ror #8
    stm r2!, {r4, r5, r10, r11}
    subs r3, #2
    bne 1b
    uxtb r11, r8
    lsl r10, r0, r11
    asr r10, r10, #1            @ (zero point + 1/2) * 2^shift
    stm r2!, {r6, r10, r11}
    ubfx r11, r8, #8, #8
    lsl r10, r0, r11
    asr r10, r10, #1
    stm r2!, {r7, r10, r11}
    pop {r4-r11, pc}
    END_FUNCTION gm_dsp_decode
