
@ int8_t *gm_dsp_keep(const int32_t *plane, int8_t *kept, int32_t words)
@ Gives where the next bytes go. Two words become one: a's halves in bytes 0 and 2, b's in bytes 1 and 3.
    FUNCTION gm_dsp_keep
1:  ldrd r3, r12, [r0], #8
    uxtb16 r3, r3
    uxtb16 r12, r12
    orr r3, r3, r12, lsl #8
    str r3, [r1], #4
    subs r2, #2
    bne 1b
    mov r0, r1
    bx lr
    END_FUNCTION gm_dsp_keep

@ const int8_t *gm_dsp_bring_back(const int8_t *kept, int32_t *plane, int32_t words)
    FUNCTION gm_dsp_bring_back
    push {r4, lr}
1:  ldr r3, [r0], #4
    sxtb16 r4, r3
    sxtb16 r12, r3, ror #8
    strd r4, r12, [r1], #8
    subs r2, #2
    bne 1b
    pop {r4, pc}
    END_FUNCTION gm_dsp_bring_back
