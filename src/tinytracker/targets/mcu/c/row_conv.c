// needs: rows lane_tiles
/* One output row of a convolution: tiles of eight or six pixels are packed once, two pixels a word, for all channels. */
typedef struct {
    gm_lane_channels q;
    int32_t depth;                       /* input channels */
    int32_t kernel_height, kernel_width;
    int32_t x_step;                      /* bytes from one output pixel's input to the next one's */
    int32_t tap_step;                    /* bytes from one tap of a row to the next */
    int32_t terms;                       /* products per output, made even */
    int32_t channels, width;             /* of the output */
    int32_t tiles4;                      /* tiles of eight pixels; the rest are of six */
} gm_row_conv_layer;

/* x: [depth][pairs]; pixels beyond `pixels` are zero. */
static int32_t *gm_pack(const int8_t *in, int32_t x_step, int32_t c_step, int32_t depth, int32_t pixels, int32_t pairs, int32_t *x) {
    for (int32_t c = 0; c < depth; c++, in += c_step) {
        const int8_t *pixel = in;
        int32_t left = pixels;
        for (int32_t pair = 0; pair < pairs; pair++, left -= 2) {
            int32_t first = 0, second = 0;
            if (left > 0) {
                first = *pixel;
                pixel += x_step;
            }
            if (left > 1) {
                second = *pixel;
                pixel += x_step;
            }
            *x++ = first + second * GM_LANE;
        }
    }
    return x;
}

static void gm_row_conv(const gm_row_conv_layer *l, const gm_rows *rows, int32_t *x, int8_t *out, int32_t out_step) {
    int32_t done = 0;
    for (int32_t tile = 0; done < l->width; tile++) {
        int32_t pairs = tile < l->tiles4 ? 4 : 3;
        int32_t left = l->width - done;
        int32_t pixels = left < 2 * pairs ? left : 2 * pairs;
        int32_t *end = x;
        for (int32_t ky = 0; ky < l->kernel_height; ky++) {
            const int8_t *in = rows->row[ky] + done * l->x_step;
            for (int32_t kx = 0; kx < l->kernel_width; kx++, in += l->tap_step) {
                end = gm_pack(in, l->x_step, rows->step[ky], l->depth, pixels, pairs, end);
            }
        }
        while (end != x + l->terms * pairs) {
            *end++ = 0;
        }
        if (pairs == 4) {
            gm_tile4(&l->q, x, l->terms, l->channels, out + done, out_step, pixels);
        } else {
            gm_tile3(&l->q, x, l->terms, l->channels, out + done, out_step, pixels);
        }
        done += pixels;
    }
}
