/* The input rows under a layer's window, and in each the bytes from one channel to the next. */
#define GM_ROWS 8

typedef struct {
    const int8_t *row[GM_ROWS];
    int32_t step[GM_ROWS];
} gm_rows;
