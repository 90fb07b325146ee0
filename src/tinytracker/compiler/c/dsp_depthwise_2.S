
@ void gm_dsp_depthwise_2(const gm_dsp_depthwise *layer)
    FUNCTION gm_dsp_depthwise_2
    DW_BEGIN 2
1:  DW_CHANNEL
2:  DW_ROW 2, 1
    beq 3f
    DW_NEXT_PAIR
    b 2b
3:  DW_END 1b
    END_FUNCTION gm_dsp_depthwise_2
