// Gaze on a Coral Dev Board Micro, computed by the Cortex-M7: camera -> region -> resize -> network -> a line on the console.
// Each line: x_cm,y_cm,microseconds of the network.
// GAZE_FROM_HOST 1: no camera; the host sends crops, as `tinytracker track --board serial:PORT` does.

#include <cstdint>
#include <cstdio>

#include "gaze_region.h"
#include "gaze_served.h"
#include "libs/base/console_m7.h"
#include "libs/base/led.h"
#include "libs/base/timer.h"
#include "libs/camera/camera.h"
#include "libs/tensorflow/utils.h"
#include "third_party/freertos_kernel/include/FreeRTOS.h"
#include "third_party/freertos_kernel/include/task.h"

#ifndef GAZE_FROM_HOST
#define GAZE_FROM_HOST GAZE_REGION_FROM_HOST
#endif
#if !GAZE_FROM_HOST
#include "gaze_feed.h"
#endif

namespace coralmicro {
namespace {

#if GAZE_FROM_HOST

alignas(16) uint8_t arena[GAZE_SERVED_ARENA_BYTES];
gaze_link board_link;

void Send(void *, const uint8_t *bytes, size_t count) {
  ConsoleM7::GetSingleton()->Write(const_cast<char *>(reinterpret_cast<const char *>(bytes)), static_cast<int>(count));
}

uint32_t Count(void *) { return static_cast<uint32_t>(TimerMicros()); }

[[noreturn]] void Main() {
  const gaze_link_model model = gaze_served_model(arena);
  const gaze_link_port port = {"coralmicro", Send, Count, GAZE_LINK_COUNT_MICROSECONDS, 1000000, nullptr};
  gaze_link_init(&board_link, &model, &port);
  LedSet(Led::kStatus, true);
  uint64_t last_byte_us = TimerMicros();
  while (true) {
    char bytes[256];
    const int count = ConsoleM7::GetSingleton()->Read(bytes, sizeof(bytes));
    if (count > 0) {
      gaze_link_receive(&board_link, reinterpret_cast<const uint8_t *>(bytes), static_cast<size_t>(count));
      last_byte_us = TimerMicros();
    } else if (TimerMicros() - last_byte_us > 100000) {
      gaze_link_idle(&board_link);
      last_byte_us = TimerMicros();
    }
    taskYIELD();
  }
}

#else

constexpr int kFrameWidth = static_cast<int>(CameraTask::kWidth);
constexpr int kFrameHeight = static_cast<int>(CameraTask::kHeight);

alignas(16) uint8_t arena[GAZE_FEED_ARENA_BYTES];
// 315 kB: too much for the fast memory, and read only once.
STATIC_TENSOR_ARENA_IN_SDRAM(frame, kFrameWidth * kFrameHeight * 3);
uint8_t row_rgb[GAZE_MODEL_INPUT_0_WIDTH * 3];

[[noreturn]] void Main() {
  LedSet(Led::kStatus, true);
  CameraTask::GetSingleton()->SetPower(true);
  CameraTask::GetSingleton()->Enable(CameraMode::kStreaming);
  while (true) {
    CameraFrameFormat format{CameraFormat::kRgb, CameraFilterMethod::kBilinear, CameraRotation::k270, kFrameWidth, kFrameHeight,
                             false, frame};
    if (!CameraTask::GetSingleton()->GetFrame({format})) {
      printf("error: the camera gives no frame\r\n");
      vTaskDelay(pdMS_TO_TICKS(100));
      continue;
    }
    const uint64_t began_us = TimerMicros();
    gaze_feed_begin(arena);
    for (int row = 0; row < GAZE_MODEL_INPUT_0_HEIGHT; row++) {
      gaze_feed_scaled_row(frame, kFrameWidth, row, row_rgb);
      gaze_feed_rgb(arena, row, row_rgb);
    }
    gaze_feed_finish(arena);
    const uint64_t spent_us = TimerMicros() - began_us;
    float x_cm = 0;
    float y_cm = 0;
    gaze_feed_point(arena, &x_cm, &y_cm);
    printf("%.2f,%.2f,%lu\r\n", static_cast<double>(x_cm), static_cast<double>(y_cm), static_cast<unsigned long>(spent_us));
  }
}

#endif

}  // namespace
}  // namespace coralmicro

extern "C" [[noreturn]] void app_main(void *param) {
  (void)param;
  coralmicro::Main();
}
