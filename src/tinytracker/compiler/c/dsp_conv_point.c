// needs: dsp_decode dsp_pack dsp_products
/* A 1x1 convolution of any number of pixels, some at a time. Where the last tile has fewer than four pixels, its pixels
   coincide: they are computed twice, to the same values. */
typedef struct {
    const int32_t *records; /* for gm_dsp_decode, one per pair of output channels; the last two channels are the last pair */
    const uint8_t *shifts;  /* two bytes per pair */
    void (*run)(const gm_dsp_points *points);
    int32_t pixels, depth, pairs, channels;
    int32_t together;       /* pixels at a time, a multiple of 4 */
    int32_t twice;          /* 2 * output zero point + 1 */
} gm_dsp_conv_point_layer;

static void gm_dsp_conv_point_some(const gm_dsp_conv_point_layer *l, const int8_t *in, int8_t *out, int32_t *tiles,
                                   int32_t *words, int32_t pixels) {
    int32_t full = pixels / 4;
    int32_t rest = pixels % 4;
    int32_t step = rest > 1;
    int32_t down = rest > 2;
    int32_t groups = l->pairs / 2;
    const int32_t *record = l->records;
    const uint8_t *shifts = l->shifts;
    if (full > 0) {
        gm_dsp_pack(in, 2 * l->depth, l->depth, tiles, groups, 4 * l->depth, full, 0);
    }
    if (rest > 0) {
        gm_dsp_pack(in + 4 * full * l->depth, down * l->depth, step * l->depth, tiles + full * groups * 8, groups, 0, 1, 0);
    }
    for (int32_t channel = 0; channel < l->channels; channel += 2) {
        int32_t place = channel + 2 > l->channels ? channel - 1 : channel;
        gm_dsp_points points = {out + place, 2 * l->channels, l->channels, 4 * l->channels, tiles, words, full, l->pairs};
        gm_dsp_decode(record, record + 4, words, l->pairs, l->twice, shifts[0] + shifts[1] * 256);
        record += 4 + l->pairs;
        shifts += 2;
        if (full > 0) {
            l->run(&points);
        }
        if (rest > 0) {
            points.out += 4 * full * l->channels;
            points.down = down * l->channels;
            points.step = step * l->channels;
            points.tiles += full * groups * 8;
            points.count = 1;
            l->run(&points);
        }
    }
}

static void gm_dsp_conv_point(const gm_dsp_conv_point_layer *l, const int8_t *in, int8_t *out, int32_t *tiles,
                              int32_t *words) {
    for (int32_t pixel = 0; pixel < l->pixels; pixel += l->together) {
        int32_t left = l->pixels - pixel;
        gm_dsp_conv_point_some(l, in + pixel * l->depth, out + pixel * l->channels, tiles, words,
                               left < l->together ? left : l->together);
    }
}
