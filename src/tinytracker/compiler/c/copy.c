// needs: walk
/* Rearranges: transposes, slices, reverses. Only `first` counts. */
static void gm_copy(const gm_walk *w, const int8_t *in, int8_t *out) {
    for (int32_t a = 0; a < w->length[0]; a++) {
        for (int32_t b = 0; b < w->length[1]; b++) {
            for (int32_t c = 0; c < w->length[2]; c++) {
                for (int32_t d = 0; d < w->length[3]; d++) {
                    const int8_t *source =
                        in + a * w->first[0] + b * w->first[1] + c * w->first[2] + d * w->first[3];
                    for (int32_t e = 0; e < w->length[4]; e++, source += w->first[4]) {
                        *out++ = *source;
                    }
                }
            }
        }
    }
}
