
@ void gm_dsp_pack(const int8_t *pixels, int32_t down, int32_t step, int32_t *tiles, int32_t groups, int32_t ahead,
@                  int32_t count, int32_t apart)
    FUNCTION gm_dsp_pack
    push {r4-r11, lr}
    sub sp, #12
    @ [sp]: from a tile's last group to the next tile's first; [sp, #48]: groups; [sp, #52]: ahead; [sp, #56]: count;
    @ [sp, #60]: apart
    ldrd r12, r4, [sp, #48]
    sub r4, r4, r12, lsl #2
    str r4, [sp]
    add r1, r0
1:  ldr lr, [sp, #48]
2:  ldr r12, [r0, r2]
    sxtb16 r6, r12
    sxtb16 r10, r12, ror #8
    ldr r12, [r0], #4
    sxtb16 r4, r12
    sxtb16 r8, r12, ror #8
    ldr r12, [r1, r2]
    sxtb16 r7, r12
    sxtb16 r11, r12, ror #8
    ldr r12, [r1], #4
    sxtb16 r5, r12
    sxtb16 r9, r12, ror #8
    sadd16 r4, r4, r4
    sadd16 r5, r5, r5
    sadd16 r6, r6, r6
    sadd16 r7, r7, r7
    sadd16 r8, r8, r8
    sadd16 r9, r9, r9
    sadd16 r10, r10, r10
    sadd16 r11, r11, r11
    stm r3!, {r4-r11}
    subs lr, #1
    bne 2b
    ldr r12, [sp]
    add r0, r12
    add r1, r12
    ldr r12, [sp, #60]
    add r3, r12
    ldr r12, [sp, #56]
    subs r12, #1
    str r12, [sp, #56]
    bne 1b
    add sp, #12
    pop {r4-r11, pc}
    END_FUNCTION gm_dsp_pack
