@ What all assembly here shares. ARMv7E-M: two 16-bit products per instruction (SMLAD), bytes to halves two at a time
@ (SXTB16), a rounded high product with an addition (SMMLAR), saturation (SSAT).
@
@ Every function stands in a section group of its own and is weak, so that two networks in one program share it.
    .syntax unified
    .thumb

    .macro FUNCTION name
    .section .text.\name, "axG", %progbits, \name, comdat
    .align 2
    .weak \name
    .type \name, %function
    .thumb_func
\name:
    .endm

@ Another function that runs on with the one before.
    .macro ENTRY name
    .weak \name
    .type \name, %function
    .thumb_func
\name:
    .endm

    .macro END_FUNCTION name
    .size \name, . - \name
    .endm

@ The accumulators and operands of all that multiplies weights by tiles: m0-m3 belong to one output channel's four pixels,
@ n0-n3 to the next one's.
    a .req r0
    w .req r1
    m0 .req r2
    m1 .req r3
    m2 .req r4
    m3 .req r5
    n0 .req r6
    n1 .req r7
    n2 .req r8
    n3 .req r9
    w0 .req r10
    w1 .req r11
    x0 .req r12
    x1 .req lr

@ Two input channels of four pixels times two output channels: 16 products. w0, w1 hold the weights. 40 bytes.
    .macro MULTIPLY
    ldrd x0, x1, [a], #8
    smlad m0, w0, x0, m0
    smlad n0, w1, x0, n0
    smlad m1, w0, x1, m1
    smlad n1, w1, x1, n1
    ldrd x0, x1, [a], #8
    smlad m2, w0, x0, m2
    smlad n2, w1, x0, n2
    smlad m3, w0, x1, m3
    smlad n3, w1, x1, n3
    .endm

@ A doubled accumulator to an int8: times multiplier / 2^32, rounded, plus `add` (zero point and half, times 2^shift), over
@ 2^shift. This rounds halves up, TFLite halves away from zero: the same where a ReLU ends at the zero point.
    .macro TO_INT8_RELU sum, multiplier, add, shift
    smmlar \sum, \sum, \multiplier, \add
    asr \sum, \sum, \shift
    ssat \sum, #8, \sum
    .endm

@ The same for any sign; the shift must be at least 1.
    .macro TO_INT8_LINEAR sum, multiplier, add, shift
    smmulr \sum, \sum, \multiplier
    add \sum, \sum, \sum, asr #31
    add \sum, \sum, \add
    asr \sum, \sum, \shift
    ssat \sum, #8, \sum
    .endm
