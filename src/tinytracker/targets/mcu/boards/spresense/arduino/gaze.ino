// Gaze on a Spresense: camera -> region, scaled by the hardware -> network -> one line on the serial port.
// Board: Spresense main board with its camera board. Each line: x_cm,y_cm,microseconds of the network.
// The serial port also takes the link's questions: blocks for a power meter (tinytracker measure --board serial:PORT),
// crops that the host sends (tinytracker track --board serial:PORT). Lines stop once a host has greeted.
// GAZE_FROM_HOST 1: no camera.

#include "gaze_region.h"
#include "gaze_served.h"

#ifndef GAZE_FROM_HOST
#define GAZE_FROM_HOST GAZE_REGION_FROM_HOST
#endif
#if !GAZE_FROM_HOST
#include <Camera.h>
#include <semaphore.h>
#include <time.h>

#include "gaze_feed.h"
#endif

#ifndef GAZE_BAUD
#define GAZE_BAUD 115200  // another one: the host then takes --board serial:PORT@BAUD
#endif

#ifndef GAZE_MARKER_PIN
#define GAZE_MARKER_PIN PIN_D02  // low for a moment at both ends of a block: for a power meter's logic input
#endif
#define GAZE_MARKER_US 60

// The camera's feed and the link's use the same memory, never at the same time.
#if !GAZE_FROM_HOST && GAZE_FEED_ARENA_BYTES > GAZE_SERVED_ARENA_BYTES
#define ARENA_BYTES GAZE_FEED_ARENA_BYTES
#else
#define ARENA_BYTES GAZE_SERVED_ARENA_BYTES
#endif

static uint64_t arena[(ARENA_BYTES + 7) / 8];
static gaze_link_model model;
static gaze_link_port port;
static gaze_link board_link;

static void sendBytes(void *, const uint8_t *bytes, size_t count) {
  Serial.write(bytes, count);
}

static uint32_t countMicroseconds(void *) {
  return micros();
}

static void pulseMarker(void *) {
  digitalWrite(GAZE_MARKER_PIN, LOW);
  delayMicroseconds(GAZE_MARKER_US);
  digitalWrite(GAZE_MARKER_PIN, HIGH);
}

#if GAZE_FROM_HOST

static int (*const look)(void *) = nullptr;

static void startCamera() {}

static void takeArena() {}

static void leaveArena() {}

#else

static volatile bool hostTalks;   // the arena is the link's
static volatile bool looking;     // a block waits for a frame
static volatile bool computing;   // the camera's thread is in the arena
static volatile bool lookedWell;
static sem_t looked;

static void stopWith(const char *what, int code) {
  Serial.print("error: ");
  Serial.print(what);
  Serial.print(", code ");
  Serial.println(code);
  for (;;) {
    delay(1000);
  }
}

static CamErr compute(CamImage &frame) {
  CamImage region;
  CamErr error = frame.clipAndResizeImageByHW(region, GAZE_REGION_X, GAZE_REGION_Y, GAZE_REGION_X + GAZE_REGION_SIDE - 1,
                                              GAZE_REGION_Y + GAZE_REGION_SIDE - 1, GAZE_MODEL_INPUT_0_WIDTH,
                                              GAZE_MODEL_INPUT_0_HEIGHT);
  if (error != CAM_ERR_SUCCESS) {
    return error;
  }
  const uint8_t *pixels = region.getImgBuff();
  gaze_feed_begin(arena);
  for (int row = 0; row < GAZE_MODEL_INPUT_0_HEIGHT; row++) {
    gaze_feed_uyvy(arena, row, pixels + row * GAZE_MODEL_INPUT_0_WIDTH * 2);
  }
  gaze_feed_finish(arena);
  return CAM_ERR_SUCCESS;
}

static void computeAndPrint(CamImage &frame) {
  unsigned long began_us = micros();
  CamErr error = compute(frame);
  unsigned long spent_us = micros() - began_us;
  if (error != CAM_ERR_SUCCESS) {
    Serial.print("error: clip and resize, code ");
    Serial.println(static_cast<int>(error));
    return;
  }
  float x_cm = 0;
  float y_cm = 0;
  gaze_feed_point(arena, &x_cm, &y_cm);
  Serial.print(x_cm);
  Serial.print(",");
  Serial.print(y_cm);
  Serial.print(",");
  Serial.println(spent_us);
}

// Called by the camera library for each frame, in a thread of its own whose stack is small: nothing large lives on it.
static void onFrame(CamImage frame) {
  if (!frame.isAvailable()) {
    return;
  }
  computing = true;
  if (looking) {
    looking = false;
    lookedWell = compute(frame) == CAM_ERR_SUCCESS;
    sem_post(&looked);
  } else if (!hostTalks) {
    computeAndPrint(frame);
  }
  computing = false;
}

// The chain, for a block: waits, asleep, until the camera's thread has computed its next frame.
static int look(void *) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += 2;
  looking = true;
  if (sem_timedwait(&looked, &until) != 0) {
    looking = false;
    return 1;
  }
  return lookedWell ? 0 : 1;
}

static void takeArena() {
  hostTalks = true;
  while (computing) {
    delay(1);
  }
}

static void leaveArena() {
  hostTalks = board_link.greeted != 0;
}

static void startCamera() {
  sem_init(&looked, 0, 0);
  CamErr error = theCamera.begin(1, CAM_VIDEO_FPS_15, CAM_IMGSIZE_QVGA_H, CAM_IMGSIZE_QVGA_V, CAM_IMAGE_PIX_FMT_YUV422);
  if (error != CAM_ERR_SUCCESS) {
    stopWith("the camera does not begin", static_cast<int>(error));
  }
  error = theCamera.startStreaming(true, onFrame);
  if (error != CAM_ERR_SUCCESS) {
    stopWith("the camera does not stream", static_cast<int>(error));
  }
}

#endif

void setup() {
  Serial.begin(GAZE_BAUD);
  pinMode(GAZE_MARKER_PIN, OUTPUT);
  digitalWrite(GAZE_MARKER_PIN, HIGH);
  model = gaze_served_model(arena);
  port = {"spresense-arduino", sendBytes, countMicroseconds, GAZE_LINK_COUNT_MICROSECONDS, 1000000, nullptr, pulseMarker, look};
  gaze_link_init(&board_link, &model, &port);
  startCamera();
}

void loop() {
  static unsigned long last_byte_ms;
  uint8_t bytes[64];
  size_t count = 0;
  while (count < sizeof bytes && Serial.available() > 0) {
    bytes[count++] = static_cast<uint8_t>(Serial.read());
  }
  if (count > 0) {
    takeArena();
    gaze_link_receive(&board_link, bytes, count);
    leaveArena();
    last_byte_ms = millis();
  } else if (millis() - last_byte_ms > 100) {
    gaze_link_idle(&board_link);
    last_byte_ms = millis();
  } else if (!GAZE_FROM_HOST) {
    delay(1);  // the camera's thread has the processor
  }
}
