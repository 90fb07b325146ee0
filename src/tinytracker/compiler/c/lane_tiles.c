// needs: lanes
/* A weight times a word of two pixels, summed in 64 bits, is both pixels' sums at once: 23 bits are enough for the lower
   one. Both lanes begin at half their range, so that no borrow passes between them. */
#define GM_LANE_ZERO (4194304LL * GM_LANE + 4194304LL)

static inline int32_t gm_low_lane(int64_t lanes) {
    return (int32_t)((uint32_t)lanes & (GM_LANE - 1));
}

static inline int32_t gm_high_lane(int64_t lanes) {
    return (int32_t)(lanes >> 23);
}

/* Tiles of eight, six or four pixels of every output channel. x: [terms][4], [3] or [2], two pixels a word. Where a row ends
   within a tile, `pixels` says how many count. */
#define GM_TERM4(at, k)                                                                                                \
    a += (int64_t)p[4 * (at)] * (k);                                                                                   \
    b += (int64_t)p[4 * (at) + 1] * (k);                                                                               \
    c += (int64_t)p[4 * (at) + 2] * (k);                                                                               \
    d += (int64_t)p[4 * (at) + 3] * (k)
#define GM_TERM3(at, k)                                                                                                \
    a += (int64_t)p[3 * (at)] * (k);                                                                                   \
    b += (int64_t)p[3 * (at) + 1] * (k);                                                                               \
    c += (int64_t)p[3 * (at) + 2] * (k)
#define GM_TERM2(at, k)                                                                                                \
    a += (int64_t)p[2 * (at)] * (k);                                                                                   \
    b += (int64_t)p[2 * (at) + 1] * (k)
#define GM_PUT(at, lanes)                                                                                              \
    to[at] = gm_round8(gm_low_lane(lanes), bias, multiplier, add, shift);                                              \
    to[(at) + 1] = gm_round8(gm_high_lane(lanes), bias, multiplier, add, shift)

static inline void gm_cut(const int8_t *from, int8_t *to, int32_t pixels) {
    for (int32_t i = 0; i < pixels; i++) {
        to[i] = from[i];
    }
}

static void gm_tile4(const gm_lane_channels *q, const int32_t *x, int32_t terms, int32_t channels, int8_t *out, int32_t step,
                     int32_t pixels) {
    const int8_t *w = q->weights;
    int8_t whole[8];
    for (int32_t channel = 0; channel < channels; channel++, out += step) {
        int64_t a = GM_LANE_ZERO, b = GM_LANE_ZERO, c = GM_LANE_ZERO, d = GM_LANE_ZERO;
        const int32_t *p = x;
        const int8_t *end = w + (terms & ~3);
        for (; w != end; w += 4, p += 16) {
            GM_TERM4(0, w[0]);
            GM_TERM4(1, w[1]);
            GM_TERM4(2, w[2]);
            GM_TERM4(3, w[3]);
        }
        for (end += terms & 3; w != end; w++, p += 4) {
            GM_TERM4(0, w[0]);
        }
        int32_t bias = q->bias[channel], multiplier = q->multiplier[channel], shift = q->shift[channel];
        int32_t add = gm_add(q->zero_point, shift);
        int8_t *to = pixels == 8 ? out : whole;
        GM_PUT(0, a);
        GM_PUT(2, b);
        GM_PUT(4, c);
        GM_PUT(6, d);
        if (pixels != 8) {
            gm_cut(whole, out, pixels);
        }
    }
}

static void gm_tile3(const gm_lane_channels *q, const int32_t *x, int32_t terms, int32_t channels, int8_t *out, int32_t step,
                     int32_t pixels) {
    const int8_t *w = q->weights;
    int8_t whole[6];
    for (int32_t channel = 0; channel < channels; channel++, out += step) {
        int64_t a = GM_LANE_ZERO, b = GM_LANE_ZERO, c = GM_LANE_ZERO;
        const int32_t *p = x;
        const int8_t *end = w + (terms & ~3);
        for (; w != end; w += 4, p += 12) {
            GM_TERM3(0, w[0]);
            GM_TERM3(1, w[1]);
            GM_TERM3(2, w[2]);
            GM_TERM3(3, w[3]);
        }
        for (end += terms & 3; w != end; w++, p += 3) {
            GM_TERM3(0, w[0]);
        }
        int32_t bias = q->bias[channel], multiplier = q->multiplier[channel], shift = q->shift[channel];
        int32_t add = gm_add(q->zero_point, shift);
        int8_t *to = pixels == 6 ? out : whole;
        GM_PUT(0, a);
        GM_PUT(2, b);
        GM_PUT(4, c);
        if (pixels != 6) {
            gm_cut(whole, out, pixels);
        }
    }
}

static void gm_tile2(const gm_lane_channels *q, const int32_t *x, int32_t terms, int32_t channels, int8_t *out, int32_t step,
                     int32_t pixels) {
    const int8_t *w = q->weights;
    int8_t whole[4];
    for (int32_t channel = 0; channel < channels; channel++, out += step) {
        int64_t a = GM_LANE_ZERO, b = GM_LANE_ZERO;
        const int32_t *p = x;
        const int8_t *end = w + (terms & ~3);
        for (; w != end; w += 4, p += 8) {
            GM_TERM2(0, w[0]);
            GM_TERM2(1, w[1]);
            GM_TERM2(2, w[2]);
            GM_TERM2(3, w[3]);
        }
        for (end += terms & 3; w != end; w++, p += 2) {
            GM_TERM2(0, w[0]);
        }
        int32_t bias = q->bias[channel], multiplier = q->multiplier[channel], shift = q->shift[channel];
        int32_t add = gm_add(q->zero_point, shift);
        int8_t *to = pixels == 4 ? out : whole;
        GM_PUT(0, a);
        GM_PUT(2, b);
        if (pixels != 4) {
            gm_cut(whole, out, pixels);
        }
    }
}
