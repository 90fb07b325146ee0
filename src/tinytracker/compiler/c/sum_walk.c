// needs: sum walk
static void gm_sum_walk(const gm_sum_layer *l, const gm_walk *w, const int8_t *a, const int8_t *b, int8_t *out) {
    for (int32_t i = 0; i < w->length[0]; i++) {
        for (int32_t j = 0; j < w->length[1]; j++) {
            for (int32_t k = 0; k < w->length[2]; k++) {
                for (int32_t m = 0; m < w->length[3]; m++) {
                    const int8_t *x = a + i * w->first[0] + j * w->first[1] + k * w->first[2] + m * w->first[3];
                    const int8_t *y = b + i * w->second[0] + j * w->second[1] + k * w->second[2] + m * w->second[3];
                    for (int32_t n = 0; n < w->length[4]; n++, x += w->first[4], y += w->second[4]) {
                        *out++ = gm_sum(l, *x, *y);
                    }
                }
            }
        }
    }
}
