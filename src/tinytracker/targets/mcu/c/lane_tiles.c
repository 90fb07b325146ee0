// needs: lanes
/* Eight pixels of every output channel. x: [terms][4], two pixels a word; terms even. */
static void gm_tile4(const gm_lane_channels *q, const int32_t *x, int32_t terms, int32_t channels, int8_t *out, int32_t step, int32_t pixels) {
    const int8_t *w = q->weights;
    for (int32_t channel = 0; channel < channels; channel++, out += step) {
        int64_t a = GM_LANE_ZERO, b = GM_LANE_ZERO, c = GM_LANE_ZERO, d = GM_LANE_ZERO;
        const int32_t *p = x;
        const int8_t *end = w + terms;
        do {
            int32_t k = w[0];
            a += (int64_t)p[0] * k;
            b += (int64_t)p[1] * k;
            c += (int64_t)p[2] * k;
            d += (int64_t)p[3] * k;
            k = w[1];
            a += (int64_t)p[4] * k;
            b += (int64_t)p[5] * k;
            c += (int64_t)p[6] * k;
            d += (int64_t)p[7] * k;
            w += 2;
            p += 8;
        } while (w != end);
        int32_t sums[8] = {gm_low_lane(a), gm_high_lane(a), gm_low_lane(b), gm_high_lane(b),
                           gm_low_lane(c), gm_high_lane(c), gm_low_lane(d), gm_high_lane(d)};
        int32_t bias = q->bias[channel], multiplier = q->multiplier[channel], shift = q->shift[channel];
        int32_t add = (int32_t)(1U << (shift - 1)) + q->zero_point * (int32_t)(1U << shift);
        for (int32_t i = 0; i < pixels; i++) {
            out[i] = (int8_t)gm_clamp(gm_round(sums[i], bias, multiplier, add, shift), q->low, q->high);
        }
    }
}

/* Six pixels. x: [terms][3]. */
static void gm_tile3(const gm_lane_channels *q, const int32_t *x, int32_t terms, int32_t channels, int8_t *out, int32_t step, int32_t pixels) {
    const int8_t *w = q->weights;
    for (int32_t channel = 0; channel < channels; channel++, out += step) {
        int64_t a = GM_LANE_ZERO, b = GM_LANE_ZERO, c = GM_LANE_ZERO;
        const int32_t *p = x;
        const int8_t *end = w + terms;
        do {
            int32_t k = w[0];
            a += (int64_t)p[0] * k;
            b += (int64_t)p[1] * k;
            c += (int64_t)p[2] * k;
            k = w[1];
            a += (int64_t)p[3] * k;
            b += (int64_t)p[4] * k;
            c += (int64_t)p[5] * k;
            w += 2;
            p += 6;
        } while (w != end);
        int32_t sums[6] = {gm_low_lane(a), gm_high_lane(a), gm_low_lane(b), gm_high_lane(b), gm_low_lane(c), gm_high_lane(c)};
        int32_t bias = q->bias[channel], multiplier = q->multiplier[channel], shift = q->shift[channel];
        int32_t add = (int32_t)(1U << (shift - 1)) + q->zero_point * (int32_t)(1U << shift);
        for (int32_t i = 0; i < pixels; i++) {
            out[i] = (int8_t)gm_clamp(gm_round(sums[i], bias, multiplier, add, shift), q->low, q->high);
        }
    }
}
