#pragma once
#include <memory>
namespace coralmicro {
class EdgeTpuContext {};
class EdgeTpuManager {
 public:
  static EdgeTpuManager *GetSingleton();
  std::shared_ptr<EdgeTpuContext> OpenDevice();
};
}  // namespace coralmicro
