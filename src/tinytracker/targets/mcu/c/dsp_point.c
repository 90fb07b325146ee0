// needs: dsp
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
