
@ Two pixels of a pair of channels: r4, r5 of the first, r6, r7 of the second. [sp]: bias, multiplier, addend, shift of the
@ first channel, [lr]: of the second. r12 is 8 in the first half of a tile, 24 in the second. Leaves both channels' bytes in
@ r4 and r5.
    .macro FINISH_TWO
    ldrd r6, r7, [r0, #16]
    ldrd r4, r5, [r0]
    add r0, r12
    eor r12, r12, #16
    ldm sp, {r8-r11}
    add r4, r8, r4, lsl #1
    add r5, r8, r5, lsl #1
    TO_INT8_LINEAR r4, r9, r10, r11
    TO_INT8_LINEAR r5, r9, r10, r11
    ldm lr, {r8-r11}
    add r6, r8, r6, lsl #1
    add r7, r8, r7, lsl #1
    TO_INT8_LINEAR r6, r9, r10, r11
    TO_INT8_LINEAR r7, r9, r10, r11
    bfi r4, r6, #8, #8
    bfi r5, r7, #8, #8
    .endm

@ void gm_dsp_finish(const gm_dsp_finishing *finishing)
    FUNCTION gm_dsp_finish
    push {r4-r11, lr}
    sub sp, #76
    @ 0, 16: the two channels' bias, multiplier, addend, shift; 32: sums, 36: out, 40: records, 44: shifts, 48: sum_bytes,
    @ 52: channels, 56: rows, 60: width, 64: twice, 68: channels left, 72: rows left
    ldm r0, {r1-r9}
    add r0, sp, #32
    stm r0, {r1-r9}
    str r6, [sp, #68]
1:  ldrd r0, r8, [sp, #40]
    ldm r0!, {r4-r7}            @ biases, multipliers
    ldrb r1, [r8], #1
    ldrb r3, [r8], #1
    strd r0, r8, [sp, #40]
    ldr r0, [sp, #64]
    lsl r2, r0, r1
    asr r2, r2, #1              @ (zero point + 1/2) * 2^shift
    lsl r8, r0, r3
    asr r8, r8, #1
    add lr, sp, #16
    strd r4, r6, [sp]
    strd r2, r1, [sp, #8]
    strd r5, r7, [lr]
    strd r8, r3, [lr, #8]
    ldrd r0, r1, [sp, #32]
    ldr r2, [sp, #52]
    movs r12, #8
    ldr r3, [sp, #56]
    str r3, [sp, #72]
2:  ldr r3, [sp, #60]
    lsrs r3, r3, #1
    beq 4f
3:  FINISH_TWO
    strh r4, [r1]
    strh r5, [r1, r2]
    add r1, r1, r2, lsl #1
    subs r3, #1
    bne 3b
4:  ldr r3, [sp, #60]
    lsls r3, r3, #31
    beq 5f
    FINISH_TWO                  @ the last pixel of an odd row; the tile's next one means nothing
    strh r4, [r1]
    add r1, r2
5:  ldr r3, [sp, #72]
    subs r3, #1
    str r3, [sp, #72]
    bne 2b
    ldrd r0, r1, [sp, #32]
    ldr r2, [sp, #48]
    add r0, r2
    ldr r3, [sp, #68]
    subs r3, #2
    str r3, [sp, #68]
    ble 6f
    add r1, #2
    cmp r3, #1                  @ one channel left: the last but one goes with it again
    it eq
    subeq r1, #1
    strd r0, r1, [sp, #32]
    b 1b
6:  add sp, #76
    pop {r4-r11, pc}
    END_FUNCTION gm_dsp_finish
