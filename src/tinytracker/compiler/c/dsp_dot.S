
@ int32_t gm_dsp_dot(const int32_t *words, const int8_t *weights, int32_t eights)
    FUNCTION gm_dsp_dot
    push {r4-r10, lr}
    movs r3, #0
1:  ldr r4, [r1], #4
    ldr r5, [r1], #4
    ldm r0!, {r6-r9}
    sxtb16 r10, r4
    sxtb16 r4, r4, ror #8
    smlad r3, r10, r6, r3
    smlad r3, r4, r7, r3
    sxtb16 r10, r5
    sxtb16 r5, r5, ror #8
    smlad r3, r10, r8, r3
    smlad r3, r5, r9, r3
    subs r2, #1
    bne 1b
    mov r0, r3
    pop {r4-r10, pc}
    END_FUNCTION gm_dsp_dot
