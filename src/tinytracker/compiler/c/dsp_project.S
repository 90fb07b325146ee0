
@ void gm_dsp_project(const gm_dsp_projection *projection)
    FUNCTION gm_dsp_project
    push {r4-r11, lr}
    sub sp, #92
    @ 0: 16 words of weights; 64: end of sums; 68: where to go for a tile; 72: tiles; 76: weights; 80: sum bytes;
    @ 84: pairs of output channels left; 88: pairs of input channels
    ldm r0, {r1-r6}             @ tiles, weights, sums, sum_bytes, channel_pairs, pairs
    strd r1, r2, [sp, #72]
    str r4, [sp, #80]
    strd r5, r6, [sp, #84]
    adr r7, 3f
    rsb r8, r6, #8
    movs r9, #44
    mul r8, r9
    add r7, r8
    orr r7, #1
    str r7, [sp, #68]
    mov r1, r3                  @ sums stay in r1
1:  ldr r2, [sp, #76]
    ldr r3, [sp, #88]
    rsb r4, r3, #8
    add r4, sp, r4, lsl #3
2:  ldrd r5, r7, [r2], #8
    sxtb16 r8, r5
    sxtb16 r9, r5, ror #8
    sxtb16 r10, r7
    sxtb16 r11, r7, ror #8
    stm r4!, {r8-r11}
    subs r3, #2
    bne 2b
    str r2, [sp, #76]
    ldr r3, [sp, #80]
    add r3, r1
    str r3, [sp, #64]
    ldr a, [sp, #72]
5:  ldm r1, {m0-m3, n0-n3}
    ldr pc, [sp, #68]
    .align 2
3:  .set pair, 0
    .rept 8
    ldrd w0, w1, [sp, #8 * pair]
    ldrd x0, x1, [a, #16 * pair]
    smlad m0, w0, x0, m0
    smlad n0, w1, x0, n0
    smlad m1, w0, x1, m1
    smlad n1, w1, x1, n1
    ldrd x0, x1, [a, #16 * pair + 8]
    smlad m2, w0, x0, m2
    smlad n2, w1, x0, n2
    smlad m3, w0, x1, m3
    smlad n3, w1, x1, n3
    .set pair, pair + 1
    .endr
    stm r1!, {m0-m3, n0-n3}
    add a, #128
    ldr w0, [sp, #64]
    cmp r1, w0
    bne 5b
    ldr r3, [sp, #84]
    subs r3, #1
    str r3, [sp, #84]
    bne 1b
    add sp, #92
    pop {r4-r11, pc}
    END_FUNCTION gm_dsp_project
