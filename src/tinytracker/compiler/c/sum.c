// needs: high_mul clamp
/* ADD and SUB: both inputs are brought to a common scale at 20 bits more, summed, and brought to the output's. */
typedef struct {
    int32_t zero_1, multiplier_1, shift_1; /* shifts: bits to the right */
    int32_t zero_2, multiplier_2, shift_2;
    int32_t sign; /* of the second: 1 for ADD, -1 for SUB */
    int32_t multiplier, shift, zero_point, low, high;
} gm_sum_layer;

static inline int8_t gm_sum(const gm_sum_layer *l, int32_t a, int32_t b) {
    int32_t first = gm_round_shift(gm_high_mul((a - l->zero_1) * 1048576, l->multiplier_1), l->shift_1);
    int32_t second = gm_round_shift(gm_high_mul((b - l->zero_2) * 1048576, l->multiplier_2), l->shift_2);
    int32_t value = gm_round_shift(gm_high_mul(first + l->sign * second, l->multiplier), l->shift) + l->zero_point;
    return (int8_t)gm_clamp(value, l->low, l->high);
}
