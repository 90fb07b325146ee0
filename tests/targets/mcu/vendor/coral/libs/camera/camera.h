#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>
namespace coralmicro {
enum class CameraMode : uint8_t { kStandBy = 0, kStreaming = 1, kTrigger = 5 };
enum class CameraFormat { kRgb, kY8, kRaw };
enum class CameraFilterMethod { kBilinear = 0, kNearestNeighbor };
enum class CameraRotation { k0, k90, k180, k270 };
struct CameraFrameFormat {
  CameraFormat fmt;
  CameraFilterMethod filter = CameraFilterMethod::kBilinear;
  CameraRotation rotation = CameraRotation::k0;
  int width;
  int height;
  bool preserve_ratio;
  uint8_t *buffer;
  bool white_balance = true;
};
class CameraTask {
 public:
  static CameraTask *GetSingleton();
  bool Enable(CameraMode mode);
  bool GetFrame(const std::vector<CameraFrameFormat> &fmts);
  bool SetPower(bool enable);
  static constexpr size_t kWidth = 324;
  static constexpr size_t kHeight = 324;
};
}  // namespace coralmicro
