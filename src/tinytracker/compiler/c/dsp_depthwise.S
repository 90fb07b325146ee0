
@ Depthwise 3x3. A plane's word holds two rows of a column. An output row that begins in the lower half of words V ("full
@ first") multiplies both halves of V by the first two rows of weights, and the lower half of the words U below by the
@ third; one that begins in the upper half of V ("full last") the upper half by the first row, both halves of U by the other
@ two. Six multiplications per output.
    V .req r0
    U .req r1
    out .req r2
    kl .req r3                  @ two rows of weights: left, middle, right
    km .req r4
    kr .req r5
    klm .req r6                 @ one row of weights: left and middle, right
    kright .req r7
    u0 .req r8                  @ sums
    u1 .req r9
    u2 .req r10
    u3 .req r11
    t0 .req r12
    t1 .req lr

@ Where things lie on the stack.
    .equ DW_FULL_FIRST, 0       @ kl, km, kr, klm, kright
    .equ DW_FULL_LAST, 20
    .equ DW_BIAS, 40
    .equ DW_MULTIPLIER, 44      @ and the addend
    .equ DW_SHIFT, 52
    .equ DW_ROW_END, 56         @ in V
    .equ DW_ROWS, 60
    .equ DW_PITCH, 64
    .equ DW_QUAD_BYTES, 68      @ what a row's quads take of V
    .equ DW_TWO, 72             @ 0: no two; 1: two at the row's end; 2: two at its beginning
    .equ DW_PLANE, 76
    .equ DW_CHANNEL_NOW, 80
    .equ DW_ARGUMENTS, 84       @ ten, as they came
    .equ DW_FRAME, 124

@ One row of taps of four outputs side by side, `multiply` being what to do with the left, middle and right weight. The sums
@ begin as `start` (u3 for the first row of taps: it holds the bias).
    .macro DW_TAPS_4 stride, base, left, wl, middle, wm, right, wr, first
    .if \first
    from0 .req u3
    from1 .req u3
    from2 .req u3
    .else
    from0 .req u0
    from1 .req u1
    from2 .req u2
    .endif
    .if \stride == 1
    ldrd t0, t1, [\base], #8
    \left u0, t0, \wl, from0
    \left u1, t1, \wl, from1
    \middle u0, t1, \wm, u0
    ldrd t0, t1, [\base], #8
    \right u0, t0, \wr, u0
    \middle u1, t0, \wm, u1
    \left u2, t0, \wl, from2
    \right u1, t1, \wr, u1
    \middle u2, t1, \wm, u2
    \left u3, t1, \wl, u3
    ldrd t0, t1, [\base]
    \right u2, t0, \wr, u2
    \middle u3, t0, \wm, u3
    \right u3, t1, \wr, u3
    .else
    ldrd t0, t1, [\base], #8
    \left u0, t0, \wl, from0
    \middle u0, t1, \wm, u0
    ldrd t0, t1, [\base], #8
    \right u0, t0, \wr, u0
    \left u1, t0, \wl, from1
    \middle u1, t1, \wm, u1
    ldrd t0, t1, [\base], #8
    \right u1, t0, \wr, u1
    \left u2, t0, \wl, from2
    \middle u2, t1, \wm, u2
    ldrd t0, t1, [\base], #8
    \right u2, t0, \wr, u2
    \left u3, t0, \wl, u3
    \middle u3, t1, \wm, u3
    ldr t0, [\base]
    \right u3, t0, \wr, u3
    .endif
    .unreq from0
    .unreq from1
    .unreq from2
    .endm

@ The same of two outputs; the bias is in u1.
    .macro DW_TAPS_2 stride, base, left, wl, middle, wm, right, wr, first
    ldrd t0, t1, [\base], #8
    .if \first
    \left u0, t0, \wl, u1
    .else
    \left u0, t0, \wl, u0
    .endif
    \middle u0, t1, \wm, u0
    .if \stride == 1
    \left u1, t1, \wl, u1
    ldrd t0, t1, [\base]
    \right u0, t0, \wr, u0
    \middle u1, t0, \wm, u1
    \right u1, t1, \wr, u1
    .else
    ldrd t0, t1, [\base], #8
    \right u0, t0, \wr, u0
    \left u1, t0, \wl, u1
    \middle u1, t1, \wm, u1
    ldr t0, [\base]
    \right u1, t0, \wr, u1
    .endif
    .endm

    .macro DW_TAPS outputs, stride, full_first
    .if \full_first
    DW_TAPS_\outputs \stride, V, smlad, kl, smlad, km, smlad, kr, 1
    DW_TAPS_\outputs \stride, U, smlabb, klm, smlabt, klm, smlabb, kright, 0
    .else
    DW_TAPS_\outputs \stride, V, smlatb, klm, smlatt, klm, smlatb, kright, 1
    DW_TAPS_\outputs \stride, U, smlad, kl, smlad, km, smlad, kr, 0
    .endif
    .endm

    .macro DW_TWO_OUTPUTS stride, full_first, advance
    ldr u1, [sp, #DW_BIAS]
    DW_TAPS 2, \stride, \full_first
    ldrd t0, t1, [sp, #DW_MULTIPLIER]
    ldr u2, [sp, #DW_SHIFT]
    TO_INT8_RELU u0, t0, t1, u2
    TO_INT8_RELU u1, t0, t1, u2
    strh u1, [out, #4]
    strh u0, [out], #\advance
    .endm

@ A row of the output. Tiles of four pixels run on over row ends: where a row leaves two of a tile free, the next row begins
@ with two.
    .macro DW_ROW stride, full_first
    ldr V, [sp, #DW_PLANE]
    ldr U, [sp, #DW_PITCH]
    add U, V
    .if \full_first
    ldm sp, {kl, km, kr, klm, kright}
    .else
    add t0, sp, #DW_FULL_LAST
    ldm t0, {kl, km, kr, klm, kright}
    .endif
    ldr t0, [sp, #DW_TWO]
    cmp t0, #2
    bne 10f
    DW_TWO_OUTPUTS \stride, \full_first, 120
10: ldr t0, [sp, #DW_QUAD_BYTES]
    cmp t0, #0
    beq 12f
    add t0, V
    str t0, [sp, #DW_ROW_END]
11: ldr u3, [sp, #DW_BIAS]
    DW_TAPS 4, \stride, \full_first
    ldrd t0, t1, [sp, #DW_MULTIPLIER]
    smmlar u0, u0, t0, t1
    smmlar u1, u1, t0, t1
    smmlar u2, u2, t0, t1
    smmlar u3, u3, t0, t1
    ldrd t0, t1, [sp, #DW_SHIFT]
    asr u0, u0, t0
    asr u1, u1, t0
    asr u2, u2, t0
    asr u3, u3, t0
    ssat u0, #8, u0
    ssat u1, #8, u1
    ssat u2, #8, u2
    ssat u3, #8, u3
    strh u1, [out, #4]
    strh u2, [out, #8]
    strh u3, [out, #12]
    strh u0, [out], #128
    cmp V, t1
    bne 11b
12: ldr t0, [sp, #DW_TWO]
    cmp t0, #0
    beq 14f
    eor t1, t0, #3
    str t1, [sp, #DW_TWO]
    cmp t0, #1
    bne 14f
    DW_TWO_OUTPUTS \stride, \full_first, 8
14: ldr t0, [sp, #DW_ROWS]
    subs t0, #1
    str t0, [sp, #DW_ROWS]
    .endm

@ Keeps the arguments (r0).
    .macro DW_BEGIN stride
    push {r4-r11, lr}
    sub sp, #DW_FRAME
    ldm r0, {r1-r10}
    .if \stride == 1
    lsl r7, r7, #4
    .else
    lsl r7, r7, #5
    .endif
    str r7, [sp, #DW_QUAD_BYTES]
    str r2, [sp, #DW_PITCH]
    add r0, sp, #DW_ARGUMENTS
    stm r0, {r1-r10}
    mov r12, #0
    .endm

@ Sets out for channel r12 (0 or 1): works its weights out, int16 and times 2^(1 + left shift), in the pairs that both kinds of
@ row want. Leaves `upper` in r0.
    .macro DW_CHANNEL
    str r12, [sp, #DW_CHANNEL_NOW]
    add r0, sp, #DW_ARGUMENTS
    ldm r0, {r1-r10}
    mla r1, r12, r9, r1
    str r1, [sp, #DW_PLANE]
    str r5, [sp, #DW_ROWS]
    str r8, [sp, #DW_TWO]
    add out, r3, r12, lsl #1    @ r2
    push {r2, r6}
    add r5, r4, r12, lsl #3
    ldr r4, [r4, #32]
    lsl r12, r12, #2
    lsr r0, r4, r12
    ubfx r0, r0, #24, #4
    lsl r12, r12, #1
    lsr r11, r4, r12
    sxtb r11, r11               @ row 2, right
    ldrd r2, r3, [r5]           @ bias, multiplier
    ldrd r4, r5, [r5, #16]
    adds r0, r10                @ shift
    mov r12, #1
    itt mi
    rsbmi r12, r0, #1
    movmi r0, #0
    sxtb16 r7, r4               @ rows 0 and 1, left
    sxtb16 r8, r4, ror #8       @ middle
    sxtb16 r9, r5               @ right
    sxtb16 r10, r5, ror #8      @ row 2, left and middle
15: sadd16 r7, r7, r7
    sadd16 r8, r8, r8
    sadd16 r9, r9, r9
    sadd16 r10, r10, r10
    lsl r11, r11, #1
    subs r12, #1
    bne 15b
    add r12, sp, #8 + DW_FULL_FIRST
    stm r12!, {r7-r11}
    lsr r4, r7, #16
    pkhbt r4, r4, r10, lsl #16  @ rows 1 and 2, left
    pkhtb r5, r10, r8, asr #16  @ middle
    pkhbt r7, r7, r8, lsl #16   @ row 0, left and middle
    lsr r6, r9, #16
    pkhbt r6, r6, r11, lsl #16  @ rows 1 and 2, right
    mov r8, r9                  @ row 0, right
    stm r12!, {r4-r8}
    mvn r4, #254                @ twice the zero point -128, and 1
    lsl r4, r4, r0
    asr r4, r4, #1
    mov r5, r0
    stm r12, {r2-r5}            @ bias, multiplier, addend, shift
    pop {r2, r6}
    mov r0, r6
    .endm

@ Goes on with the second channel, or returns.
    .macro DW_END channel
    ldr r12, [sp, #DW_CHANNEL_NOW]
    eors r12, r12, #1
    bne \channel
    add sp, #DW_FRAME
    pop {r4-r11, pc}
    .endm

    .macro DW_NEXT_PAIR
    ldr t0, [sp, #DW_PLANE]
    ldr t1, [sp, #DW_PITCH]
    add t0, t1
    str t0, [sp, #DW_PLANE]
    .endm
