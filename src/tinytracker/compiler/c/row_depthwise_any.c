// needs: rows requantize
/* One output row of a depthwise convolution whose scales need a shift to the left, or that is odd in another way. */
typedef struct {
    gm_channels q;                       /* weights: [channels][kernel_height][kernel_width] */
    int32_t kernel_height, kernel_width;
    int32_t stride, dilation;            /* along x */
    int32_t channels, width;             /* of the output */
} gm_row_depthwise_any_layer;

static void gm_row_depthwise_any(const gm_row_depthwise_any_layer *l, const gm_rows *rows, int8_t *out, int32_t out_step) {
    const int8_t *w = l->q.weights;
    for (int32_t channel = 0; channel < l->channels; channel++, w += l->kernel_height * l->kernel_width) {
        for (int32_t x = 0; x < l->width; x++) {
            int32_t sum = 0;
            const int8_t *tap = w;
            for (int32_t ky = 0; ky < l->kernel_height; ky++) {
                const int8_t *in = rows->row[ky] + channel * rows->step[ky] + x * l->stride;
                for (int32_t kx = 0; kx < l->kernel_width; kx++, in += l->dilation) {
                    sum += *tap++ * *in;
                }
            }
            out[channel * out_step + x] = gm_requantize(&l->q, channel, sum);
        }
    }
}
