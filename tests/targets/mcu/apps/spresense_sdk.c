/* The vendor's calls of the SDK app, as far as they run here: a camera that gives grey frames at 100 a second, a pin that is
 * counted on stderr. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <arch/board/board.h>
#ifdef WITH_CAMERA
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>

#include <arch/board/cxd56_imageproc.h>
#include <nuttx/video/video.h>
#endif

int board_gpio_config(uint32_t pin, int mode, bool input, bool drive, int pull) {
  (void)pin, (void)mode, (void)input, (void)drive, (void)pull;
  return 0;
}

void board_gpio_write(uint32_t pin, int value) {
  if (pin == 31 && value == 0) {
    fprintf(stderr, "pulse\n");
  }
}

#ifdef WITH_CAMERA
int video_initialize(const char *path) { return path == NULL; }
int video_uninitialize(const char *path) { return path == NULL; }
void imageproc_initialize(void) {}
void imageproc_finalize(void) {}

int imageproc_clip_and_resize(uint8_t *ibuf, uint16_t ihsize, uint16_t ivsize, uint8_t *obuf, uint16_t ohsize, uint16_t ovsize,
                              int bpp, imageproc_rect_t *clip_rect) {
  (void)ibuf;
  memset(obuf, 128, (size_t)ohsize * ovsize * 2);
  return bpp == 16 && clip_rect->x2 < ihsize && clip_rect->y2 < ivsize ? 0 : -1;
}

static unsigned long queue[2];
static int queued;

/* The terminal's go to the system; the camera's are answered here. */
int ioctl(int fd, unsigned long request, ...) {
  va_list rest;
  va_start(rest, request);
  unsigned long argument = va_arg(rest, unsigned long);
  va_end(rest);
  struct v4l2_buffer *buffer = (struct v4l2_buffer *)argument;
  switch (request) {
    case VIDIOC_REQBUFS:
    case VIDIOC_S_FMT:
    case VIDIOC_STREAMON:
      return 0;
    case VIDIOC_QBUF:
      queue[queued++ % 2] = buffer->m.userptr;
      return 0;
    case VIDIOC_DQBUF:
      usleep(10000);
      buffer->m.userptr = queue[queued++ % 2];
      return 0;
    default:
      return (int)syscall(SYS_ioctl, fd, request, argument);
  }
}
#endif
