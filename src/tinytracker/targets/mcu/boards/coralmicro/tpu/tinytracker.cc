// Gaze on a Coral Dev Board Micro, computed by the Edge TPU: camera -> region -> resize -> network -> a line on the console.
// Each line: x_cm,y_cm,microseconds of the network. The model was compiled by edgetpu_compiler. The console also takes the
// serial link's questions: blocks for a power meter (tinytracker measure --board serial:PORT), crops that the host sends
// (tinytracker track --board serial:PORT), both with --model the .tflite that was given to edgetpu_compiler. Lines stop once a
// host has greeted.

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

#include "coral_board.h"
#include "coral_camera.h"
#include "gaze_region.h"
#include "libs/base/filesystem.h"
#include "libs/base/led.h"
#include "libs/tpu/edgetpu_manager.h"
#include "libs/tpu/edgetpu_op.h"
#include "third_party/tflite-micro/tensorflow/lite/micro/micro_error_reporter.h"
#include "third_party/tflite-micro/tensorflow/lite/micro/micro_interpreter.h"
#include "third_party/tflite-micro/tensorflow/lite/micro/micro_mutable_op_resolver.h"

namespace coralmicro {
namespace {

constexpr char kModelPath[] = "/" GAZE_REGION_MODEL;
constexpr int kArenaBytes = 1024 * 1024;
STATIC_TENSOR_ARENA_IN_OCRAM(arena, kArenaBytes);

tflite::MicroInterpreter *network;
gaze_link_tensor tensors[2]; // what goes in, what comes out
gaze_link board_link;

[[noreturn]] void Stop(const char *what) {
  while (true) {
    printf("error: %s\r\n", what);
    vTaskDelay(pdMS_TO_TICKS(1000));
  }
}

int8_t *Input() { return tflite::GetTensorData<int8_t>(network->input_tensor(0)); }

void Invoke(void *) {
  if (network->Invoke() != kTfLiteOk) {
    Stop("the network does not run");
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

// --- the network behind the serial link ------------------------------------------------------------------------------

void Begin(void *) {}

void Write(void *, uint32_t offset, const uint8_t *bytes, uint32_t count) { memcpy(Input() + offset, bytes, count); }

const int8_t *Output(const void *, int) { return tflite::GetTensorData<int8_t>(network->output_tensor(0)); }

gaze_link_tensor Described(const TfLiteTensor *tensor, int height, int width) {
  const uint32_t bytes = static_cast<uint32_t>(tensor->bytes);
  return {bytes,
          static_cast<uint16_t>(height),
          static_cast<uint16_t>(width),
          static_cast<uint16_t>(bytes / static_cast<uint32_t>(height * width)),
          tensor->params.scale,
          tensor->params.zero_point};
}

gaze_link_model Served() {
  tensors[0] = Described(network->input_tensor(0), GAZE_REGION_HEIGHT, GAZE_REGION_WIDTH);
  tensors[1] = Described(network->output_tensor(0), 1, 1);
  return {GAZE_REGION_HASH, 0, 1, 1, tensors, Begin, Write, Invoke, Output, nullptr, Invoke};
}

// --- the network behind the camera -----------------------------------------------------------------------------------

int Look(void *) {
  if (!NextFrame()) {
    return 1;
  }
  Fill(Input());
  Invoke(nullptr);
  return 0;
}

void PrintNextFrame() {
  if (!NextFrame()) {
    printf("error: the camera gives no frame\r\n");
    vTaskDelay(pdMS_TO_TICKS(100));
    return;
  }
  const uint64_t began_us = TimerMicros();
  Fill(Input());
  Invoke(nullptr);
  const uint64_t spent_us = TimerMicros() - began_us;
  const TfLiteTensor *output = network->output_tensor(0);
  const int8_t *values = tflite::GetTensorData<int8_t>(output);
  const float step_cm = output->params.scale * GAZE_REGION_OUTPUT_CM;
  const double x_cm = static_cast<double>(static_cast<float>(values[0] - output->params.zero_point) * step_cm);
  const double y_cm = static_cast<double>(static_cast<float>(values[1] - output->params.zero_point) * step_cm);
  printf("%.2f,%.2f,%lu\r\n", x_cm, y_cm, static_cast<unsigned long>(spent_us));
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
  network = &interpreter;
  StartCamera();
  const gaze_link_model served = Served();
  const gaze_link_port port = OpenPort("coral-dev-micro", Look);
  gaze_link_init(&board_link, &served, &port);
  while (true) {
    Answer(&board_link);
    if (!board_link.greeted) {
      PrintNextFrame();
    }
  }
}

}  // namespace
}  // namespace coralmicro

extern "C" [[noreturn]] void app_main(void *param) {
  (void)param;
  coralmicro::Main();
}
