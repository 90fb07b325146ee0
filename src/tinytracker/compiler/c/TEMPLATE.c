// needs: clamp
/* One function, static, its name begins with gm_; the line above takes other support files along. */
static void gm_template(const int8_t *in, int8_t *out, int32_t count, int32_t low, int32_t high) {
    for (int32_t i = 0; i < count; i++) {
        out[i] = (int8_t)gm_clamp(in[i], low, high);
    }
}
