
@ void gm_dsp_depthwise_2(const gm_dsp_depthwise *layer)
    FUNCTION gm_dsp_depthwise_2
    DW_BEGIN 2
1:  DW_ROW 2, 1
    beq 2f
    DW_NEXT_PAIR
    b 1b
2:  add sp, #DW_FRAME
    pop {r4-r11, pc}
    END_FUNCTION gm_dsp_depthwise_2
