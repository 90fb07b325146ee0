// needs: dsp_pack
/* Tiles of `rows` rows of an image; where a row or column is missing at the edge, the last one stands in. */
static void gm_dsp_pack_rows(const int8_t *pixels, int32_t rows, int32_t width, int32_t depth, int32_t *tiles) {
    int32_t groups = (depth + 3) / 4;
    for (int32_t y = 0; y < rows; y += 2) {
        int32_t down = y + 1 < rows ? width * depth : 0;
        if (width > 1) {
            gm_dsp_pack(pixels, down, depth, tiles, groups, 2 * depth, width / 2, 0);
            tiles += width / 2 * groups * 8;
        }
        if (width % 2 != 0) {
            gm_dsp_pack(pixels + (width - 1) * depth, down, 0, tiles, groups, 0, 1, 0);
            tiles += groups * 8;
        }
        pixels += 2 * width * depth;
    }
}
