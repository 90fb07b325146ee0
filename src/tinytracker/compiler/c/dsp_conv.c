// needs: dsp_decode dsp_pack dsp_products fill block_copy
/* A convolution under a window, some output rows at a time. The input rows under them are held in a ring with a border of zero
   points; every output pixel's window is packed into tiles, one kernel row after the other, and multiplied as in a 1x1
   convolution. */
typedef struct {
    const int32_t *heads;    /* for gm_dsp_decode, of every pair of output channels; the last two channels are the last pair */
    const int32_t *weights;  /* theirs */
    const uint8_t *shifts;   /* two bytes per pair */
    void (*run)(const gm_dsp_points *points);
    int32_t height, row_bytes; /* of the input */
    int32_t zero;            /* what its border holds */
    int32_t out_height, out_width, channels;
    int32_t kernel_height, dilation, stride; /* downwards */
    int32_t above, left_bytes; /* border */
    int32_t step_bytes;      /* in the input, between neighbouring output pixels */
    int32_t groups;          /* of four numbers in a kernel row */
    int32_t slots, pitch;    /* rows of the ring, bytes of one */
    int32_t strip;           /* output rows at a time */
    int32_t twice;           /* 2 * output zero point + 1 */
} gm_dsp_conv_layer;

typedef struct {
    int8_t *ring;
    int32_t *tiles, *words;
} gm_dsp_conv_scratch;

static int8_t *gm_dsp_conv_slot(const gm_dsp_conv_layer *l, const gm_dsp_conv_scratch *s, int32_t held) {
    return s->ring + held % l->slots * l->pitch;
}

/* Packs the windows of output row `row`; gives where the next row's tiles go. */
static int32_t *gm_dsp_conv_pack(const gm_dsp_conv_layer *l, const gm_dsp_conv_scratch *s, int32_t row, int32_t *tiles) {
    int32_t full = l->out_width / 4;
    int32_t rest = l->out_width % 4;
    int32_t step = l->step_bytes;
    int32_t tile = 8 * l->groups * l->kernel_height;
    for (int32_t k = 0; k < l->kernel_height; k++) {
        const int8_t *from = gm_dsp_conv_slot(l, s, row * l->stride + k * l->dilation);
        int32_t *to = tiles + 8 * l->groups * k;
        if (full > 0) {
            gm_dsp_pack(from, 2 * step, step, to, l->groups, 4 * step, full, 4 * (tile - 8 * l->groups));
        }
        if (rest > 0) {
            gm_dsp_pack(from + 4 * full * step, rest > 2 ? step : 0, rest > 1 ? step : 0, to + full * tile, l->groups, 0, 1, 0);
        }
    }
    return tiles + (full + (rest > 0)) * tile;
}

/* Output rows `first` to `first + count`. Where a row's last tile has fewer than four pixels, its pixels coincide. */
static void gm_dsp_conv_strip(const gm_dsp_conv_layer *l, const gm_dsp_conv_scratch *s, int32_t first, int32_t count,
                              int8_t *out) {
    int32_t full = l->out_width / 4;
    int32_t rest = l->out_width % 4;
    int32_t pairs = 2 * l->groups * l->kernel_height;
    int32_t rows = rest > 0 ? count : 1;
    int32_t at_once = rest > 0 ? full : count * full;
    const int32_t *head = l->heads;
    const int32_t *weights = l->weights;
    const uint8_t *shifts = l->shifts;
    int32_t *tiles = s->tiles;
    for (int32_t row = first; row < first + count; row++) {
        tiles = gm_dsp_conv_pack(l, s, row, tiles);
    }
    for (int32_t channel = 0; channel < l->channels; channel += 2) {
        int8_t *place = out + (channel + 2 > l->channels ? channel - 1 : channel);
        gm_dsp_points points = {0, 0, 0, 4 * l->channels, s->tiles, s->words, 0, pairs};
        gm_dsp_decode(head, weights, s->words, pairs, l->twice, shifts[0] + shifts[1] * 256);
        head += 4;
        weights += pairs;
        shifts += 2;
        for (int32_t row = 0; row < rows; row++) {
            points.out = place + row * l->out_width * l->channels;
            if (at_once > 0) {
                points.down = 2 * l->channels;
                points.step = l->channels;
                points.count = at_once;
                l->run(&points);
                points.tiles += at_once * pairs * 4;
            }
            if (rest > 0) {
                points.out += 4 * full * l->channels;
                points.down = rest > 2 ? l->channels : 0;
                points.step = rest > 1 ? l->channels : 0;
                points.count = 1;
                l->run(&points);
                points.tiles += pairs * 4;
            }
        }
    }
}

/* Output rows that can be computed when input row y is there, whole strips of them. */
static int32_t gm_dsp_conv_ready(const gm_dsp_conv_layer *l, int32_t y) {
    int32_t spare = y + l->above - (l->kernel_height - 1) * l->dilation;
    int32_t rows = spare < 0 ? 0 : spare / l->stride + 1;
    return y >= l->height - 1 || rows >= l->out_height ? l->out_height : rows / l->strip * l->strip;
}

static void gm_dsp_conv_row(const gm_dsp_conv_layer *l, const gm_dsp_conv_scratch *s, const int8_t *row, int32_t y,
                            int8_t *out) {
    if (y == 0) {
        gm_fill(s->ring, l->zero, l->slots * l->pitch);
    }
    gm_block_copy(row, 0, gm_dsp_conv_slot(l, s, y + l->above) + l->left_bytes, 0, l->row_bytes, 1);
    int32_t ready = gm_dsp_conv_ready(l, y);
    for (int32_t first = y > 0 ? gm_dsp_conv_ready(l, y - 1) : 0; first < ready; first += l->strip) {
        int32_t count = ready - first < l->strip ? ready - first : l->strip;
        int32_t held = first * l->stride;
        int32_t end = held + (count - 1) * l->stride + (l->kernel_height - 1) * l->dilation + 1;
        for (held = held > l->height + l->above ? held : l->height + l->above; held < end; held++) {
            gm_fill(gm_dsp_conv_slot(l, s, held), l->zero, l->pitch); /* rows below the image */
        }
        gm_dsp_conv_strip(l, s, first, count, out + first * l->out_width * l->channels);
    }
}
