// needs: types multiply clamp
/* Any accumulator, any shift: the plain way. */
static inline int8_t gm_requantize(const gm_channels *q, int32_t channel, int32_t sum) {
    int32_t total = (int32_t)((uint32_t)sum + (uint32_t)q->bias[channel]); /* wraps as the reference does */
    int32_t value = gm_multiply(total, q->multiplier[channel], q->shift[channel]);
    return (int8_t)gm_clamp(value + q->zero_point, q->low, q->high);
}
