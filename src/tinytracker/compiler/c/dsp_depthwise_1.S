
@ void gm_dsp_depthwise_1(const gm_dsp_depthwise *layer)
    FUNCTION gm_dsp_depthwise_1
    DW_BEGIN 1
1:  DW_CHANNEL
    cmp r0, #0
    bne 3f
2:  DW_ROW 1, 1
    beq 4f
3:  DW_ROW 1, 0
    beq 4f
    DW_NEXT_PAIR
    b 2b
4:  DW_END 1b
    END_FUNCTION gm_dsp_depthwise_1
