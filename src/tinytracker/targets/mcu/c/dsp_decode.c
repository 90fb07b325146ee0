// needs: dsp
/* One pair of output channels from flash to words ready to multiply.
   record: both biases (doubled), both multipliers, `pairs` words of weights.
   words: both biases, 2 * pairs words of int16 weights, then multiplier, addend, shift of one channel and of the other.
   twice: 2 * output zero point + 1. shifts: the first channel's, 256 times the second's. pairs: even. */
extern void gm_dsp_decode(const int32_t *record, int32_t *words, int32_t pairs, int32_t twice, int32_t shifts);
