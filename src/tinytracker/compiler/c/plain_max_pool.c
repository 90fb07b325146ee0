// needs: plain_pool clamp
static void gm_max_pool(const gm_pool_layer *l, const int8_t *in, int8_t *out) {
    for (int32_t out_y = 0; out_y < l->out_height; out_y++) {
        for (int32_t out_x = 0; out_x < l->out_width; out_x++) {
            gm_box box = gm_pool_box(l, out_y, out_x);
            for (int32_t c = 0; c < l->channels; c++) {
                int32_t most = -128;
                for (int32_t y = box.top; y < box.bottom; y++) {
                    for (int32_t x = box.left; x < box.right; x++) {
                        int32_t value = in[y * l->in_y + x * l->in_x + c * l->in_c];
                        most = value > most ? value : most;
                    }
                }
                out[out_y * l->out_y + out_x * l->out_x + c * l->out_c] = (int8_t)gm_clamp(most, l->low, l->high);
            }
        }
    }
}
