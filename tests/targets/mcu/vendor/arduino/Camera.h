#pragma once

#include <stddef.h>
#include <stdint.h>

enum CAM_IMAGE_PIX_FMT { CAM_IMAGE_PIX_FMT_YUV422 };
enum CamErr { CAM_ERR_SUCCESS = 0 };
enum CAM_VIDEO_FPS { CAM_VIDEO_FPS_15 };
#define CAM_IMGSIZE_QVGA_H (320)
#define CAM_IMGSIZE_QVGA_V (240)

class CamImage {
 public:
  CamImage();
  CamImage(const CamImage &image);
  ~CamImage();
  bool isAvailable(void);
  uint8_t *getImgBuff();
  CamErr clipAndResizeImageByHW(CamImage &image, int lefttop_x, int lefttop_y, int rightbottom_x, int rightbottom_y, int width,
                                int height);
};

typedef void (*camera_cb_t)(CamImage image);

class CameraClass {
 public:
  CamErr begin(int buff_num, CAM_VIDEO_FPS fps, int video_width, int video_height, CAM_IMAGE_PIX_FMT video_fmt);
  CamErr startStreaming(bool enable, camera_cb_t cb);
};
extern CameraClass theCamera;
