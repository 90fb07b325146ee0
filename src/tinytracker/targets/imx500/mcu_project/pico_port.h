/* What the SDK and the app need of the board: I2C to control the module, SPI to read from it, USB serial, sleeping. */
#ifndef PICO_PORT_H
#define PICO_PORT_H

#include <stdint.h>

#ifndef GAZE_I2C_SDA_PIN
#define GAZE_I2C_SDA_PIN 4
#define GAZE_I2C_SCL_PIN 5
#endif
#ifndef GAZE_SPI_RX_PIN
#define GAZE_SPI_RX_PIN 16  /* to the module's SPI_TX */
#define GAZE_SPI_CSN_PIN 17
#define GAZE_SPI_SCK_PIN 18
#define GAZE_SPI_TX_PIN 19  /* to the module's SPI_RX */
#endif
#ifndef GAZE_SPI_HZ
#define GAZE_SPI_HZ 20000000
#endif

void port_open(void);
int port_read_byte(void); /* negative: nothing came */
void port_sleep_ms(uint32_t ms);

#endif
