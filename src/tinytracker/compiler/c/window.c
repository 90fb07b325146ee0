// needs: rows
/* Layers that work row by row keep the input rows they still need in a ring, with a border of zero points left and right. */
typedef struct {
    int32_t height, out_height;
    int32_t kernel, stride, dilation, before; /* along y, in rows */
    int32_t slots, slot_bytes;                /* of the ring */
    int32_t step;                             /* from one channel to the next in a slot */
    int32_t outside_step;                     /* the same in the row that stands for those outside the image */
} gm_window;

/* How many output rows can be computed once input row y is there; -1: none is there yet. */
static int32_t gm_ready(const gm_window *w, int32_t y) {
    int32_t reach = (w->kernel - 1) * w->dilation - w->before;
    if (y < 0 || y >= w->height - 1) {
        return y < 0 ? 0 : w->out_height;
    }
    int32_t rows = y < reach ? 0 : (y - reach) / w->stride + 1;
    return rows < w->out_height ? rows : w->out_height;
}

/* The input rows under the window of output row out_y. */
static gm_rows gm_window_rows(const gm_window *w, const int8_t *ring, const int8_t *outside, int32_t out_y) {
    gm_rows rows;
    int32_t y = out_y * w->stride - w->before;
    for (int32_t k = 0; k < w->kernel; k++, y += w->dilation) {
        int inside = y >= 0 && y < w->height;
        rows.row[k] = inside ? ring + y % w->slots * w->slot_bytes : outside;
        rows.step[k] = inside ? w->step : w->outside_step;
    }
    return rows;
}
