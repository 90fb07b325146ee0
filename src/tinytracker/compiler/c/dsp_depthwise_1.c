// needs: dsp_depthwise
/* With stride 1. */
extern void gm_dsp_depthwise_1(const gm_dsp_depthwise *layer);
