// needs: dsp
/* A 3x3 depthwise convolution with ReLU of one channel, from its plane (see gm_dsp_expand) into tiles of 16 channels: word
   16 * k + pixel holds the channels 2 * k and 2 * k + 1 of that pixel of four, k < 8. The output is as wide as the number
   of pixels says: 4 * quads, and two more if `two` is 1. */
typedef struct {
    const int32_t *plane;  /* the pair of rows that the first output row begins in, leftmost column it sees */
    int32_t pitch_bytes;   /* between pairs of rows */
    int8_t *out;           /* the first pixel's place for this channel */
    const int32_t *record; /* bias (doubled), multiplier, weights and shifts (see `_depthwise_record` in the compiler) */
    int32_t rows;          /* of the output */
    int32_t upper;         /* 1: the first output row sees the pair's upper row last, 0: first */
    int32_t quads;
    int32_t two;
    int32_t twice;         /* 2 * output zero point + 1 */
} gm_dsp_depthwise;
