// The camera of both apps: whole frames in RGB, upright when the USB port points down.
#ifndef CORAL_CAMERA_H
#define CORAL_CAMERA_H

#include <cstdint>

#include "libs/camera/camera.h"
#include "libs/tensorflow/utils.h"

namespace coralmicro {

constexpr int kFrameWidth = static_cast<int>(CameraTask::kWidth);
constexpr int kFrameHeight = static_cast<int>(CameraTask::kHeight);

// 315 kB: too much for the fast memory, and read only once.
STATIC_TENSOR_ARENA_IN_SDRAM(frame, kFrameWidth * kFrameHeight * 3);

inline void StartCamera() {
  CameraTask::GetSingleton()->SetPower(true);
  CameraTask::GetSingleton()->Enable(CameraMode::kStreaming);
}

// Waits for the camera's next frame, into `frame`.
inline bool NextFrame() {
  CameraFrameFormat format{CameraFormat::kRgb, CameraFilterMethod::kBilinear, CameraRotation::k270, kFrameWidth, kFrameHeight,
                           false, frame};
  return CameraTask::GetSingleton()->GetFrame({format});
}

}  // namespace coralmicro

#endif
