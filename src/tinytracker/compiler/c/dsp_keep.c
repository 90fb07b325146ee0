// needs: dsp
/* A pair of rows of a plane, `words` words (even), to bytes and back. */
extern int8_t *gm_dsp_keep(const int32_t *plane, int8_t *kept, int32_t words);
extern const int8_t *gm_dsp_bring_back(const int8_t *kept, int32_t *plane, int32_t words);
