/* A layer's numbers per output channel: result = clamp((sum + bias) * multiplier * 2^(shift - 31) + zero_point), the scaling
   rounded twice. */
typedef struct {
    const int8_t *weights;      /* [channels][terms] */
    const int32_t *bias;        /* input zero point folded in */
    const int32_t *multiplier;  /* as of 2^31 */
    const int8_t *shift;        /* positive: to the left */
    int32_t zero_point;         /* of the output */
    int32_t low;                /* clamp of the output */
    int32_t high;
} gm_channels;
