
@ void gm_dsp_point_linear(const gm_dsp_points *points)
    FUNCTION gm_dsp_point_linear
    POINT TO_INT8_LINEAR
    END_FUNCTION gm_dsp_point_linear
