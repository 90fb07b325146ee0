/* Blocks of `length` bytes, `from_step` and `to_step` apart. */
static void gm_block_copy(const int8_t *in, int32_t from_step, int8_t *out, int32_t to_step, int32_t length, int32_t blocks) {
    for (int32_t block = 0; block < blocks; block++, in += from_step, out += to_step) {
        for (int32_t i = 0; i < length; i++) {
            out[i] = in[i];
        }
    }
}
