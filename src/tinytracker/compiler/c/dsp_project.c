// needs: dsp
/* Sixteen or fewer input channels of a 1x1 convolution, from tiles of 16 channels, added to sums of eight: four pixels of an
   output channel, four of the next. Sums lie pair of output channels by pair, tile by tile. */
typedef struct {
    const int8_t *tiles;    /* of 128 bytes */
    const int32_t *weights; /* per pair of output channels: `pairs` words */
    int32_t *sums;
    int32_t sum_bytes;      /* per pair of output channels: 32 * tiles */
    int32_t channel_pairs;  /* of the output */
    int32_t pairs;          /* of input channels, even, at most 8: the last ones of a tile */
} gm_dsp_projection;

extern void gm_dsp_project(const gm_dsp_projection *projection);
