#pragma once

#include <stdbool.h>
#include <stdint.h>

#define PIN_FLOAT 0
int board_gpio_config(uint32_t pin, int mode, bool input, bool drive, int pull);
void board_gpio_write(uint32_t pin, int value);
