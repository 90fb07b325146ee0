// needs: dsp
/* MUL without a clamp of its own. */
typedef struct {
    int32_t twice_zero_a, zero_b;
    int32_t multiplier, half, shift; /* half: (output zero point + 1/2) * 2^shift */
} gm_dsp_product_layer;

extern void gm_dsp_product(const gm_dsp_product_layer *layer, const int8_t *a, const int8_t *b, int8_t *out, int32_t count);
