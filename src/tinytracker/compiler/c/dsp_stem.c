// needs: dsp_gather dsp_products dsp_block
/* A network's first layers, row by row: constant channels put beside the image's or a 1x1 convolution of them, a 3x3 one with
   stride 2 and ReLU, then an inverted residual block, whose first 1x1 convolution may be missing. Five rows are held as
   int16, doubled; from them two rows of the 3x3 convolution are computed at a time. */
typedef struct {
    const int8_t *values; /* of one constant channel */
    int32_t y_step, x_step;
    int32_t channel;
} gm_dsp_stem_channel;

typedef struct {
    gm_dsp_stem_channel constants[4];
    int32_t constant_count;
    int32_t first_channel;                /* of the image's, among all */
    const int32_t *mix;                   /* layers for gm_dsp_mix, `mix_words + 4` words each; 0: none */
    int32_t mix_words, mixed;             /* words of a pixel; channels that come out */
    void (*open)(const int8_t *pixels, int32_t *words, int32_t step, int32_t count);
    void (*run_mix)(const int32_t *words, int16_t *out, const int32_t *layer, int32_t count, int32_t advance_bytes);
    int32_t height, width, depth;         /* of the image */
    int32_t channels;                     /* that the 3x3 convolution sees */
    int32_t above, left;                  /* its padding */
    int32_t pitch;                        /* int16 of a held row, even */
    int32_t zero;                         /* what padding holds */
    const int32_t *records;               /* of the 3x3 convolution, for gm_dsp_decode; 0: it is the block's first */
    const uint8_t *shifts;                /* two bytes per record */
    int32_t pairs;                        /* of its numbers in a tile */
    int32_t segment;                      /* its tiles at a time, if it is not the block's first */
    const gm_dsp_block_layer *block;
} gm_dsp_stem_layer;

typedef struct {
    gm_dsp_block_scratch block; /* its tiles: a row of them */
    int16_t *rows;              /* five */
    int32_t *opened;            /* a row's words for gm_dsp_mix */
    int32_t *gathered;          /* a segment's tiles */
    int32_t *words;             /* the 3x3 convolution's, decoded */
    int8_t *lines;              /* two rows that it gives */
} gm_dsp_stem_scratch;

static void gm_dsp_stem_fill(const gm_dsp_stem_layer *l, int16_t *row, int32_t count) {
    for (int32_t at = 0; at < count; at++) {
        row[at] = (int16_t)(2 * l->zero);
    }
}

static void gm_dsp_stem_mix(const gm_dsp_stem_layer *l, const gm_dsp_stem_scratch *s, const int8_t *row, int16_t *held) {
    int8_t last[8] = {0};
    for (int32_t at = 0; at < l->depth; at++) { /* nothing is read behind a row */
        last[at] = row[(l->width - 1) * l->depth + at];
    }
    if (l->width > 1) {
        l->open(row, s->opened, l->depth, l->width - 1);
    }
    l->open(last, s->opened + (l->width - 1) * l->mix_words, 0, 1);
    for (int32_t channel = 0; channel < l->mixed; channel++) {
        l->run_mix(s->opened, held + channel, l->mix + channel * (l->mix_words + 4), l->width, 2 * l->channels);
    }
}

static void gm_dsp_stem_take(const gm_dsp_stem_layer *l, const gm_dsp_stem_scratch *s, const int8_t *row, int32_t y) {
    int16_t *held = s->rows + (y + l->above) % 5 * l->pitch + l->left * l->channels;
    if (l->mix != 0) {
        gm_dsp_stem_mix(l, s, row, held);
        return;
    }
    for (int32_t channel = 0; channel < l->depth; channel++) {
        int16_t *to = held + l->first_channel + channel;
        const int8_t *from = row + channel;
        for (int32_t x = 0; x < l->width; x++, to += l->channels, from += l->depth) {
            *to = (int16_t)(2 * *from);
        }
    }
    for (int32_t at = 0; at < l->constant_count; at++) {
        const gm_dsp_stem_channel *constant = &l->constants[at];
        if (constant->y_step == 0 && y >= 5) {
            continue; /* still there from five rows ago */
        }
        int16_t *to = held + constant->channel;
        const int8_t *from = constant->values + y * constant->y_step;
        for (int32_t x = 0; x < l->width; x++, to += l->channels, from += constant->x_step) {
            *to = (int16_t)(2 * *from);
        }
    }
}

/* Two rows of the 3x3 convolution from `lines` on, if it is not the block's first. */
static void gm_dsp_stem_convolve(const gm_dsp_stem_layer *l, const gm_dsp_stem_scratch *s, gm_dsp_gathering *gathering) {
    const gm_dsp_block_layer *b = l->block;
    int32_t columns = b->width / 2;
    gm_dsp_points points = {0, b->width * b->depth, b->depth, 2 * b->depth, s->gathered, 0, 0, l->pairs};
    for (int32_t column = 0; column < columns; column += l->segment) {
        points.count = columns - column < l->segment ? columns - column : l->segment;
        points.words = s->words;
        gathering->columns = points.count;
        gathering->tiles = s->gathered;
        gm_dsp_gather(gathering);
        for (int32_t channel = 0; channel < b->depth; channel += 2) {
            points.out = s->lines + 2 * column * b->depth + channel;
            gm_dsp_point_relu(&points);
            points.words += 8 + 2 * l->pairs;
        }
        for (int32_t at = 0; at < 5; at++) {
            gathering->rows[at] += points.count * gathering->step_bytes;
        }
    }
    gm_dsp_pack_rows(s->lines, 2, b->width, b->depth, s->block.tiles);
}

/* Pair `pair` of the 3x3 convolution's rows, and the rows of the block that it completes. */
static void gm_dsp_stem_pair(const gm_dsp_stem_layer *l, const gm_dsp_stem_scratch *s, int32_t pair, int8_t *out) {
    const gm_dsp_block_layer *b = l->block;
    int32_t whole = 3 * l->channels / 2;
    int32_t odd = l->channels % 2;
    int32_t spare = l->pairs - 3 * whole - 2 * odd;
    gm_dsp_gathering gathering = {{0}, s->block.tiles, whole, odd, 4 * l->channels, (b->width + 1) / 2, 16 * spare};
    int32_t done = pair > 0 ? gm_dsp_complete(b, pair) : 0;
    for (int32_t at = 0; at < 5; at++) {
        gathering.rows[at] = s->rows + (4 * pair + at) % 5 * l->pitch;
    }
    if (l->records != 0) {
        gm_dsp_stem_convolve(l, s, &gathering);
    } else {
        gm_dsp_gather(&gathering);
    }
    (void)gm_dsp_block_strip(b, &s->block, pair, 1, out + done * b->out_width * b->channels);
}

static void gm_dsp_stem_begin(const gm_dsp_stem_layer *l, const gm_dsp_stem_scratch *s) {
    int32_t *words = s->words;
    gm_dsp_stem_fill(l, s->rows, 5 * l->pitch);
    if (l->records != 0) {
        for (int32_t channel = 0; channel < l->block->depth; channel += 2, words += 8 + 2 * l->pairs) {
            const int32_t *record = l->records + channel / 2 * (4 + l->pairs);
            gm_dsp_decode(record, record + 4, words, l->pairs, 2 * GM_DSP_ZERO + 1,
                          l->shifts[channel] + l->shifts[channel + 1] * 256);
        }
    }
}

/* Row y of the image. The rows held begin `above` rows before the image; a pair needs rows 4 * pair to 4 * pair + 4. */
static void gm_dsp_stem_row(const gm_dsp_stem_layer *l, const gm_dsp_stem_scratch *s, const int8_t *row, int32_t y,
                            int8_t *out) {
    if (y == 0) {
        gm_dsp_stem_begin(l, s);
    }
    gm_dsp_stem_take(l, s, row, y);
    int32_t held = y + l->above;
    if (held >= 4 && held % 4 == 0) {
        gm_dsp_stem_pair(l, s, held / 4 - 1, out);
    }
    if (y == l->height - 1) {
        for (held++; (held - 1) / 4 < (l->block->height + 1) / 2; held++) {
            gm_dsp_stem_fill(l, s->rows + held % 5 * l->pitch, l->pitch);
            if (held % 4 == 0) {
                gm_dsp_stem_pair(l, s, held / 4 - 1, out);
            }
        }
    }
}
