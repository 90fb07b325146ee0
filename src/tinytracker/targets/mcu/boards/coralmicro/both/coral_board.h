// What both apps have of the board: the serial link on the USB console, the marker pin for a power meter, the camera.
#ifndef CORAL_BOARD_H
#define CORAL_BOARD_H

#include <cstddef>
#include <cstdint>

#include "gaze_link.h"
#include "libs/base/console_m7.h"
#include "libs/base/gpio.h"
#include "libs/base/timer.h"
#include "third_party/freertos_kernel/include/FreeRTOS.h"
#include "third_party/freertos_kernel/include/task.h"

#ifndef GAZE_MARKER_PIN
#define GAZE_MARKER_PIN Gpio::kPwm0  // left header, pin 10: low for a moment at both ends of a block, for a power meter
#endif

namespace coralmicro {

constexpr uint64_t kMarkerUs = 60;
constexpr uint64_t kSilenceUs = 100000;

inline void Send(void *, const uint8_t *bytes, size_t count) {
  ConsoleM7::GetSingleton()->Write(const_cast<char *>(reinterpret_cast<const char *>(bytes)), static_cast<int>(count));
}

inline uint32_t Count(void *) { return static_cast<uint32_t>(TimerMicros()); }

inline void PulseMarker(void *) {
  const uint64_t began_us = TimerMicros();
  GpioSet(GAZE_MARKER_PIN, false);
  while (TimerMicros() - began_us < kMarkerUs) {
  }
  GpioSet(GAZE_MARKER_PIN, true);
}

// name: what the board calls itself. look: the whole chain once, for blocks of chains; nullptr without a camera.
inline gaze_link_port OpenPort(const char *name, int (*look)(void *)) {
  GpioSetMode(GAZE_MARKER_PIN, GpioMode::kOutput);
  GpioSet(GAZE_MARKER_PIN, true);
  return {name, Send, Count, GAZE_LINK_COUNT_MICROSECONDS, 1000000, nullptr, PulseMarker, look};
}

// Answers what has come on the console. Call it often.
inline void Answer(gaze_link *link) {
  static uint64_t last_byte_us = 0;
  char bytes[256];
  const int count = ConsoleM7::GetSingleton()->Read(bytes, sizeof(bytes));
  if (count > 0) {
    gaze_link_receive(link, reinterpret_cast<const uint8_t *>(bytes), static_cast<size_t>(count));
    last_byte_us = TimerMicros();
  } else if (TimerMicros() - last_byte_us > kSilenceUs) {
    gaze_link_idle(link);
    last_byte_us = TimerMicros();
  }
  taskYIELD();
}

}  // namespace coralmicro

#endif
