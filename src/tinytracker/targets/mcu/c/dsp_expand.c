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
