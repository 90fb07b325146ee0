// needs: dsp types high_mul
/* Sums of a 1x1 convolution (see gm_dsp_projection) to int8, in the order (height, width, channel). A row of `width` pixels takes `padded` of the tiles' pixels. */
static void gm_dsp_finish(const gm_channels *q, const int32_t *sums, int32_t tiles, int32_t rows, int32_t width,
                          int32_t padded, int32_t channels, int8_t *out) {
    for (int32_t channel = 0; channel < channels; channel++) {
        const int32_t *own = sums + channel / 2 * tiles * 8 + channel % 2 * 4;
        int8_t *pixel = out + channel;
        for (int32_t y = 0; y < rows; y++) {
            for (int32_t x = 0; x < width; x++) {
                int32_t at = y * padded + x;
                int32_t sum = own[at / 4 * 8 + at % 4] + q->bias[channel];
                int32_t value = gm_multiply(sum, q->multiplier[channel], q->shift[channel]);
                *pixel = (int8_t)gm_clamp(value + q->zero_point, q->low, q->high);
                pixel += channels;
            }
        }
    }
}
