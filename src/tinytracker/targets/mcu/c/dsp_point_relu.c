// needs: dsp_point
/* With a ReLU that clamps at the zero point -128. */
extern void gm_dsp_point_relu(const gm_dsp_points *points);
