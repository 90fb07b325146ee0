// needs: dsp_dot requantize
/* Fully connected. Weights: [channels][terms], and eight bytes that are read behind them; words: for an even number of
   fours of the inputs. */
static void gm_dsp_dense(const gm_channels *q, const int8_t *in, int32_t terms, int32_t channels, int32_t *words, int8_t *out) {
    int32_t eights = (terms + 7) / 8;
    for (int32_t k = 0; k < 8 * eights; k += 4) {
        int32_t four[4] = {0, 0, 0, 0}; /* zeros behind the last input: what is read there of weights counts for nothing */
        for (int32_t at = 0; at < 4 && k + at < terms; at++) {
            four[at] = in[k + at];
        }
        words[k / 2] = (int32_t)(((uint32_t)four[0] & 0xFFFFU) | ((uint32_t)four[2] << 16));
        words[k / 2 + 1] = (int32_t)(((uint32_t)four[1] & 0xFFFFU) | ((uint32_t)four[3] << 16));
    }
    for (int32_t channel = 0; channel < channels; channel++) {
        out[channel] = gm_requantize(q, channel, gm_dsp_dot(words, q->weights + channel * terms, eights));
    }
}
