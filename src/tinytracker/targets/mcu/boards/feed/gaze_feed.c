#include "gaze_feed.h"

#include "gaze_calibration.h"
#if GAZE_CALIBRATION_USED
#include "gaze_calibrate.h"
#endif

#define WIDTH GAZE_MODEL_INPUT_0_WIDTH
#define HEIGHT GAZE_MODEL_INPUT_0_HEIGHT
#define CHANNELS GAZE_MODEL_INPUT_0_CHANNELS
#define COLOURS (GAZE_REGION_GREY ? 1 : 3)

#if GAZE_REGION_LOW_PASS >= HEIGHT
#error "the low-pass reaches beyond the whole picture"
#endif

static uint8_t clamp(int32_t value) {
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

#if GAZE_REGION_GREY
/* Grey as OpenCV makes it of RGB, which the networks were trained on: 0.299 R + 0.587 G + 0.114 B, 15 bits, rounded. */
static uint8_t grey_of(const uint8_t *rgb) {
    return (uint8_t)((9798 * rgb[0] + 19235 * rgb[1] + 3735 * rgb[2] + 16384) >> 15);
}
#endif

/* colours: of one pixel, COLOURS of them. */
static void store(int8_t *to, int row, int column, const uint8_t *colours) {
    for (int c = 0; c < COLOURS; c++) {
        to[c] = GAZE_REGION_PIXEL[colours[c]];
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

/* A row of the network's picture goes in. */
static void give_row(void *arena, int row, const uint8_t *colours) {
    int8_t local[GAZE_FEED_ROW_BYTES];
    int8_t *place = row_place(arena, local, row);
    for (int column = 0; column < WIDTH; column++) {
        store(place + column * CHANNELS, row, column, colours + column * COLOURS);
    }
    row_done(arena, place);
}

#if GAZE_REGION_LOW_PASS

#define TAPS (2 * GAZE_REGION_LOW_PASS + 1)

/* The low-pass of tinytracker.faces.crops, to the bit: along rows, then across them, rounded once; edge pixels are repeated.
 * The last TAPS rows, low-passed along the row, in 1/256. */
static uint16_t along[TAPS][WIDTH * COLOURS];

/* Row `row` of the low-passed picture, of which all rows that it needs are there. */
static void give_smooth_row(void *arena, int row) {
    uint8_t smooth[WIDTH * COLOURS];
    for (int i = 0; i < WIDTH * COLOURS; i++) {
        uint32_t sum = 32768;
        for (int tap = 0; tap < TAPS; tap++) {
            int from = row + tap - GAZE_REGION_LOW_PASS;
            from = from < 0 ? 0 : from >= HEIGHT ? HEIGHT - 1 : from;
            sum += (uint32_t)GAZE_REGION_TAP[tap] * along[from % TAPS][i];
        }
        smooth[i] = (uint8_t)(sum >> 16);
    }
    give_row(arena, row, smooth);
}

/* A picture's row comes in; the row that can be low-passed now goes on, after the last one all that are left. */
static void take_row(void *arena, int row, const uint8_t *colours) {
    uint16_t *line = along[row % TAPS];
    for (int i = 0; i < WIDTH * COLOURS; i++) {
        uint32_t sum = 0;
        for (int tap = 0; tap < TAPS; tap++) {
            int column = i / COLOURS + tap - GAZE_REGION_LOW_PASS;
            column = column < 0 ? 0 : column >= WIDTH ? WIDTH - 1 : column;
            sum += (uint32_t)GAZE_REGION_TAP[tap] * colours[column * COLOURS + i % COLOURS];
        }
        line[i] = (uint16_t)sum;
    }
    if (row >= GAZE_REGION_LOW_PASS) {
        give_smooth_row(arena, row - GAZE_REGION_LOW_PASS);
    }
    for (int left = HEIGHT - GAZE_REGION_LOW_PASS; row == HEIGHT - 1 && left < HEIGHT; left++) {
        give_smooth_row(arena, left);
    }
}

#else

static void take_row(void *arena, int row, const uint8_t *colours) {
    give_row(arena, row, colours);
}

#endif

void gaze_feed_rgb(void *arena, int row, const uint8_t *pixels) {
#if GAZE_REGION_GREY
    uint8_t colours[WIDTH];
    for (int column = 0; column < WIDTH; column++) {
        colours[column] = grey_of(pixels + 3 * column);
    }
    take_row(arena, row, colours);
#else
    take_row(arena, row, pixels);
#endif
}

void gaze_feed_uyvy(void *arena, int row, const uint8_t *pixels) {
    uint8_t colours[WIDTH * COLOURS];
    for (int column = 0; column < WIDTH; column++) {
        const uint8_t *pair = pixels + column / 2 * 4;
        int32_t luma = 298 * (pair[1 + column % 2 * 2] - 16); /* 1.164 in 8 bits */
#if GAZE_REGION_GREY
        colours[column] = clamp((luma + 128) >> 8);
#else
        int32_t u = pair[0] - 128;
        int32_t v = pair[2] - 128;
        uint8_t *rgb = colours + 3 * column;
        rgb[0] = clamp((luma + 409 * v + 128) >> 8);
        rgb[1] = clamp((luma - 100 * u - 208 * v + 128) >> 8);
        rgb[2] = clamp((luma + 516 * u + 128) >> 8);
#endif
    }
    take_row(arena, row, colours);
}

void gaze_feed_point(const void *arena, float *x_cm, float *y_cm) {
    const int8_t *output = gaze_model_output(arena, 0);
    float step_cm = GAZE_MODEL_OUTPUT_0_SCALE * GAZE_REGION_OUTPUT_CM;
    *x_cm = (float)(output[0] - GAZE_MODEL_OUTPUT_0_ZERO_POINT) * step_cm;
    *y_cm = (float)(output[1] - GAZE_MODEL_OUTPUT_0_ZERO_POINT) * step_cm;
#if GAZE_CALIBRATION_USED
    static const gaze_calibration person = {GAZE_CALIBRATION_DISTANCE_CM, {GAZE_CALIBRATION_RIGHT, GAZE_CALIBRATION_UP}};
    gaze_calibrate(&person, x_cm, y_cm);
#endif
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
