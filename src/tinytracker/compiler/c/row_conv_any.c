// needs: row_pack requantize
/* The same for layers whose sums outgrow 23 bits, or whose scales need a shift to the left: products are summed in parts of
   at most GM_PART terms, and rounded the plain way. */
#define GM_PART 256
#define GM_HALF_LANE 4194304

typedef struct {
    gm_channels q;
    int32_t depth;                       /* input channels */
    int32_t kernel_height, kernel_width;
    int32_t x_step;                      /* bytes from one output pixel's input to the next one's */
    int32_t tap_step;                    /* bytes from one tap of a row to the next */
    int32_t terms;                       /* products per output */
    int32_t channels, width;             /* of the output */
} gm_row_conv_any_layer;

/* Four pixels' sums. x: [terms][2]. */
static void gm_sums2(const int8_t *w, const int32_t *x, int32_t terms, int32_t sums[4]) {
    sums[0] = sums[1] = sums[2] = sums[3] = 0;
    while (terms > 0) {
        int64_t a = (int64_t)GM_HALF_LANE * GM_LANE + GM_HALF_LANE, b = a;
        const int8_t *end = w + (terms < GM_PART ? terms : GM_PART);
        for (; w != end; w++, x += 2) {
            a += (int64_t)x[0] * w[0];
            b += (int64_t)x[1] * w[0];
        }
        sums[0] += (int32_t)((uint32_t)a & (GM_LANE - 1)) - GM_HALF_LANE;
        sums[1] += (int32_t)(a >> 23) - GM_HALF_LANE;
        sums[2] += (int32_t)((uint32_t)b & (GM_LANE - 1)) - GM_HALF_LANE;
        sums[3] += (int32_t)(b >> 23) - GM_HALF_LANE;
        terms -= GM_PART;
    }
}

static void gm_row_conv_any(const gm_row_conv_any_layer *l, const gm_rows *rows, int32_t *x, int8_t *out, int32_t out_step) {
    for (int32_t done = 0; done < l->width; done += 4) {
        int32_t pixels = l->width - done < 4 ? l->width - done : 4;
        int32_t *end = x;
        for (int32_t ky = 0; ky < l->kernel_height; ky++) {
            const int8_t *in = rows->row[ky] + done * l->x_step;
            for (int32_t kx = 0; kx < l->kernel_width; kx++, in += l->tap_step) {
                end = gm_pack(in, l->x_step, rows->step[ky], l->depth, pixels, 2, end);
            }
        }
        const int8_t *w = l->q.weights;
        for (int32_t channel = 0; channel < l->channels; channel++, w += l->terms) {
            int32_t sums[4];
            gm_sums2(w, x, l->terms, sums);
            for (int32_t i = 0; i < pixels; i++) {
                out[channel * out_step + done + i] = gm_requantize(&l->q, channel, sums[i]);
            }
        }
    }
}
