// needs: multiply clamp walk
/* MEAN: the first three axes of the walk are kept, the last two summed; longer ones are brought into this form. */
typedef struct {
    int32_t subtract; /* input zero point times the number of elements */
    int32_t multiplier, shift, zero_point;
} gm_mean_layer;

static void gm_mean(const gm_mean_layer *l, const gm_walk *w, const int8_t *in, int8_t *out) {
    for (int32_t a = 0; a < w->length[0]; a++) {
        for (int32_t b = 0; b < w->length[1]; b++) {
            for (int32_t c = 0; c < w->length[2]; c++) {
                int32_t sum = -l->subtract;
                for (int32_t d = 0; d < w->length[3]; d++) {
                    const int8_t *source =
                        in + a * w->first[0] + b * w->first[1] + c * w->first[2] + d * w->first[3];
                    for (int32_t e = 0; e < w->length[4]; e++, source += w->first[4]) {
                        sum += *source;
                    }
                }
                int32_t value = gm_multiply(sum, l->multiplier, l->shift) + l->zero_point;
                *out++ = (int8_t)gm_clamp(value, -128, 127);
            }
        }
    }
}
