// needs: multiply clamp walk
/* MUL. */
typedef struct {
    int32_t zero_1, zero_2, multiplier, shift, zero_point, low, high;
} gm_product_layer;

static inline int8_t gm_product(const gm_product_layer *l, int32_t a, int32_t b) {
    int32_t value = gm_multiply((a - l->zero_1) * (b - l->zero_2), l->multiplier, l->shift);
    return (int8_t)gm_clamp(value + l->zero_point, l->low, l->high);
}

static void gm_product_walk(const gm_product_layer *l, const gm_walk *w, const int8_t *a, const int8_t *b, int8_t *out) {
    for (int32_t i = 0; i < w->length[0]; i++) {
        for (int32_t j = 0; j < w->length[1]; j++) {
            for (int32_t k = 0; k < w->length[2]; k++) {
                for (int32_t m = 0; m < w->length[3]; m++) {
                    const int8_t *x = a + i * w->first[0] + j * w->first[1] + k * w->first[2] + m * w->first[3];
                    const int8_t *y = b + i * w->second[0] + j * w->second[1] + k * w->second[2] + m * w->second[3];
                    for (int32_t n = 0; n < w->length[4]; n++, x += w->first[4], y += w->second[4]) {
                        *out++ = gm_product(l, *x, *y);
                    }
                }
            }
        }
    }
}
