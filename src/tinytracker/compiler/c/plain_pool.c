/* Average or maximum under a window; what lies outside the image does not count. Steps are bytes from one row, pixel or
   channel to the next. */
typedef struct {
    int32_t height, width, channels;
    int32_t out_height, out_width;
    int32_t kernel_height, kernel_width;
    int32_t stride_y, stride_x, before_y, before_x;
    int32_t low, high;
    int32_t in_y, in_x, in_c, out_y, out_x, out_c; /* steps */
} gm_pool_layer;

typedef struct {
    int32_t top, bottom, left, right;
} gm_box;

static gm_box gm_pool_box(const gm_pool_layer *l, int32_t out_y, int32_t out_x) {
    int32_t y = out_y * l->stride_y - l->before_y;
    int32_t x = out_x * l->stride_x - l->before_x;
    gm_box box = {y < 0 ? 0 : y, y + l->kernel_height, x < 0 ? 0 : x, x + l->kernel_width};
    box.bottom = box.bottom > l->height ? l->height : box.bottom;
    box.right = box.right > l->width ? l->width : box.right;
    return box;
}
