// needs: rows lanes
/* One output row of a depthwise convolution, each channel's pixels side by side. */
typedef struct {
    gm_lane_channels q;                  /* weights: [channels][kernel_height][kernel_width] */
    int32_t kernel_height, kernel_width;
    int32_t stride, dilation;            /* along x */
    int32_t channels, width;             /* of the output */
} gm_row_depthwise_layer;
