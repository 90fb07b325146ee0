// needs: dsp
/* A 1x1 convolution of a few channels to a few, a row at a time, to doubled int16. First a row's pixels to words: three (five
   channels at most: 0 and 2, 1 and 3, 4 and nothing) or four (eight channels: and 5 and 7); up to seven bytes behind a pixel
   are read. Then for every output channel, number by number, `advance_bytes` apart.
   layer: bias (doubled), weights as the words are, multiplier, addend, shift. */
extern void gm_dsp_mix_open_3(const int8_t *pixels, int32_t *words, int32_t step, int32_t count);
extern void gm_dsp_mix_open_4(const int8_t *pixels, int32_t *words, int32_t step, int32_t count);
extern void gm_dsp_mix_3(const int32_t *words, int16_t *out, const int32_t *layer, int32_t count, int32_t advance_bytes);
extern void gm_dsp_mix_4(const int32_t *words, int16_t *out, const int32_t *layer, int32_t count, int32_t advance_bytes);
