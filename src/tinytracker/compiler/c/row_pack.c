// needs: rows lane
/* A tile of `pairs` words per input channel, all of whose pixels are there. x: [depth][pairs]. */
static inline int32_t *gm_pack_whole(const int8_t *in, int32_t x_step, int32_t c_step, int32_t depth, int32_t pairs, int32_t *x) {
    for (int32_t c = 0; c < depth; c++, in += c_step, x += pairs) {
        const int8_t *p = in;
        x[0] = p[0] + p[x_step] * GM_LANE;
        p += 2 * x_step;
        x[1] = p[0] + p[x_step] * GM_LANE;
        if (pairs > 2) {
            p += 2 * x_step;
            x[2] = p[0] + p[x_step] * GM_LANE;
        }
        if (pairs > 3) {
            p += 2 * x_step;
            x[3] = p[0] + p[x_step] * GM_LANE;
        }
    }
    return x;
}

/* The same where the row ends within the tile: what is beyond is zero. */
static int32_t *gm_pack_part(const int8_t *in, int32_t x_step, int32_t c_step, int32_t depth, int32_t pixels, int32_t pairs,
                             int32_t *x) {
    for (int32_t c = 0; c < depth; c++, in += c_step) {
        for (int32_t i = 0; i < 2 * pairs; i += 2) {
            int32_t first = i < pixels ? in[i * x_step] : 0;
            int32_t second = i + 1 < pixels ? in[(i + 1) * x_step] : 0;
            *x++ = first + second * GM_LANE;
        }
    }
    return x;
}

static int32_t *gm_pack(const int8_t *in, int32_t x_step, int32_t c_step, int32_t depth, int32_t pixels, int32_t pairs, int32_t *x) {
    if (pixels < 2 * pairs) {
        return gm_pack_part(in, x_step, c_step, depth, pixels, pairs, x);
    }
    if (x_step == 1 && pairs == 4) {
        return gm_pack_whole(in, 1, c_step, depth, 4, x);
    }
    if (x_step == 1 && pairs == 3) {
        return gm_pack_whole(in, 1, c_step, depth, 3, x);
    }
    return gm_pack_whole(in, x_step, c_step, depth, pairs, x);
}
