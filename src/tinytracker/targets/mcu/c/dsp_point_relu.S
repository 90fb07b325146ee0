
@ void gm_dsp_point_relu(const gm_dsp_points *points)
    FUNCTION gm_dsp_point_relu
    POINT TO_INT8_RELU
    END_FUNCTION gm_dsp_point_relu
