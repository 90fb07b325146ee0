/* A layer's numbers per output channel: result = clamp(((2 * (bias + sum)) * multiplier, rounded, >> shift, rounded) + zero_point). */
typedef struct {
    const int8_t *weights;      /* [channels][terms] */
    const int32_t *bias;        /* input zero point folded in */
    const int32_t *multiplier;  /* as of 2^31 */
    const int8_t *shift;        /* negative: to the right */
    int32_t zero_point;         /* of the output */
    int32_t low;                /* clamp of the output */
    int32_t high;
} gm_channels;
