#include "gaze_feed.h"

#define WIDTH GAZE_MODEL_INPUT_0_WIDTH
#define HEIGHT GAZE_MODEL_INPUT_0_HEIGHT
#define CHANNELS GAZE_MODEL_INPUT_0_CHANNELS
#define COLOURS (GAZE_REGION_GREY ? 1 : 3)

static uint8_t clamp(int32_t value) {
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* Grey as OpenCV makes it of RGB, which the networks were trained on: 0.299 R + 0.587 G + 0.114 B, 15 bits, rounded. */
static uint8_t grey_of(const uint8_t *rgb) {
    return (uint8_t)((9798 * rgb[0] + 19235 * rgb[1] + 3735 * rgb[2] + 16384) >> 15);
}

static void store(int8_t *to, int row, int column, const uint8_t *rgb, uint8_t grey) {
    if (GAZE_REGION_GREY) {
        to[0] = GAZE_REGION_PIXEL[grey];
    } else {
        for (int c = 0; c < 3; c++) {
            to[c] = GAZE_REGION_PIXEL[rgb[c]];
        }
    }
#if GAZE_REGION_POSITION
    to[COLOURS] = GAZE_REGION_COLUMN[column];
    to[COLOURS + 1] = GAZE_REGION_ROW[row];
#else
    (void)row;
    (void)column;
#endif
}

#if GAZE_MODEL_ROWS

void gaze_feed_begin(void *arena) {
    gaze_model_begin(arena);
}

void gaze_feed_finish(void *arena) {
    gaze_model_finish(arena);
}

#else

void gaze_feed_begin(void *arena) {
    (void)arena;
}

void gaze_feed_finish(void *arena) {
    gaze_model_invoke(arena);
}

#endif

/* Where a row is laid before it is handed on. */
static int8_t *row_place(void *arena, int8_t *local, int row) {
#if GAZE_MODEL_ROWS
    (void)arena;
    (void)row;
    return local;
#else
    (void)local;
    return gaze_model_input(arena, 0) + row * GAZE_FEED_ROW_BYTES;
#endif
}

static void row_done(void *arena, const int8_t *row) {
#if GAZE_MODEL_ROWS
    gaze_model_push_rows(arena, row, 1);
#else
    (void)arena;
    (void)row;
#endif
}

void gaze_feed_rgb(void *arena, int row, const uint8_t *pixels) {
    int8_t local[GAZE_FEED_ROW_BYTES];
    int8_t *place = row_place(arena, local, row);
    for (int column = 0; column < WIDTH; column++, pixels += 3) {
        store(place + column * CHANNELS, row, column, pixels, grey_of(pixels));
    }
    row_done(arena, place);
}

void gaze_feed_uyvy(void *arena, int row, const uint8_t *pixels) {
    int8_t local[GAZE_FEED_ROW_BYTES];
    int8_t *place = row_place(arena, local, row);
    for (int column = 0; column < WIDTH; column++) {
        const uint8_t *pair = pixels + column / 2 * 4;
        int32_t luma = 298 * (pair[1 + column % 2 * 2] - 16); /* 1.164 in 8 bits */
        int32_t u = pair[0] - 128;
        int32_t v = pair[2] - 128;
        const uint8_t rgb[3] = {
            clamp((luma + 409 * v + 128) >> 8),
            clamp((luma - 100 * u - 208 * v + 128) >> 8),
            clamp((luma + 516 * u + 128) >> 8),
        };
        store(place + column * CHANNELS, row, column, rgb, clamp((luma + 128) >> 8));
    }
    row_done(arena, place);
}

void gaze_feed_point(const void *arena, float *x_cm, float *y_cm) {
    const int8_t *output = gaze_model_output(arena, 0);
    float step_cm = GAZE_MODEL_OUTPUT_0_SCALE * GAZE_REGION_OUTPUT_CM;
    *x_cm = (float)(output[0] - GAZE_MODEL_OUTPUT_0_ZERO_POINT) * step_cm;
    *y_cm = (float)(output[1] - GAZE_MODEL_OUTPUT_0_ZERO_POINT) * step_cm;
}

/* Where a pixel of the result lies in the region, in 1/256 pixels: pixel centres on pixel centres. */
static int32_t place_of(int index, int scaled, int length) {
    int32_t place = (int32_t)(((2 * index + 1) * length * 128) / scaled) - 128;
    int32_t last = (int32_t)(length - 1) * 256;
    return place < 0 ? 0 : place > last ? last : place;
}

void gaze_feed_scaled_row(const uint8_t *frame, int frame_width, int row, uint8_t *rgb) {
    int32_t y = place_of(row, HEIGHT, GAZE_REGION_SIDE);
    int32_t below = y >> 8 < GAZE_REGION_SIDE - 1 ? 3 * frame_width : 0;
    const uint8_t *line = frame + 3 * (((y >> 8) + GAZE_REGION_Y) * frame_width + GAZE_REGION_X);
    int32_t down = y & 255;
    for (int column = 0; column < WIDTH; column++) {
        int32_t x = place_of(column, WIDTH, GAZE_REGION_SIDE);
        int32_t beside = x >> 8 < GAZE_REGION_SIDE - 1 ? 3 : 0;
        int32_t right = x & 255;
        const uint8_t *pixel = line + 3 * (x >> 8);
        for (int c = 0; c < 3; c++, pixel++) {
            int32_t upper = pixel[0] * (256 - right) + pixel[beside] * right;
            int32_t lower = pixel[below] * (256 - right) + pixel[below + beside] * right;
            *rgb++ = (uint8_t)((upper * (256 - down) + lower * down + 32768) >> 16);
        }
    }
}
