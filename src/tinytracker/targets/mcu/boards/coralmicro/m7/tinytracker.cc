// Gaze on a Coral Dev Board Micro, computed by the Cortex-M7: camera -> region -> resize -> network -> a line on the console.
// Each line: x_cm,y_cm,microseconds of the network. The console also takes the serial link's questions: blocks for a power
// meter (tinytracker measure --board serial:PORT), crops that the host sends (tinytracker track --board serial:PORT). Lines
// stop once a host has greeted. GAZE_FROM_HOST 1: no camera.

#include <cstdint>
#include <cstdio>

#include "coral_board.h"
#include "gaze_region.h"
#include "gaze_served.h"
#include "libs/base/led.h"

#ifndef GAZE_FROM_HOST
#define GAZE_FROM_HOST GAZE_REGION_FROM_HOST
#endif
#if !GAZE_FROM_HOST
#include "coral_camera.h"
#include "gaze_feed.h"
#endif

// The camera's feed and the link's use the same memory, one after the other.
#if !GAZE_FROM_HOST && GAZE_FEED_ARENA_BYTES > GAZE_SERVED_ARENA_BYTES
#define ARENA_BYTES GAZE_FEED_ARENA_BYTES
#else
#define ARENA_BYTES GAZE_SERVED_ARENA_BYTES
#endif

namespace coralmicro {
namespace {

alignas(16) uint8_t arena[ARENA_BYTES];
gaze_link board_link;

#if GAZE_FROM_HOST

constexpr int (*Look)(void *) = nullptr;

void StartCamera() {}

void PrintNextFrame() {}

#else

uint8_t row_rgb[GAZE_MODEL_INPUT_0_WIDTH * 3];

void Compute() {
  gaze_feed_begin(arena);
  for (int row = 0; row < GAZE_MODEL_INPUT_0_HEIGHT; row++) {
    gaze_feed_scaled_row(frame, kFrameWidth, row, row_rgb);
    gaze_feed_rgb(arena, row, row_rgb);
  }
  gaze_feed_finish(arena);
}

int Look(void *) {
  if (!NextFrame()) {
    return 1;
  }
  Compute();
  return 0;
}

void PrintNextFrame() {
  if (!NextFrame()) {
    printf("error: the camera gives no frame\r\n");
    vTaskDelay(pdMS_TO_TICKS(100));
    return;
  }
  const uint64_t began_us = TimerMicros();
  Compute();
  const uint64_t spent_us = TimerMicros() - began_us;
  float x_cm = 0;
  float y_cm = 0;
  gaze_feed_point(arena, &x_cm, &y_cm);
  printf("%.2f,%.2f,%lu\r\n", static_cast<double>(x_cm), static_cast<double>(y_cm), static_cast<unsigned long>(spent_us));
}

#endif

[[noreturn]] void Main() {
  const gaze_link_model model = gaze_served_model(arena);
  const gaze_link_port port = OpenPort("coralmicro", Look);
  gaze_link_init(&board_link, &model, &port);
  LedSet(Led::kStatus, true);
  StartCamera();
  while (true) {
    Answer(&board_link);
    if (!board_link.greeted) {
      PrintNextFrame();
    }
  }
}

}  // namespace
}  // namespace coralmicro

extern "C" [[noreturn]] void app_main(void *param) {
  (void)param;
  coralmicro::Main();
}
