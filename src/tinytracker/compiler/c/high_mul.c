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
