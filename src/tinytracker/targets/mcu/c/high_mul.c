/* a * b / 2^31 to nearest, halves up: TFLite's saturating rounding doubling high multiply, but for a = b = -2^31. */
static inline int32_t gm_high_mul(int32_t a, int32_t b) {
    return (int32_t)(((int64_t)a * b + 0x40000000) >> 31);
}

/* value / 2^exponent to nearest, halves away from zero; exponent from 0 to 31. */
static inline int32_t gm_round_shift(int32_t value, int32_t exponent) {
    int32_t mask = (int32_t)((1U << exponent) - 1U);
    int32_t threshold = (mask >> 1) + (value < 0);
    return (value >> exponent) + ((value & mask) > threshold);
}

static inline int32_t gm_clamp(int32_t value, int32_t low, int32_t high) {
    return value < low ? low : value > high ? high : value;
}

/* value * multiplier * 2^(shift - 31) with TFLite's two roundings. */
static inline int32_t gm_multiply(int32_t value, int32_t multiplier, int32_t shift) {
    if (shift > 0) {
        return gm_high_mul((int32_t)((uint32_t)value << shift), multiplier);
    }
    return gm_round_shift(gm_high_mul(value, multiplier), -shift);
}
