// needs: row_pack lane_tiles
/* One output row of a convolution: tiles of eight, six or four pixels are packed once, two pixels a word, for all channels. */
typedef struct {
    gm_lane_channels q;
    int32_t depth;                       /* input channels */
    int32_t kernel_height, kernel_width;
    int32_t x_step;                      /* bytes from one output pixel's input to the next one's */
    int32_t tap_step;                    /* bytes from one tap of a row to the next */
    int32_t terms;                       /* products per output */
    int32_t channels, width;             /* of the output */
    int32_t tiles4, tiles3;              /* tiles of eight pixels, then of six; the rest are of four */
} gm_row_conv_layer;

static void gm_row_conv(const gm_row_conv_layer *l, const gm_rows *rows, int32_t *x, int8_t *out, int32_t out_step) {
    int32_t done = 0;
    for (int32_t tile = 0; done < l->width; tile++) {
        int32_t pairs = tile < l->tiles4 ? 4 : tile < l->tiles4 + l->tiles3 ? 3 : 2;
        int32_t left = l->width - done;
        int32_t pixels = left < 2 * pairs ? left : 2 * pairs;
        int32_t *end = x;
        for (int32_t ky = 0; ky < l->kernel_height; ky++) {
            const int8_t *in = rows->row[ky] + done * l->x_step;
            for (int32_t kx = 0; kx < l->kernel_width; kx++, in += l->tap_step) {
                end = gm_pack(in, l->x_step, rows->step[ky], l->depth, pixels, pairs, end);
            }
        }
        if (pairs == 4) {
            gm_tile4(&l->q, x, l->terms, l->channels, out + done, out_step, pixels);
        } else if (pairs == 3) {
            gm_tile3(&l->q, x, l->terms, l->channels, out + done, out_step, pixels);
        } else {
            gm_tile2(&l->q, x, l->terms, l->channels, out + done, out_step, pixels);
        }
        done += pixels;
    }
    gm_clamp_row(&l->q, out, out_step, l->width, l->channels);
}
