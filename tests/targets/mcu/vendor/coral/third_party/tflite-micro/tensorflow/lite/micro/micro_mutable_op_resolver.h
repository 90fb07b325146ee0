#pragma once
#include "third_party/tflite-micro/tensorflow/lite/micro/micro_interpreter.h"
namespace tflite {
template <unsigned int count>
class MicroMutableOpResolver : public MicroOpResolver {
 public:
  TfLiteStatus AddQuantize();
  TfLiteStatus AddDequantize();
  TfLiteStatus AddCustom(const char *name, TFLMRegistration *registration);
};
}  // namespace tflite
