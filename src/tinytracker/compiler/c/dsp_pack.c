// needs: dsp
/* Tiles from an image in the order (height, width, channel), doubled. pixels: the first tile's upper left pixel; down, step:
   bytes to the pixel below and beside it; groups: of four channels (up to three bytes behind a pixel are read and mean
   nothing); ahead: bytes from a tile's pixels to the next one's; count: how many tiles; apart: bytes left free between them. */
extern void gm_dsp_pack(const int8_t *pixels, int32_t down, int32_t step, int32_t *tiles, int32_t groups, int32_t ahead,
                        int32_t count, int32_t apart);
