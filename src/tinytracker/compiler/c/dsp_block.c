// needs: dsp_decode dsp_pack_rows dsp_products dsp_keep dsp_depthwise dsp_project dsp_finish
/* A 1x1 convolution with ReLU, a 3x3 depthwise one with ReLU and, perhaps, a 1x1 one: an inverted residual block. What lies
   between them never is a tensor. A strip of a few pairs of rows is worked on at a time, and of it sixteen channels: each pair of channels
   is expanded into two planes, run over by the depthwise convolution, and left in tiles; sixteen are projected onto sums,
   or spread over the output where nothing is projected.
   The last pair of rows of every channel is kept for the next strip. */
#define GM_DSP_ZERO (-128) /* zero point behind a ReLU */

typedef struct {
    const int32_t *expansion;  /* records for gm_dsp_decode, one per pair of channels */
    const int32_t *depthwise;  /* records for gm_dsp_depthwise, one per pair of channels */
    int32_t expansion_base;    /* of the shifts in those records */
    int32_t depthwise_base;
    const int32_t *projection; /* weights for gm_dsp_project, sixteen channels after each other; 0: no projection */
    const int32_t *finish;     /* records and shifts for gm_dsp_finish */
    const uint8_t *finish_shifts;
    int32_t twice;             /* 2 * zero point of the output + 1 */
    void (*run_depthwise)(const gm_dsp_depthwise *layer);
    int32_t height, width, depth;
    int32_t pairs;             /* of input channels in a tile */
    int32_t inner;             /* pairs of expanded channels */
    int32_t out_height, out_width, channels;
    int32_t padded;            /* out_width, made even */
    int32_t stride, above, left; /* of the depthwise convolution: its padding */
    int32_t pitch;             /* words of a plane's row */
    int32_t strip;             /* pairs of rows in a strip */
} gm_dsp_block_layer;

typedef struct {
    int32_t *tiles, *words, *planes;
    int8_t *kept, *chunk;
    int32_t *sums;
} gm_dsp_block_scratch;

static void gm_dsp_fill(int32_t *words, int32_t value, int32_t count) {
    for (; count > 0; count -= 4, words += 4) { /* to a multiple of four words: see the scratch's sizes */
        words[0] = value;
        words[1] = value;
        words[2] = value;
        words[3] = value;
    }
}

static int32_t gm_dsp_both(int32_t value) {
    return (int32_t)(((uint32_t)value & 0xFFFFU) * 0x10001U);
}

/* Columns and rows that the tiles have and the image has not hold the zero point again. */
static void gm_dsp_repair(const gm_dsp_block_layer *l, int32_t *plane, int32_t rows, int32_t last) {
    if (l->width % 2 != 0) {
        for (int32_t row = 0; row < rows; row++) {
            plane[row * l->pitch + l->width] = gm_dsp_both(GM_DSP_ZERO);
        }
    }
    if (last && l->height % 2 != 0) {
        int32_t *words = plane + (rows - 1) * l->pitch;
        for (int32_t x = 0; x < l->width; x++) {
            words[x] = (int32_t)(((uint32_t)words[x] & 0xFFFFU) | ((uint32_t)GM_DSP_ZERO << 16));
        }
    }
}

/* Output rows that are complete when the first `pairs` pairs of rows are there. */
static int32_t gm_dsp_complete(const gm_dsp_block_layer *l, int32_t pairs) {
    int32_t rows = l->stride == 1 ? 2 * pairs - 1 : pairs - 1 + l->above;
    return 2 * pairs >= l->height || rows > l->out_height ? l->out_height : rows;
}

/* Channels `first` to `first + 2 * pairs` of `rows` output rows from tiles of 16 channels, of which they are the last. */
static void gm_dsp_spread(const gm_dsp_block_layer *l, const int8_t *chunk, int32_t first, int32_t pairs, int32_t rows,
                          int8_t *out) {
    for (int32_t channel = first; channel < first + 2 * pairs && channel < l->channels; channel++) {
        const int8_t *from = chunk + 16 * (8 - pairs) + (channel - first) / 2 * 16 + channel % 2 * 2;
        int8_t *to = out + channel;
        int32_t pixel = 0;
        for (int32_t row = 0; row < rows; row++, pixel += l->padded - l->out_width) {
            for (int32_t x = 0; x < l->out_width; x++, pixel++, to += l->channels) {
                *to = from[pixel / 4 * 128 + pixel % 4 * 4];
            }
        }
    }
}

/* Pairs of rows `first` to `first + count`, their tiles packed; gives the number of output rows. */
static int32_t gm_dsp_block_strip(const gm_dsp_block_layer *l, const gm_dsp_block_scratch *s, int32_t first, int32_t count,
                                  int8_t *out) {
    int32_t last = 2 * (first + count) >= l->height;
    int32_t row = first > 0 ? gm_dsp_complete(l, first) : 0;
    int32_t rows = gm_dsp_complete(l, first + count) - row;
    int32_t tiles = (rows * l->padded + 3) / 4;
    int32_t columns = (l->width + 1) / 2;
    int32_t plane_words = (l->strip + 2) * l->pitch;
    gm_dsp_expansion expansion = {s->tiles, s->words, 0, 0, 8 * columns, 4 * (l->pitch - 2 * columns), count, l->pairs};
    gm_dsp_depthwise depthwise = {0,    4 * l->pitch,   0,                  l->depthwise,    rows,
                                  0,    l->padded / 4,  l->padded % 4 != 0, 4 * plane_words, l->depthwise_base};
    gm_dsp_projection projection = {s->chunk, l->projection, s->sums, 32 * tiles, (l->channels + 1) / 2, 8};
    gm_dsp_finishing finishing = {s->sums, out, l->finish, l->finish_shifts, 32 * tiles, l->channels, rows, l->out_width, l->twice};
    const int32_t *record = l->expansion;
    const int8_t *brought = s->kept;
    int8_t *kept = s->kept;

    depthwise.upper = l->stride == 1 && first == 0;
    gm_dsp_fill(s->planes, gm_dsp_both(GM_DSP_ZERO), 2 * plane_words);
    if (l->projection != 0) {
        gm_dsp_fill(s->sums, 0, projection.channel_pairs * tiles * 8);
    }
    for (int32_t begin = 0; begin < l->inner; begin += 8) {
        projection.pairs = l->inner - begin < 8 ? (l->inner - begin + 1) / 2 * 2 : 8;
        int8_t *place = s->chunk + 16 * (8 - projection.pairs);
        for (int32_t pair = begin; pair < begin + 8 && pair < l->inner; pair++) {
            int32_t *plane = s->planes + l->left;
            uint32_t shifts = (uint32_t)depthwise.record[8] >> 16;
            gm_dsp_decode(record, record + 4, s->words, l->pairs, 2 * GM_DSP_ZERO + 1,
                          (int32_t)(shifts & 15U) + (int32_t)(shifts >> 4 & 15U) * 256 + l->expansion_base * 257);
            record += 4 + l->pairs;
            if (first > 0) {
                brought = gm_dsp_bring_back(brought, plane, 2 * columns);
                brought = gm_dsp_bring_back(brought, plane + plane_words, 2 * columns);
            }
            expansion.plane = plane + l->pitch;
            expansion.other = plane + l->pitch + plane_words;
            gm_dsp_expand(&expansion);
            if ((l->width | l->height) % 2 != 0) {
                gm_dsp_repair(l, expansion.plane, count, last);
                gm_dsp_repair(l, expansion.other, count, last);
            }
            if (!last) {
                kept = gm_dsp_keep(plane + count * l->pitch, kept, 2 * columns);
                kept = gm_dsp_keep(plane + count * l->pitch + plane_words, kept, 2 * columns);
            }
            if (rows > 0) {
                /* The first output row of a strip begins in the kept pair, but for stride 2 with no padding above. */
                depthwise.plane = s->planes + (first == 0 && l->stride == 2 && l->above == 0 ? l->pitch : 0);
                depthwise.out = place;
                l->run_depthwise(&depthwise);
                place += 16;
            }
            depthwise.record += 9;
        }
        if (rows > 0 && l->projection == 0) {
            gm_dsp_spread(l, s->chunk, 2 * begin, projection.pairs, rows, out);
        } else if (rows > 0) {
            gm_dsp_project(&projection);
            projection.weights += projection.channel_pairs * projection.pairs;
        }
    }
    if (rows > 0 && l->projection != 0) {
        gm_dsp_finish(&finishing);
    }
    return rows;
}

static void gm_dsp_block(const gm_dsp_block_layer *l, const gm_dsp_block_scratch *s, const int8_t *in, int8_t *out) {
    int32_t pairs = (l->height + 1) / 2;
    for (int32_t first = 0; first < pairs; first += l->strip) {
        int32_t count = pairs - first < l->strip ? pairs - first : l->strip;
        int32_t rows = 2 * (first + count) > l->height ? l->height - 2 * first : 2 * count;
        gm_dsp_pack_rows(in + 2 * first * l->width * l->depth, rows, l->width, l->depth, s->tiles);
        out += gm_dsp_block_strip(l, s, first, count, out) * l->out_width * l->channels;
    }
}
