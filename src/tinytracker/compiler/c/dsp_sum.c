// needs: dsp
/* ADD without a clamp of its own, of inputs of which the first has the coarser scale, or the same: at 2^20 times that scale's
   double it needs no multiplication. */
typedef struct {
    int32_t zero;         /* 2^19 * a's zero point */
    int32_t step, offset; /* b * step + offset: 2^21 * (b - zero point), or 2^22 where both scales are the same */
    int32_t multiplier_b, shift_b;
    int32_t multiplier, half, shift; /* half: (output zero point + 1/2) * 2^shift */
} gm_dsp_sum_layer;

extern void gm_dsp_sum(const gm_dsp_sum_layer *layer, const int8_t *a, const int8_t *b, int8_t *out, int32_t count);
