// needs: dsp_point
/* Without activation. */
extern void gm_dsp_point_linear(const gm_dsp_points *points);
