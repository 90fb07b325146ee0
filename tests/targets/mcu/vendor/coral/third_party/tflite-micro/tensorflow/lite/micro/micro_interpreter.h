#pragma once
#include <cstddef>
#include <cstdint>
enum TfLiteStatus { kTfLiteOk = 0 };
struct TfLiteQuantizationParams {
  float scale;
  int32_t zero_point;
};
struct TfLiteTensor {
  TfLiteQuantizationParams params;
  size_t bytes;
};
struct TFLMRegistration;
namespace tflite {
class Model;
class MicroOpResolver {};
class ErrorReporter {};
class MicroErrorReporter : public ErrorReporter {};
const Model *GetModel(const void *buffer);
template <typename T>
T *GetTensorData(TfLiteTensor *tensor);
template <typename T>
const T *GetTensorData(const TfLiteTensor *tensor);
class MicroInterpreter {
 public:
  MicroInterpreter(const Model *model, const MicroOpResolver &resolver, uint8_t *arena, size_t size, ErrorReporter *reporter);
  TfLiteStatus AllocateTensors();
  TfLiteStatus Invoke();
  TfLiteTensor *input_tensor(size_t index);
  TfLiteTensor *output_tensor(size_t index);
};
}  // namespace tflite
