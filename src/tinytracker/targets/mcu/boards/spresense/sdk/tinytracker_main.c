/* Gaze on a Spresense, with Sony's SDK: camera -> region, scaled by the hardware -> network -> one line on the console.
 * Each line: x_cm,y_cm,microseconds of the network. Started from NuttShell:
 *   nsh> tinytracker [frames]        the lines; without a number until the power goes
 *   nsh> tinytracker serve [device]  the serial link, on the console or another port: blocks for a power meter
 *                                    (tinytracker measure --board serial:PORT), crops from a host (track --board)
 */

#include <nuttx/config.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <arch/board/board.h>
#include <arch/chip/pin.h>

#include "gaze_region.h"
#include "gaze_served.h"

#ifndef GAZE_FROM_HOST
#define GAZE_FROM_HOST GAZE_REGION_FROM_HOST
#endif
#if !GAZE_FROM_HOST
#include <arch/board/cxd56_imageproc.h> /* in older SDKs <imageproc/imageproc.h> */
#include <nuttx/video/video.h>

#include "gaze_feed.h"
#endif

#ifndef GAZE_MARKER_PIN
#define GAZE_MARKER_PIN PIN_HIF_IRQ_OUT /* D02: low for a moment at both ends of a block, for a power meter */
#endif
#define GAZE_MARKER_US 60
#define SILENCE_MS 100

/* The camera's feed and the link's use the same memory, one after the other. */
#if !GAZE_FROM_HOST && GAZE_FEED_ARENA_BYTES > GAZE_SERVED_ARENA_BYTES
#define ARENA_BYTES GAZE_FEED_ARENA_BYTES
#else
#define ARENA_BYTES GAZE_SERVED_ARENA_BYTES
#endif

static uint64_t arena[(ARENA_BYTES + 7) / 8];

static int give_up(const char *what) {
  printf("error: %s, errno %d\n", what, errno);
  return -1;
}

static uint32_t microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint32_t)now.tv_sec * 1000000U + (uint32_t)(now.tv_nsec / 1000);
}

#if !GAZE_FROM_HOST

#ifndef GAZE_CAMERA
#define GAZE_CAMERA "/dev/video"
#endif
#define CAMERA_WIDTH 320
#define CAMERA_HEIGHT 240
#define FRAME_BYTES (CAMERA_WIDTH * CAMERA_HEIGHT * 2)
#define BUFFERS 2
#define ALIGNMENT 32 /* the camera's and the graphics engine's */

static uint8_t frames[BUFFERS][FRAME_BYTES] __attribute__((aligned(ALIGNMENT)));
static uint8_t region[GAZE_MODEL_INPUT_0_WIDTH * GAZE_MODEL_INPUT_0_HEIGHT * 2] __attribute__((aligned(ALIGNMENT)));
static int camera = -1;

static int start_streaming(void) {
  struct v4l2_requestbuffers request = {0};
  request.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  request.memory = V4L2_MEMORY_USERPTR;
  request.count = BUFFERS;
  request.mode = V4L2_BUF_MODE_RING;
  if (ioctl(camera, VIDIOC_REQBUFS, (unsigned long)&request) < 0) {
    return give_up("the camera takes no buffers");
  }
  struct v4l2_format format = {0};
  format.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  format.fmt.pix.width = CAMERA_WIDTH;
  format.fmt.pix.height = CAMERA_HEIGHT;
  format.fmt.pix.field = V4L2_FIELD_ANY;
  format.fmt.pix.pixelformat = V4L2_PIX_FMT_UYVY;
  if (ioctl(camera, VIDIOC_S_FMT, (unsigned long)&format) < 0) {
    return give_up("the camera does not give QVGA in YUV422");
  }
  for (int i = 0; i < BUFFERS; i++) {
    struct v4l2_buffer buffer = {0};
    buffer.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    buffer.memory = V4L2_MEMORY_USERPTR;
    buffer.index = (uint16_t)i;
    buffer.m.userptr = (unsigned long)frames[i];
    buffer.length = FRAME_BYTES;
    if (ioctl(camera, VIDIOC_QBUF, (unsigned long)&buffer) < 0) {
      return give_up("the camera takes no buffer");
    }
  }
  enum v4l2_buf_type type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  if (ioctl(camera, VIDIOC_STREAMON, (unsigned long)&type) < 0) {
    return give_up("the camera does not stream");
  }
  return 0;
}

/* The network on a frame; microseconds it took, or -1. */
static long compute(uint8_t *frame) {
  imageproc_rect_t clip = {GAZE_REGION_X, GAZE_REGION_Y, GAZE_REGION_X + GAZE_REGION_SIDE - 1,
                           GAZE_REGION_Y + GAZE_REGION_SIDE - 1};
  if (imageproc_clip_and_resize(frame, CAMERA_WIDTH, CAMERA_HEIGHT, region, GAZE_MODEL_INPUT_0_WIDTH,
                                GAZE_MODEL_INPUT_0_HEIGHT, 16, &clip) != 0) {
    return -1;
  }
  uint32_t began_us = microseconds();
  gaze_feed_begin(arena);
  for (int row = 0; row < GAZE_MODEL_INPUT_0_HEIGHT; row++) {
    gaze_feed_uyvy(arena, row, region + row * GAZE_MODEL_INPUT_0_WIDTH * 2);
  }
  gaze_feed_finish(arena);
  return (long)(microseconds() - began_us);
}

/* The whole chain: the camera's next frame, and its gaze. As `compute`. */
static long next_frame(void) {
  struct v4l2_buffer buffer = {0};
  buffer.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
  buffer.memory = V4L2_MEMORY_USERPTR;
  if (ioctl(camera, VIDIOC_DQBUF, (unsigned long)&buffer) < 0) {
    return -1;
  }
  long spent_us = compute((uint8_t *)buffer.m.userptr);
  return ioctl(camera, VIDIOC_QBUF, (unsigned long)&buffer) < 0 ? -1 : spent_us;
}

static int open_camera(void) {
  if (video_initialize(GAZE_CAMERA) != 0) {
    return give_up("no camera");
  }
  imageproc_initialize();
  camera = open(GAZE_CAMERA, 0);
  if (camera < 0) {
    return give_up("the camera does not open");
  }
  return start_streaming();
}

static void close_camera(void) {
  if (camera >= 0) {
    close(camera);
    camera = -1;
  }
  imageproc_finalize();
  video_uninitialize(GAZE_CAMERA);
}

static int look(void *state) {
  (void)state;
  return next_frame() < 0;
}

static int watch(long count) {
  for (long i = 0; count == 0 || i < count; i++) {
    long spent_us = next_frame();
    if (spent_us < 0) {
      return give_up("the camera gives no frame, or it is not scaled");
    }
    float x_cm;
    float y_cm;
    gaze_feed_point(arena, &x_cm, &y_cm);
    printf("%.2f,%.2f,%ld\n", (double)x_cm, (double)y_cm, spent_us);
  }
  return 0;
}

#endif

/* --- the serial link ------------------------------------------------------------------------------------------------ */

static int serial = -1;
static gaze_link board_link;

static void send_bytes(void *state, const uint8_t *bytes, size_t count) {
  (void)state;
  while (count > 0) {
    ssize_t sent = write(serial, bytes, count);
    if (sent < 0 && errno != EINTR) {
      return; /* the host asks again */
    }
    if (sent > 0) {
      bytes += sent;
      count -= (size_t)sent;
    }
  }
}

static uint32_t count_microseconds(void *state) {
  (void)state;
  return microseconds();
}

static void pulse_marker(void *state) {
  (void)state;
  uint32_t began_us = microseconds();
  board_gpio_write(GAZE_MARKER_PIN, 0);
  while (microseconds() - began_us < GAZE_MARKER_US) {
  }
  board_gpio_write(GAZE_MARKER_PIN, 1);
}

/* Bytes as they are: a console would change line ends, and answer Ctrl-C. */
static int open_serial(const char *device) {
  struct termios raw;
  serial = open(device, O_RDWR);
  if (serial < 0 || tcgetattr(serial, &raw) != 0) {
    return give_up("the serial port does not open");
  }
  raw.c_iflag &= ~(tcflag_t)(ICRNL | INLCR | IGNCR | IXON | IXOFF);
  raw.c_oflag &= ~(tcflag_t)OPOST;
  raw.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
  return tcsetattr(serial, TCSANOW, &raw) != 0 ? give_up("the serial port carries no plain bytes") : 0;
}

/* Until the power goes. has_camera: whether chains can be asked for. */
static int serve(const char *device, int has_camera) {
  const gaze_link_model model = gaze_served_model(arena);
  gaze_link_port port = {"spresense-sdk", send_bytes, count_microseconds, GAZE_LINK_COUNT_MICROSECONDS, 1000000, NULL,
                         pulse_marker, NULL};
#if !GAZE_FROM_HOST
  port.look = has_camera ? look : NULL;
#else
  (void)has_camera;
#endif
  board_gpio_write(GAZE_MARKER_PIN, 1);
  board_gpio_config(GAZE_MARKER_PIN, 0, false, true, PIN_FLOAT);
  if (open_serial(device) != 0) {
    return -1;
  }
  gaze_link_init(&board_link, &model, &port);
  for (;;) {
    struct pollfd waiting = {serial, POLLIN, 0};
    uint8_t bytes[64];
    if (poll(&waiting, 1, SILENCE_MS) <= 0) {
      gaze_link_idle(&board_link);
      continue;
    }
    ssize_t count = read(serial, bytes, sizeof bytes);
    if (count > 0) {
      gaze_link_receive(&board_link, bytes, (size_t)count);
    }
  }
}

int main(int argc, char *argv[]) {
  int serving = GAZE_FROM_HOST || (argc > 1 && strcmp(argv[1], "serve") == 0);
  const char *device = argc > 2 ? argv[2] : "/dev/console";
  int has_camera = 0;
#if !GAZE_FROM_HOST
  has_camera = open_camera() == 0;
  if (!serving) {
    int result = has_camera ? watch(argc > 1 ? strtol(argv[1], NULL, 10) : 0) : -1;
    close_camera();
    return result;
  }
#else
  (void)serving;
#endif
  int result = serve(device, has_camera);
#if !GAZE_FROM_HOST
  close_camera();
#endif
  return result;
}
