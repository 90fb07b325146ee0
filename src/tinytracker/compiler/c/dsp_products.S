
@ Tiles times weights, a pair of output channels at a time: gm_dsp_expand, gm_dsp_point_relu and gm_dsp_point_linear differ in
@ what becomes of a tile's eight sums, and share what makes them. On the stack:
    .equ AT_OUT, 0              @ points: out, down, step, ahead; expansion: the two planes
    .equ AT_WORDS, 16           @ the decoded weights: biases first
    .equ AT_END, 20             @ and where they end
    .equ AT_ENTRY, 24           @ where a tile goes on after the first pair of input channels
    .equ AT_FINISH, 28          @ and after the last
    .equ AT_COUNT, 32           @ tiles left; expansion: where the row ends in the first plane
    .equ AT_SKIP, 36            @ expansion only: skip, rows left, bytes of a row
    .equ AT_ROWS, 40
    .equ AT_ROW_BYTES, 44
    .equ PRODUCTS_FRAME, 52

@ The frame, from words in r2, pairs of input channels in r8 and the finish's address in r9.
@ Of the pairs after the first the last eight, sixteen, ... go through the loop from its beginning; those before them enter it
@ late, or behind it if there are none.
    .macro PLAN_PRODUCTS
    orr r9, r9, #1              @ Thumb
    str r9, [sp, #AT_FINISH]
    str r2, [sp, #AT_WORDS]
    add r9, r2, r8, lsl #3
    add r9, r9, #8
    str r9, [sp, #AT_END]
    adr r9, 92f
    subs r8, r8, #1
    beq 90f
    sub r10, r8, #1
    and r10, r10, #7
    rsb r10, r10, #7
    mov r11, #44                @ bytes of a step
    mul r10, r10, r11
    adr r9, 91f
    add r9, r9, r10
90: orr r9, r9, #1
    str r9, [sp, #AT_ENTRY]
    .endm

@ Two channels of four pixels each, one after the other through `to_int8`.
    .macro TILE_TO_INT8 to_int8
    ldm w!, {w0, w1, x0}
    \to_int8 m0, w0, w1, x0
    \to_int8 m1, w0, w1, x0
    \to_int8 m2, w0, w1, x0
    \to_int8 m3, w0, w1, x0
    ldm w, {w0, w1, x0}
    \to_int8 n0, w0, w1, x0
    \to_int8 n1, w0, w1, x0
    \to_int8 n2, w0, w1, x0
    \to_int8 n3, w0, w1, x0
    .endm

@ void gm_dsp_point_relu(const gm_dsp_points *points)
    FUNCTION gm_dsp_point_relu
    push {r4-r11, lr}
    sub sp, #PRODUCTS_FRAME
    adr r9, 93f
    b 80f

@ void gm_dsp_point_linear(const gm_dsp_points *points)
    ENTRY gm_dsp_point_linear
    push {r4-r11, lr}
    sub sp, #PRODUCTS_FRAME
    adr r9, 94f
80: ldm r0!, {r2-r5}            @ out, down, step, ahead
    stm sp, {r2-r5}
    ldm r0, {r1, r2, r7, r8}    @ tiles, words, count, pairs
    str r7, [sp, #AT_COUNT]
    mov a, r1
    b 81f

@ void gm_dsp_expand(const gm_dsp_expansion *expansion)
    ENTRY gm_dsp_expand
    push {r4-r11, lr}
    sub sp, #PRODUCTS_FRAME
    ldm r0, {r1-r8}             @ tiles, words, planes, row bytes, skip, rows, pairs
    strd r3, r4, [sp, #AT_OUT]
    add r3, r5
    str r3, [sp, #AT_COUNT]
    strd r6, r7, [sp, #AT_SKIP]
    str r5, [sp, #AT_ROW_BYTES]
    adr r9, 95f
    mov a, r1
81: PLAN_PRODUCTS

90: ldr w, [sp, #AT_WORDS]
    ldrd m3, n3, [w], #8        @ the biases, taken in by the first pair
    ldrd w0, w1, [w], #8
    ldrd x0, x1, [a], #8
    smlad m0, w0, x0, m3
    smlad n0, w1, x0, n3
    smlad m1, w0, x1, m3
    smlad n1, w1, x1, n3
    ldrd x0, x1, [a], #8
    smlad m2, w0, x0, m3
    smlad n2, w1, x0, n3
    smlad m3, w0, x1, m3
    smlad n3, w1, x1, n3
    ldr pc, [sp, #AT_ENTRY]
    .align 2
91: .rept 8
    ldrd w0, w1, [w], #8
    MULTIPLY
    .endr
    ldr w0, [sp, #AT_END]
    cmp w, w0
    bne 91b
    .align 2
92: ldr pc, [sp, #AT_FINISH]

    .align 2
93: TILE_TO_INT8 TO_INT8_RELU
    b 82f
    .align 2
94: TILE_TO_INT8 TO_INT8_LINEAR
82: bfi m0, n0, #8, #8
    bfi m1, n1, #8, #8
    bfi m2, n2, #8, #8
    bfi m3, n3, #8, #8
    ldm sp, {w0, w1, x0, x1}
    add w1, w0
    strh m0, [w0]
    strh m2, [w0, x0]
    strh m1, [w1]
    strh m3, [w1, x0]
    add w0, x1
    str w0, [sp, #AT_OUT]
    ldr m0, [sp, #AT_COUNT]
    subs m0, #1
    str m0, [sp, #AT_COUNT]
    bne 90b
83: add sp, #PRODUCTS_FRAME
    pop {r4-r11, pc}

    .align 2
95: TILE_TO_INT8 TO_INT8_RELU
    pkhbt m0, m0, m1, lsl #16
    pkhbt m1, m2, m3, lsl #16
    pkhbt n0, n0, n1, lsl #16
    pkhbt n1, n2, n3, lsl #16
    ldrd w0, x0, [sp, #AT_OUT]
    strd m0, m1, [w0], #8
    strd n0, n1, [x0], #8
    strd w0, x0, [sp, #AT_OUT]
    ldr x1, [sp, #AT_COUNT]
    cmp w0, x1
    bne 90b
    ldrd m0, m1, [sp, #AT_SKIP]
    add w0, m0
    add x0, m0
    strd w0, x0, [sp, #AT_OUT]
    ldr m0, [sp, #AT_ROW_BYTES]
    add w0, m0
    str w0, [sp, #AT_COUNT]
    subs m1, #1
    str m1, [sp, #AT_ROWS]
    bne 90b
    b 83b
    END_FUNCTION gm_dsp_point_relu
