// The vendor's calls of the Arduino sketch, as far as they run here: the serial port is the terminal named by GAZE_CONSOLE, the
// camera calls back from a thread of its own with grey frames at 100 a second, the marker is counted on stderr.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "Arduino.h"
#include "Camera.h"

void setup();
void loop();

HardwareSerial Serial;
CameraClass theCamera;

static int terminal = -1;

static void put(const std::string &text) {
  Serial.write(reinterpret_cast<const uint8_t *>(text.data()), text.size());
}

void HardwareSerial::begin(unsigned long) { terminal = open(getenv("GAZE_CONSOLE"), O_RDWR | O_NOCTTY); }

int HardwareSerial::available() {
  struct pollfd waiting = {terminal, POLLIN, 0};
  return poll(&waiting, 1, 0) == 1;
}

int HardwareSerial::read() {
  uint8_t byte = 0;
  return ::read(terminal, &byte, 1) == 1 ? byte : -1;
}

size_t HardwareSerial::write(const uint8_t *bytes, size_t count) {
  for (size_t sent = 0; sent < count;) {
    const ssize_t more = ::write(terminal, bytes + sent, count - sent);
    sent += more > 0 ? static_cast<size_t>(more) : 0;
  }
  return count;
}

size_t HardwareSerial::print(const char *text) { return put(text), 0; }
size_t HardwareSerial::print(int value) { return put(std::to_string(value)), 0; }
size_t HardwareSerial::print(double value, int) { return put(std::to_string(value)), 0; }
size_t HardwareSerial::println(int value) { return put(std::to_string(value) + "\r\n"), 0; }
size_t HardwareSerial::println(unsigned long value) { return put(std::to_string(value) + "\r\n"), 0; }

unsigned long micros() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<unsigned long>(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

unsigned long millis() { return micros() / 1000; }
void delay(unsigned long ms) { usleep(1000 * static_cast<useconds_t>(ms)); }
void delayMicroseconds(unsigned int us) { usleep(us); }
void pinMode(uint8_t, uint8_t) {}

void digitalWrite(uint8_t pin, uint8_t value) {
  if (pin == PIN_D02 && value == LOW) {
    fprintf(stderr, "pulse\n");
  }
}

static uint8_t pixels[1 << 18];

CamImage::CamImage() {}
CamImage::CamImage(const CamImage &) {}
CamImage::~CamImage() {}
bool CamImage::isAvailable(void) { return true; }
uint8_t *CamImage::getImgBuff() { return pixels; }

CamErr CamImage::clipAndResizeImageByHW(CamImage &, int, int, int, int, int width, int height) {
  memset(pixels, 128, static_cast<size_t>(width * height * 2));
  return CAM_ERR_SUCCESS;
}

CamErr CameraClass::begin(int, CAM_VIDEO_FPS, int, int, CAM_IMAGE_PIX_FMT) { return CAM_ERR_SUCCESS; }

CamErr CameraClass::startStreaming(bool, camera_cb_t cb) {
  std::thread([cb] {
    for (;;) {
      usleep(10000);
      cb(CamImage());
    }
  }).detach();
  return CAM_ERR_SUCCESS;
}

int main() {
  setup();
  for (;;) {
    loop();
    usleep(50);
  }
}
