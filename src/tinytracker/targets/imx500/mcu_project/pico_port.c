#include "pico_port.h"

#include "ArducamIMX500SDK.h"
#include "hardware/i2c.h"
#include "hardware/spi.h"
#include "pico/stdlib.h"

/* The module's controller: 16-bit register addresses, values of 1, 2 or 4 bytes, both big-endian. */
#define MODULE_ADDRESS 0x0C
#define MODULE_I2C_HZ 100000

static int write_register(uint16_t address, uint32_t value, uint32_t size) {
    uint8_t message[6] = {(uint8_t)(address >> 8), (uint8_t)address};
    if (size != 1 && size != 2 && size != 4) {
        return -1;
    }
    for (uint32_t i = 0; i < size; i++) {
        message[2 + i] = (uint8_t)(value >> (8 * (size - 1 - i)));
    }
    return i2c_write_blocking(i2c0, MODULE_ADDRESS, message, 2 + size, false);
}

static int read_register(uint16_t address, uint32_t *value, uint32_t size) {
    uint8_t message[4] = {(uint8_t)(address >> 8), (uint8_t)address};
    if ((size != 1 && size != 2 && size != 4) || i2c_write_blocking(i2c0, MODULE_ADDRESS, message, 2, true) < 0) {
        return -1;
    }
    int result = i2c_read_blocking(i2c0, MODULE_ADDRESS, message, size, false);
    *value = 0;
    for (uint32_t i = 0; i < size; i++) {
        *value = *value << 8 | message[i];
    }
    return result;
}

static int write_spi(uint8_t *data, uint32_t count) {
    gpio_put(GAZE_SPI_CSN_PIN, 0);
    int written = spi_write_blocking(spi0, data, count);
    gpio_put(GAZE_SPI_CSN_PIN, 1);
    return written;
}

static int read_spi(uint8_t *data, uint32_t count) {
    gpio_put(GAZE_SPI_CSN_PIN, 0);
    int read = spi_read_blocking(spi0, 0, data, count);
    gpio_put(GAZE_SPI_CSN_PIN, 1);
    return read;
}

void port_open(void) {
    stdio_init_all();
    i2c_init(i2c0, MODULE_I2C_HZ);
    gpio_set_function(GAZE_I2C_SDA_PIN, GPIO_FUNC_I2C);
    gpio_set_function(GAZE_I2C_SCL_PIN, GPIO_FUNC_I2C);
    gpio_pull_up(GAZE_I2C_SDA_PIN);
    gpio_pull_up(GAZE_I2C_SCL_PIN);
    spi_init(spi0, GAZE_SPI_HZ);
    spi_set_format(spi0, 8, SPI_CPOL_1, SPI_CPHA_1, SPI_MSB_FIRST);
    gpio_set_function(GAZE_SPI_RX_PIN, GPIO_FUNC_SPI);
    gpio_set_function(GAZE_SPI_SCK_PIN, GPIO_FUNC_SPI);
    gpio_set_function(GAZE_SPI_TX_PIN, GPIO_FUNC_SPI);
    gpio_init(GAZE_SPI_CSN_PIN);
    gpio_set_dir(GAZE_SPI_CSN_PIN, GPIO_OUT);
    gpio_put(GAZE_SPI_CSN_PIN, 1);
    const i2c_driver control = {write_register, read_register, sleep_ms, sleep_us};
    const spi_driver stream = {write_spi, read_spi};
    register_i2c_driver(control);
    register_spi_driver(stream);
}

int port_read_byte(void) {
    return getchar_timeout_us(0);
}

void port_sleep_ms(uint32_t ms) {
    sleep_ms(ms);
}
