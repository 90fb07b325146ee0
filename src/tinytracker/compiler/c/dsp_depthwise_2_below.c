// needs: dsp_depthwise
/* With stride 2 and a row of padding above. */
extern void gm_dsp_depthwise_2_below(const gm_dsp_depthwise *layer);
