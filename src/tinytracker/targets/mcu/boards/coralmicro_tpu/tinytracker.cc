// Gaze on a Coral Dev Board Micro, computed by the Edge TPU: camera -> region -> resize -> network -> a line on the console.
// Each line: x_cm,y_cm,microseconds of the network. The model was compiled by edgetpu_compiler.

#include <cstdint>
#include <cstdio>
#include <vector>

#include "gaze_region.h"
#include "libs/base/filesystem.h"
#include "libs/base/led.h"
#include "libs/base/timer.h"
#include "libs/camera/camera.h"
#include "libs/tensorflow/utils.h"
#include "libs/tpu/edgetpu_manager.h"
#include "libs/tpu/edgetpu_op.h"
#include "third_party/freertos_kernel/include/FreeRTOS.h"
#include "third_party/freertos_kernel/include/task.h"
#include "third_party/tflite-micro/tensorflow/lite/micro/micro_error_reporter.h"
#include "third_party/tflite-micro/tensorflow/lite/micro/micro_interpreter.h"
#include "third_party/tflite-micro/tensorflow/lite/micro/micro_mutable_op_resolver.h"

namespace coralmicro {
namespace {

constexpr char kModelPath[] = "/" GAZE_REGION_MODEL;
constexpr int kFrameWidth = static_cast<int>(CameraTask::kWidth);
constexpr int kFrameHeight = static_cast<int>(CameraTask::kHeight);
constexpr int kArenaBytes = 1024 * 1024;
STATIC_TENSOR_ARENA_IN_OCRAM(arena, kArenaBytes);
STATIC_TENSOR_ARENA_IN_SDRAM(frame, kFrameWidth * kFrameHeight * 3);

[[noreturn]] void Stop(const char *what) {
  while (true) {
    printf("error: %s\r\n", what);
    vTaskDelay(pdMS_TO_TICKS(1000));
  }
}

// The region's nearest pixels: the Edge TPU waits for its input, so the M7's time counts.
void Fill(int8_t *to) {
  for (int row = 0; row < GAZE_REGION_HEIGHT; row++) {
    const int y = GAZE_REGION_Y + (2 * row + 1) * GAZE_REGION_SIDE / (2 * GAZE_REGION_HEIGHT);
    for (int column = 0; column < GAZE_REGION_WIDTH; column++) {
      const int x = GAZE_REGION_X + (2 * column + 1) * GAZE_REGION_SIDE / (2 * GAZE_REGION_WIDTH);
      const uint8_t *rgb = frame + (y * kFrameWidth + x) * 3;
      if (GAZE_REGION_GREY) {
        *to++ = GAZE_REGION_PIXEL[(9798 * rgb[0] + 19235 * rgb[1] + 3735 * rgb[2] + 16384) >> 15];
      } else {
        for (int c = 0; c < 3; c++) {
          *to++ = GAZE_REGION_PIXEL[rgb[c]];
        }
      }
#if GAZE_REGION_POSITION
      *to++ = GAZE_REGION_COLUMN[column];
      *to++ = GAZE_REGION_ROW[row];
#endif
    }
  }
}

[[noreturn]] void Main() {
  LedSet(Led::kStatus, true);
  std::vector<uint8_t> model;
  if (!LfsReadFile(kModelPath, &model)) {
    Stop("the model is not in the file system");
  }
  auto tpu = EdgeTpuManager::GetSingleton()->OpenDevice();
  if (!tpu) {
    Stop("the Edge TPU does not open");
  }
  tflite::MicroErrorReporter reporter;
  tflite::MicroMutableOpResolver<3> resolver;
  resolver.AddQuantize();
  resolver.AddDequantize();
  resolver.AddCustom(kCustomOp, RegisterCustomOp());
  tflite::MicroInterpreter interpreter(tflite::GetModel(model.data()), resolver, arena, kArenaBytes, &reporter);
  if (interpreter.AllocateTensors() != kTfLiteOk) {
    Stop("the network does not fit the arena");
  }
  CameraTask::GetSingleton()->SetPower(true);
  CameraTask::GetSingleton()->Enable(CameraMode::kStreaming);
  while (true) {
    CameraFrameFormat format{CameraFormat::kRgb, CameraFilterMethod::kBilinear, CameraRotation::k270, kFrameWidth, kFrameHeight,
                             false, frame};
    if (!CameraTask::GetSingleton()->GetFrame({format})) {
      printf("error: the camera gives no frame\r\n");
      vTaskDelay(pdMS_TO_TICKS(100));
      continue;
    }
    const uint64_t began_us = TimerMicros();
    Fill(tflite::GetTensorData<int8_t>(interpreter.input_tensor(0)));
    if (interpreter.Invoke() != kTfLiteOk) {
      Stop("the network does not run");
    }
    const uint64_t spent_us = TimerMicros() - began_us;
    const TfLiteTensor *output = interpreter.output_tensor(0);
    const int8_t *values = tflite::GetTensorData<int8_t>(output);
    const float step_cm = output->params.scale * GAZE_REGION_OUTPUT_CM;
    const double x_cm = static_cast<double>(static_cast<float>(values[0] - output->params.zero_point) * step_cm);
    const double y_cm = static_cast<double>(static_cast<float>(values[1] - output->params.zero_point) * step_cm);
    printf("%.2f,%.2f,%lu\r\n", x_cm, y_cm, static_cast<unsigned long>(spent_us));
  }
}

}  // namespace
}  // namespace coralmicro

extern "C" [[noreturn]] void app_main(void *param) {
  (void)param;
  coralmicro::Main();
}
