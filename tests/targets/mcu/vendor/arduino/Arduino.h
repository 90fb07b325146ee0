#pragma once

#include <stddef.h>
#include <stdint.h>

class HardwareSerial {
 public:
  void begin(unsigned long baud);
  int available();
  int read();
  size_t write(const uint8_t *bytes, size_t count);
  size_t print(const char *text);
  size_t print(int value);
  size_t print(double value, int digits = 2);
  size_t println(int value);
  size_t println(unsigned long value);
};
extern HardwareSerial Serial;

unsigned long micros();
unsigned long millis();
void delay(unsigned long ms);
void delayMicroseconds(unsigned int us);

#define LOW 0x0
#define HIGH 0x1
#define OUTPUT 0x1
#define PIN_D02 2
void pinMode(uint8_t pin, uint8_t mode);
void digitalWrite(uint8_t pin, uint8_t value);
