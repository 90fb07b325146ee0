// needs: dsp
/* A 1x1 convolution with ReLU of one pair of output channels, from tiles into two planes. A plane's word holds two rows'
   int16 of one column: row y in its lower half, y + 1 in its upper. */
typedef struct {
    const int32_t *tiles;
    const int32_t *words; /* from gm_dsp_decode */
    int32_t *plane;       /* where the first tile goes, first channel */
    int32_t *other;       /* second channel */
    int32_t row_bytes;    /* 8 * tiles in a row */
    int32_t skip_bytes;   /* from a row's end to the next row's beginning */
    int32_t rows;         /* rows of tiles */
    int32_t pairs;        /* of input channels */
} gm_dsp_expansion;

extern void gm_dsp_expand(const gm_dsp_expansion *expansion);

/* A 1x1 convolution of one pair of output channels, from tiles to int8 in the order (height, width, channel). */
typedef struct {
    int8_t *out;          /* the first tile's upper left pixel, first channel of the pair */
    int32_t down, step;   /* bytes to the pixel below and beside it */
    int32_t ahead;        /* bytes from a tile to the next */
    const int32_t *tiles;
    const int32_t *words; /* from gm_dsp_decode */
    int32_t count;        /* of tiles */
    int32_t pairs;        /* of input channels */
} gm_dsp_points;

/* With a ReLU that clamps at the zero point -128, and without activation. */
extern void gm_dsp_point_relu(const gm_dsp_points *points);
extern void gm_dsp_point_linear(const gm_dsp_points *points);
