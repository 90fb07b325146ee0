// needs: requantize
/* Fully connected: every output is a weighted sum of all inputs. Weights: [channels][terms]. */
static void gm_plain_dense(const gm_channels *q, const int8_t *in, int32_t terms, int32_t channels, int8_t *out) {
    const int8_t *weight = q->weights;
    const int32_t fours = terms - terms % 4;
    for (int32_t channel = 0; channel < channels; channel++) {
        int32_t sum = 0;
        int32_t k = 0;
        for (; k < fours; k += 4, weight += 4) {
            sum += in[k] * weight[0] + in[k + 1] * weight[1] + in[k + 2] * weight[2] + in[k + 3] * weight[3];
        }
        for (; k < terms; k++) {
            sum += in[k] * *weight++;
        }
        out[channel] = gm_requantize(q, channel, sum);
    }
}
