// needs: dsp
/* One pair of output channels from flash to words ready to multiply.
   head: both biases (doubled), both multipliers. weights: `pairs` words; usually they follow the head.
   words: both biases, 2 * pairs words of int16 weights, then multiplier, addend, shift of one channel and of the other.
   twice: 2 * output zero point + 1. shifts: the first channel's, 256 times the second's. pairs: even. */
extern void gm_dsp_decode(const int32_t *head, const int32_t *weights, int32_t *words, int32_t pairs, int32_t twice,
                          int32_t shifts);
