/* Gaze on a Spresense, with Sony's SDK: camera -> region, scaled by the hardware -> network -> one line on the console.
 * Each line: x_cm,y_cm,microseconds of the network. Started from NuttShell: nsh> tinytracker [frames]
 */

#include <nuttx/config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <arch/board/cxd56_imageproc.h> /* in older SDKs <imageproc/imageproc.h> */
#include <nuttx/video/video.h>

#include "gaze_feed.h"

#define DEVICE "/dev/video"
#define CAMERA_WIDTH 320
#define CAMERA_HEIGHT 240
#define FRAME_BYTES (CAMERA_WIDTH * CAMERA_HEIGHT * 2)
#define BUFFERS 2
#define ALIGNMENT 32 /* the camera's and the graphics engine's */

static uint64_t arena[(GAZE_FEED_ARENA_BYTES + 7) / 8];
static uint8_t frames[BUFFERS][FRAME_BYTES] __attribute__((aligned(ALIGNMENT)));
static uint8_t region[GAZE_MODEL_INPUT_0_WIDTH * GAZE_MODEL_INPUT_0_HEIGHT * 2] __attribute__((aligned(ALIGNMENT)));

static int give_up(const char *what) {
  printf("error: %s, errno %d\n", what, errno);
  return -1;
}

static int start_camera(int camera) {
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

static long microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (long)now.tv_sec * 1000000L + now.tv_nsec / 1000L;
}

static int look(uint8_t *frame) {
  imageproc_rect_t clip = {GAZE_REGION_X, GAZE_REGION_Y, GAZE_REGION_X + GAZE_REGION_SIDE - 1,
                           GAZE_REGION_Y + GAZE_REGION_SIDE - 1};
  if (imageproc_clip_and_resize(frame, CAMERA_WIDTH, CAMERA_HEIGHT, region, GAZE_MODEL_INPUT_0_WIDTH,
                                GAZE_MODEL_INPUT_0_HEIGHT, 16, &clip) != 0) {
    return give_up("clip and resize");
  }
  long began_us = microseconds();
  gaze_feed_begin(arena);
  for (int row = 0; row < GAZE_MODEL_INPUT_0_HEIGHT; row++) {
    gaze_feed_uyvy(arena, row, region + row * GAZE_MODEL_INPUT_0_WIDTH * 2);
  }
  gaze_feed_finish(arena);
  long spent_us = microseconds() - began_us;
  float x_cm;
  float y_cm;
  gaze_feed_point(arena, &x_cm, &y_cm);
  printf("%.2f,%.2f,%ld\n", (double)x_cm, (double)y_cm, spent_us);
  return 0;
}

static int watch(int camera, long count) {
  for (long i = 0; count == 0 || i < count; i++) {
    struct v4l2_buffer buffer = {0};
    buffer.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
    buffer.memory = V4L2_MEMORY_USERPTR;
    if (ioctl(camera, VIDIOC_DQBUF, (unsigned long)&buffer) < 0) {
      return give_up("the camera gives no frame");
    }
    int failed = look((uint8_t *)buffer.m.userptr);
    if (ioctl(camera, VIDIOC_QBUF, (unsigned long)&buffer) < 0) {
      return give_up("the camera takes no buffer back");
    }
    if (failed) {
      return failed;
    }
  }
  return 0;
}

int main(int argc, char *argv[]) {
  long count = argc > 1 ? strtol(argv[1], NULL, 10) : 0; /* 0: until the power goes */
  if (video_initialize(DEVICE) != 0) {
    return give_up("no camera");
  }
  imageproc_initialize();
  int result = -1;
  int camera = open(DEVICE, 0);
  if (camera < 0) {
    give_up("the camera does not open");
  } else {
    if (start_camera(camera) == 0) {
      result = watch(camera, count);
    }
    close(camera);
  }
  imageproc_finalize();
  video_uninitialize(DEVICE);
  return result;
}
