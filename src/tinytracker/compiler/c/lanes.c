// needs: clamp lane
/* Per output channel: result = clamp(round(round((2 * sum + bias) * multiplier / 2^32) / 2^shift) + zero_point). */
typedef struct {
    const int8_t *weights;     /* [channels][terms] */
    const int32_t *bias;       /* twice the bias, input zero point folded in, minus what the lanes begin at */
    const int32_t *multiplier;
    const int8_t *shift;       /* to the right, at least 1 */
    int32_t zero_point;
    int32_t low;
    int32_t high;
} gm_lane_channels;

/* Half of 2^shift, to round by, and the output's zero point on the scale before the shift. */
static inline int32_t gm_add(int32_t zero_point, int32_t shift) {
    return (int32_t)(1U << (shift - 1)) + zero_point * (int32_t)(1U << shift);
}

/* The result for one sum, saturated to int8; a narrower clamp is the caller's. */
static inline int8_t gm_round8(int32_t sum, int32_t bias, int32_t multiplier, int32_t add, int32_t shift) {
    int32_t value = (int32_t)(((int64_t)(2 * sum + bias) * multiplier + 0x80000000LL) >> 32);
    value = (value + (value >> 31) + add) >> shift;
    return (int8_t)(value < -128 ? -128 : value > 127 ? 127 : value);
}

/* A row's clamp, where it is narrower than int8. */
static void gm_clamp_row(const gm_lane_channels *q, int8_t *out, int32_t step, int32_t width, int32_t channels) {
    if (q->low == -128 && q->high == 127) {
        return;
    }
    for (int32_t channel = 0; channel < channels; channel++, out += step) {
        for (int32_t x = 0; x < width; x++) {
            out[x] = (int8_t)gm_clamp(out[x], q->low, q->high);
        }
    }
}
