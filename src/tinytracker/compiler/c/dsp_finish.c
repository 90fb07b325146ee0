// needs: dsp
/* Sums of a 1x1 convolution without activation (see gm_dsp_projection) to int8, in the order (height, width, channel). */
typedef struct {
    const int32_t *sums;
    int8_t *out;
    const int32_t *records; /* per pair of channels, the last two being the last pair: biases (doubled), multipliers */
    const uint8_t *shifts;  /* two bytes per pair */
    int32_t sum_bytes;      /* per pair of channels */
    int32_t channels;       /* at least 2 */
    int32_t rows, width;    /* a row takes an even number of the tiles' pixels */
    int32_t twice;          /* 2 * output zero point + 1 */
} gm_dsp_finishing;

extern void gm_dsp_finish(const gm_dsp_finishing *finishing);
