// needs: high_mul clamp
/* SOFTMAX over the last axis. exponents[d]: exp of (difference to the greatest = -d) as of 2^31; -1: counts as nothing. */
static inline int32_t gm_times_4(int32_t value) {
    return value > 0x1FFFFFFF ? 0x7FFFFFFF : value < -0x20000000 ? (-0x7FFFFFFF - 1) : value * 4;
}

/* 1 / (1 + x) for x from 0 to 1, as of 2^31, by three steps of Newton and Raphson. */
static int32_t gm_reciprocal(int32_t x) {
    int32_t half = (int32_t)(((int64_t)x + 0x7FFFFFFF + 1) / 2);
    int32_t guess = 1515870810 + gm_high_mul(half, -1010580540);
    for (int step = 0; step < 3; step++) {
        guess += gm_times_4(gm_high_mul(guess, 0x20000000 - gm_high_mul(half, guess)));
    }
    return guess > 0x3FFFFFFF ? 0x7FFFFFFF : guess * 2;
}

static void gm_softmax_row(const int32_t *exponents, const int8_t *in, int8_t *out, int32_t depth) {
    int32_t greatest = -128;
    for (int32_t i = 0; i < depth; i++) {
        greatest = in[i] > greatest ? in[i] : greatest;
    }
    int32_t sum = 0;
    for (int32_t i = 0; i < depth; i++) {
        int32_t exponent = exponents[greatest - in[i]];
        sum += exponent < 0 ? 0 : gm_round_shift(exponent, 12);
    }
    int32_t headroom = 0;
    for (uint32_t bits = (uint32_t)sum; !(bits & 0x80000000U); bits <<= 1) {
        headroom++;
    }
    int32_t scale = gm_reciprocal((int32_t)(((uint32_t)sum << headroom) - 0x80000000U));
    for (int32_t i = 0; i < depth; i++) {
        int32_t exponent = exponents[greatest - in[i]];
        int32_t value = exponent < 0 ? 0 : gm_round_shift(gm_high_mul(scale, exponent), 12 - headroom + 31 - 8);
        out[i] = (int8_t)gm_clamp(value - 128, -128, 127);
    }
}

static void gm_softmax(const int32_t *exponents, const int8_t *in, int8_t *out, int32_t depth, int32_t rows) {
    for (int32_t row = 0; row < rows; row++) {
        gm_softmax_row(exponents, in + row * depth, out + row * depth, depth);
    }
}
