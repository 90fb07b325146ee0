/* A row in TFLite's order, channel after channel instead. */
static void gm_turn(const int8_t *in, int32_t width, int32_t channels, int8_t *out, int32_t step) {
    for (int32_t x = 0; x < width; x++) {
        for (int32_t c = 0; c < channels; c++) {
            out[c * step + x] = *in++;
        }
    }
}
