// Gaze on a Spresense: camera -> region, scaled by the hardware -> network -> one line on the serial port.
// Board: Spresense main board with its camera board. Each line: x_cm,y_cm,microseconds of the network.
// GAZE_FROM_HOST 1: no camera; the host sends crops, as `tinytracker track --board serial:PORT` does.

#include "gaze_region.h"
#include "gaze_served.h"

#ifndef GAZE_FROM_HOST
#define GAZE_FROM_HOST GAZE_REGION_FROM_HOST
#endif
#if !GAZE_FROM_HOST
#include <Camera.h>

#include "gaze_feed.h"
#endif

#ifndef GAZE_BAUD
#define GAZE_BAUD 115200  // another one: the host then takes --board serial:PORT@BAUD
#endif

#if GAZE_FROM_HOST

static uint64_t arena[(GAZE_SERVED_ARENA_BYTES + 7) / 8];
static gaze_link_model model;
static gaze_link_port port;
static gaze_link board_link;
static unsigned long last_byte_ms;

static void sendBytes(void *, const uint8_t *bytes, size_t count) {
  Serial.write(bytes, count);
}

static uint32_t countMicroseconds(void *) {
  return micros();
}

void setup() {
  Serial.begin(GAZE_BAUD);
  model = gaze_served_model(arena);
  port = {"spresense-arduino", sendBytes, countMicroseconds, GAZE_LINK_COUNT_MICROSECONDS, 1000000, nullptr};
  gaze_link_init(&board_link, &model, &port);
}

void loop() {
  uint8_t bytes[64];
  size_t count = 0;
  while (count < sizeof bytes && Serial.available() > 0) {
    bytes[count++] = static_cast<uint8_t>(Serial.read());
  }
  if (count > 0) {
    gaze_link_receive(&board_link, bytes, count);
    last_byte_ms = millis();
  } else if (millis() - last_byte_ms > 100) {
    gaze_link_idle(&board_link);
    last_byte_ms = millis();
  }
}

#else

static uint64_t arena[(GAZE_FEED_ARENA_BYTES + 7) / 8];

static void stopWith(const char *what, int code) {
  Serial.print("error: ");
  Serial.print(what);
  Serial.print(", code ");
  Serial.println(code);
  for (;;) {
    delay(1000);
  }
}

// Called by the camera library for each frame, in a thread of its own whose stack is small: nothing large lives on it.
static void onFrame(CamImage frame) {
  if (!frame.isAvailable()) {
    return;
  }
  CamImage region;
  CamErr error = frame.clipAndResizeImageByHW(region, GAZE_REGION_X, GAZE_REGION_Y, GAZE_REGION_X + GAZE_REGION_SIDE - 1,
                                              GAZE_REGION_Y + GAZE_REGION_SIDE - 1, GAZE_MODEL_INPUT_0_WIDTH,
                                              GAZE_MODEL_INPUT_0_HEIGHT);
  if (error != CAM_ERR_SUCCESS) {
    Serial.print("error: clip and resize, code ");
    Serial.println(static_cast<int>(error));
    return;
  }
  const uint8_t *pixels = region.getImgBuff();
  unsigned long began_us = micros();
  gaze_feed_begin(arena);
  for (int row = 0; row < GAZE_MODEL_INPUT_0_HEIGHT; row++) {
    gaze_feed_uyvy(arena, row, pixels + row * GAZE_MODEL_INPUT_0_WIDTH * 2);
  }
  gaze_feed_finish(arena);
  unsigned long spent_us = micros() - began_us;
  float x_cm = 0;
  float y_cm = 0;
  gaze_feed_point(arena, &x_cm, &y_cm);
  Serial.print(x_cm);
  Serial.print(",");
  Serial.print(y_cm);
  Serial.print(",");
  Serial.println(spent_us);
}

void setup() {
  Serial.begin(GAZE_BAUD);
  CamErr error = theCamera.begin(1, CAM_VIDEO_FPS_15, CAM_IMGSIZE_QVGA_H, CAM_IMGSIZE_QVGA_V, CAM_IMAGE_PIX_FMT_YUV422);
  if (error != CAM_ERR_SUCCESS) {
    stopWith("the camera does not begin", static_cast<int>(error));
  }
  error = theCamera.startStreaming(true, onFrame);
  if (error != CAM_ERR_SUCCESS) {
    stopWith("the camera does not stream", static_cast<int>(error));
  }
}

void loop() {
  delay(1000);
}

#endif
