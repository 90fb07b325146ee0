
@ void gm_dsp_most(const int8_t *pixels, int32_t down, int32_t step, int8_t *out, int32_t words, int32_t count)
    FUNCTION gm_dsp_most
    push {r4-r10, lr}
    ldrd r4, r5, [sp, #32]      @ words, count
    add r1, r0
1:  mov r6, r4
2:  ldr r7, [r0, r2]
    ldr r8, [r1, r2]
    ldr r9, [r0], #4
    ldr r10, [r1], #4
    ssub8 r12, r7, r8           @ four bytes' signs, and the greater ones
    sel r7, r7, r8
    ssub8 r12, r9, r10
    sel r9, r9, r10
    ssub8 r12, r7, r9
    sel r7, r7, r9
    str r7, [r3], #4
    subs r6, #1
    bne 2b
    add r0, r2
    add r1, r2
    subs r5, #1
    bne 1b
    pop {r4-r10, pc}
    END_FUNCTION gm_dsp_most
