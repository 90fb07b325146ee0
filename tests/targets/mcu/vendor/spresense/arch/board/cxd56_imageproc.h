#pragma once

#include <stdint.h>

typedef struct {
  uint16_t x1, y1, x2, y2;
} imageproc_rect_t;

void imageproc_initialize(void);
void imageproc_finalize(void);
int imageproc_clip_and_resize(uint8_t *ibuf, uint16_t ihsize, uint16_t ivsize, uint8_t *obuf, uint16_t ohsize, uint16_t ovsize,
                              int bpp, imageproc_rect_t *clip_rect);
