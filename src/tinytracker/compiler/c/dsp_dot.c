// needs: dsp
/* The sum of products of 8 * eights numbers. words: int16, of every four numbers the first and third, the second and fourth. */
extern int32_t gm_dsp_dot(const int32_t *words, const int8_t *weights, int32_t eights);
