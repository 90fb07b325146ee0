// needs: row_depthwise_layer
/* For windows of three by three without dilation. */
static void gm_row_depthwise_3x3(const gm_row_depthwise_layer *l, const gm_rows *rows, int8_t *out, int32_t out_step) {
    const gm_lane_channels *q = &l->q;
    const int8_t *w = q->weights;
    int32_t stride = l->stride;
    for (int32_t channel = 0; channel < l->channels; channel++, w += 9) {
        int32_t bias = q->bias[channel], multiplier = q->multiplier[channel], shift = q->shift[channel];
        int32_t add = gm_add(q->zero_point, shift);
        int32_t w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3], w4 = w[4], w5 = w[5], w6 = w[6], w7 = w[7], w8 = w[8];
        const int8_t *a = rows->row[0] + channel * rows->step[0];
        const int8_t *b = rows->row[1] + channel * rows->step[1];
        const int8_t *c = rows->row[2] + channel * rows->step[2];
        int8_t *to = out + channel * out_step;
        for (const int8_t *end = to + l->width; to != end; to++, a += stride, b += stride, c += stride) {
            int32_t sum = a[0] * w0 + a[1] * w1 + a[2] * w2 + b[0] * w3 + b[1] * w4 + b[2] * w5;
            sum += c[0] * w6 + c[1] * w7 + c[2] * w8;
            *to = gm_round8(sum, bias, multiplier, add, shift);
        }
    }
    gm_clamp_row(q, out, out_step, l->width, l->channels);
}
