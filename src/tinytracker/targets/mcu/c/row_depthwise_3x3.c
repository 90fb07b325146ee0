// needs: row_depthwise_layer
/* For windows of three by three without dilation. */
static void gm_row_depthwise_3x3(const gm_row_depthwise_layer *l, const gm_rows *rows, int8_t *out, int32_t out_step) {
    const gm_lane_channels *q = &l->q;
    const int8_t *w = q->weights;
    int32_t stride = l->stride;
    for (int32_t channel = 0; channel < l->channels; channel++, w += 9, out += out_step) {
        int32_t bias = q->bias[channel], multiplier = q->multiplier[channel], shift = q->shift[channel];
        int32_t add = (int32_t)(1U << (shift - 1)) + q->zero_point * (int32_t)(1U << shift);
        const int8_t *a = rows->row[0] + channel * rows->step[0];
        const int8_t *b = rows->row[1] + channel * rows->step[1];
        const int8_t *c = rows->row[2] + channel * rows->step[2];
        for (int32_t x = 0; x < l->width; x++, a += stride, b += stride, c += stride) {
            int32_t sum = a[0] * w[0] + a[1] * w[1] + a[2] * w[2] + b[0] * w[3] + b[1] * w[4] + b[2] * w[5];
            sum += c[0] * w[6] + c[1] * w[7] + c[2] * w[8];
            out[x] = (int8_t)gm_clamp(gm_round(sum, bias, multiplier, add, shift), q->low, q->high);
        }
    }
}
