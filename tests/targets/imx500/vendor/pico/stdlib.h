#pragma once
#include <stdbool.h>
#include <stdint.h>
enum gpio_function { GPIO_FUNC_SPI = 1, GPIO_FUNC_I2C = 3 };
#define GPIO_OUT 1
bool stdio_init_all(void);
int getchar_timeout_us(uint32_t timeout_us);
void sleep_ms(uint32_t ms);
void sleep_us(uint64_t us);
void gpio_init(unsigned gpio);
void gpio_set_dir(unsigned gpio, bool out);
void gpio_put(unsigned gpio, bool value);
void gpio_pull_up(unsigned gpio);
void gpio_set_function(unsigned gpio, enum gpio_function function);
