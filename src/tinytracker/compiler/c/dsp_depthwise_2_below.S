
@ void gm_dsp_depthwise_2_below(const gm_dsp_depthwise *layer)
    FUNCTION gm_dsp_depthwise_2_below
    DW_BEGIN 2
1:  DW_CHANNEL
2:  DW_ROW 2, 0
    beq 3f
    DW_NEXT_PAIR
    b 2b
3:  DW_END 1b
    END_FUNCTION gm_dsp_depthwise_2_below
