// needs: dsp_mix
extern void gm_dsp_mix_open_4(const int8_t *pixels, int32_t *words, int32_t step, int32_t count);
extern void gm_dsp_mix_4(const int32_t *words, int16_t *out, const int32_t *layer, int32_t count, int32_t advance_bytes);
