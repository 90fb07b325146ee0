// needs: dsp
/* The greatest of two by two pixels, for `count` neighbouring output pixels of 4 * words channels. down: bytes to the pixel
   below; step: to the one beside, which is what a pixel has. */
extern void gm_dsp_most(const int8_t *pixels, int32_t down, int32_t step, int8_t *out, int32_t words, int32_t count);
