// needs: high_mul
/* value * multiplier * 2^(shift - 31) with TFLite's two roundings. */
static inline int32_t gm_multiply(int32_t value, int32_t multiplier, int32_t shift) {
    if (shift > 0) {
        return gm_high_mul((int32_t)((uint32_t)value << shift), multiplier);
    }
    return gm_round_shift(gm_high_mul(value, multiplier), -shift);
}
