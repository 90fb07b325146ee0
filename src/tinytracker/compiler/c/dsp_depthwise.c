// needs: dsp
/* A 3x3 depthwise convolution with ReLU (zero point -128) of a pair of channels, from their planes (see gm_dsp_expansion) into
   tiles of 16 channels: word 4 * k + pixel holds the channels 2 * k and 2 * k + 1 of that pixel of four, k < 8. The output is
   as wide as the number of pixels says: 4 * quads, and two more if `two` is 1.
   A record is nine words: bias (doubled) and multiplier of one channel and of the other; eight weights of each, by rows 00 01
   10 11, 02 20 12 21; two bytes of the last weights; four times four bits of shifts above their `base`: of the expansion's two
   channels and these two. A shift below 0 is one to the left; biases are shifted already. */
typedef struct {
    const int32_t *plane;  /* the pair of rows that the first output row begins in, leftmost column it sees */
    int32_t pitch_bytes;   /* between pairs of rows */
    int8_t *out;           /* the first pixel's place for the first channel */
    const int32_t *record;
    int32_t rows;          /* of the output */
    int32_t upper;         /* 1: the first output row sees the pair's upper row last, 0: first */
    int32_t quads;
    int32_t two;
    int32_t plane_bytes;   /* between the channels' planes */
    int32_t base;
} gm_dsp_depthwise;
