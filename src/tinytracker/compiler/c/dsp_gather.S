
@ void gm_dsp_gather(const gm_dsp_gathering *gathering)
    FUNCTION gm_dsp_gather
    push {r4-r11, lr}
    sub sp, #12
    ldr r12, [r0, #20]          @ tiles
    ldr r10, [r0, #32]          @ step
    ldr r1, [r0, #36]
    str r1, [sp]                @ 0: columns left
    movs r2, #0                 @ bytes from the row's beginning to the tile
1:  movs r3, #3
    mov r1, r0
2:  ldr r8, [r1], #4
    ldr r9, [r1, #4]            @ the lower output pixels' row is two further down
    add r8, r2
    add r9, r2
    ldr r11, [r0, #24]          @ whole
3:  ldr r6, [r8, r10]
    ldr r7, [r9, r10]
    ldr r4, [r8], #4
    ldr r5, [r9], #4
    stm r12!, {r4-r7}
    subs r11, #1
    bne 3b
    subs r3, #1
    bne 2b
    ldrd r1, r3, [r0, #24]
    cbz r3, 4f
    add r1, r2, r1, lsl #2
    ldm r0, {r3, r8, r9, r11, lr}
    ldr r4, [r3, r1]
    ldr r5, [r8, r1]
    pkhbt r4, r4, r5, lsl #16
    ldr r5, [r9, r1]
    ldr r6, [r11, r1]
    pkhbt r5, r5, r6, lsl #16
    add r1, r10
    ldr r6, [r3, r1]
    ldr r7, [r8, r1]
    pkhbt r6, r6, r7, lsl #16
    ldr r7, [r9, r1]
    ldr r3, [r11, r1]
    pkhbt r7, r7, r3, lsl #16
    stm r12!, {r4-r7}
    ldr r6, [r9, r1]
    ldr r7, [lr, r1]
    sub r1, r10
    ldr r4, [r9, r1]
    ldr r5, [lr, r1]
    stm r12!, {r4-r7}
4:  ldr r1, [r0, #40]           @ spare
    add r12, r1
    add r2, r2, r10, lsl #1
    ldr r1, [sp]
    subs r1, #1
    str r1, [sp]
    bne 1b
    add sp, #12
    pop {r4-r11, pc}
    END_FUNCTION gm_dsp_gather
