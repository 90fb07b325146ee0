// needs: row_depthwise_layer
static void gm_row_depthwise(const gm_row_depthwise_layer *l, const gm_rows *rows, int8_t *out, int32_t out_step) {
    const gm_lane_channels *q = &l->q;
    const int8_t *w = q->weights;
    int32_t taps = l->kernel_height * l->kernel_width;
    for (int32_t channel = 0; channel < l->channels; channel++, w += taps) {
        int32_t bias = q->bias[channel], multiplier = q->multiplier[channel], shift = q->shift[channel];
        int32_t add = gm_add(q->zero_point, shift);
        for (int32_t x = 0; x < l->width; x++) {
            int32_t sum = 0;
            const int8_t *tap = w;
            for (int32_t ky = 0; ky < l->kernel_height; ky++) {
                const int8_t *in = rows->row[ky] + channel * rows->step[ky] + x * l->stride;
                for (int32_t kx = 0; kx < l->kernel_width; kx++, in += l->dilation) {
                    sum += *tap++ * *in;
                }
            }
            out[channel * out_step + x] = gm_round8(sum, bias, multiplier, add, shift);
        }
    }
    gm_clamp_row(q, out, out_step, l->width, l->channels);
}
