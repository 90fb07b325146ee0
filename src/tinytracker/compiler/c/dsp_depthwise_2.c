// needs: dsp_depthwise
/* With stride 2, no row of padding above. */
extern void gm_dsp_depthwise_2(const gm_dsp_depthwise *layer);
