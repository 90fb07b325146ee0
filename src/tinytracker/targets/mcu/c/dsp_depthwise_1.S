
@ void gm_dsp_depthwise_1(const gm_dsp_depthwise *layer)
    FUNCTION gm_dsp_depthwise_1
    DW_BEGIN 1
    cmp r0, #0
    bne 2f
1:  DW_ROW 1, 1
    beq 3f
2:  DW_ROW 1, 0
    beq 3f
    DW_NEXT_PAIR
    b 1b
3:  add sp, #DW_FRAME
    pop {r4-r11, pc}
    END_FUNCTION gm_dsp_depthwise_1
