#pragma once

#include <stdint.h>

enum v4l2_buf_type { V4L2_BUF_TYPE_VIDEO_CAPTURE = 1 };
enum v4l2_memory { V4L2_MEMORY_USERPTR = 2 };
enum v4l2_buf_mode { V4L2_BUF_MODE_RING = 0 };
enum v4l2_field { V4L2_FIELD_ANY = 0 };
#define V4L2_PIX_FMT_UYVY 0x59565955U
#define VIDIOC_REQBUFS 1
#define VIDIOC_S_FMT 2
#define VIDIOC_QBUF 3
#define VIDIOC_DQBUF 4
#define VIDIOC_STREAMON 5

struct v4l2_requestbuffers {
  uint32_t count, type, memory, mode;
};
struct v4l2_pix_format {
  uint16_t width, height;
  uint32_t pixelformat, field;
};
struct v4l2_format {
  uint32_t type;
  union {
    struct v4l2_pix_format pix;
  } fmt;
};
struct v4l2_buffer {
  uint16_t index;
  uint32_t type, bytesused, memory, length;
  union {
    unsigned long userptr;
  } m;
};

int video_initialize(const char *path);
int video_uninitialize(const char *path);
