#pragma once
struct TFLMRegistration;
namespace coralmicro {
inline constexpr char kCustomOp[] = "edgetpu-custom-op";
TFLMRegistration *RegisterCustomOp();
}  // namespace coralmicro
