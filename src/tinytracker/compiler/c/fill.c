static void gm_fill(int8_t *out, int32_t value, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        out[i] = (int8_t)value;
    }
}
