// needs: dsp
/* Tiles of a 3x3 convolution with stride 2 from five rows of int16, pixels' channels side by side: two output rows. Of a row
   of the window's 3 * channels numbers those go by twos; where one is left over, the first two rows' share a word, and the
   third's has one of its own. */
typedef struct {
    const int16_t *rows[5];
    int32_t *tiles;
    int32_t whole;       /* words of a row of the window */
    int32_t odd;         /* 1: one number is left over */
    int32_t step_bytes;  /* between neighbouring output pixels: 4 * channels */
    int32_t columns;     /* tiles */
    int32_t spare_bytes; /* behind each tile */
} gm_dsp_gathering;

extern void gm_dsp_gather(const gm_dsp_gathering *gathering);
