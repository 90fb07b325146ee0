// needs: requantize
/* Depthwise convolution of any window, with `multiplier` output channels per input channel; images in TFLite's order. */
typedef struct {
    gm_channels q;
    int32_t height, width, depth; /* of the input */
    int32_t out_height, out_width, channels;
    int32_t kernel_height, kernel_width;
    int32_t stride_y, stride_x, dilation_y, dilation_x, before_y, before_x;
    int32_t multiplier;
    int32_t zero; /* input zero point: what padding holds */
} gm_plain_depthwise_layer;

static int8_t gm_plain_depthwise_pixel(const gm_plain_depthwise_layer *l, const int8_t *in, int32_t y, int32_t x, int32_t channel) {
    const int8_t *weight = l->q.weights + channel;
    const int8_t *plane = in + channel / l->multiplier;
    int32_t sum = 0;
    for (int32_t ky = 0; ky < l->kernel_height; ky++) {
        int32_t row = y + ky * l->dilation_y;
        for (int32_t kx = 0; kx < l->kernel_width; kx++, weight += l->channels) {
            int32_t column = x + kx * l->dilation_x;
            int outside = row < 0 || row >= l->height || column < 0 || column >= l->width;
            sum += *weight * (outside ? l->zero : plane[(row * l->width + column) * l->depth]);
        }
    }
    return gm_requantize(&l->q, channel, sum);
}

static void gm_plain_depthwise(const gm_plain_depthwise_layer *l, const int8_t *in, int8_t *out) {
    for (int32_t y = 0; y < l->out_height; y++) {
        for (int32_t x = 0; x < l->out_width; x++) {
            for (int32_t channel = 0; channel < l->channels; channel++) {
                *out++ = gm_plain_depthwise_pixel(l, in, y * l->stride_y - l->before_y, x * l->stride_x - l->before_x, channel);
            }
        }
    }
}
