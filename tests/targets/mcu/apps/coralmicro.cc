// The vendor's calls of the Coral apps, as far as they run here: the console is the terminal named by GAZE_CONSOLE, the camera
// gives grey frames at 100 a second, the marker is counted on stderr, and the Edge TPU's network answers with two sums of its
// input.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "libs/base/console_m7.h"
#include "libs/base/filesystem.h"
#include "libs/base/gpio.h"
#include "libs/base/led.h"
#include "libs/base/timer.h"
#include "libs/camera/camera.h"
#include "libs/tpu/edgetpu_manager.h"
#include "libs/tpu/edgetpu_op.h"
#include "third_party/freertos_kernel/include/task.h"
#include "third_party/tflite-micro/tensorflow/lite/micro/micro_interpreter.h"
#include "third_party/tflite-micro/tensorflow/lite/micro/micro_mutable_op_resolver.h"

extern "C" void app_main(void *param);

void vTaskDelay(const TickType_t ticks) { usleep(1000 * ticks); }

namespace coralmicro {

int Console() {
  static const int terminal = open(getenv("GAZE_CONSOLE"), O_RDWR | O_NOCTTY | O_NONBLOCK);
  return terminal;
}

ConsoleM7 *ConsoleM7::GetSingleton() {
  static ConsoleM7 console;
  return &console;
}

void ConsoleM7::Write(char *buffer, int size) {
  while (size > 0) {
    const ssize_t sent = write(Console(), buffer, static_cast<size_t>(size));
    if (sent > 0) {
      buffer += sent;
      size -= static_cast<int>(sent);
    }
  }
}

int ConsoleM7::Read(char *buffer, int size) {
  const ssize_t count = read(Console(), buffer, static_cast<size_t>(size));
  if (count <= 0) {
    usleep(100);
  }
  return static_cast<int>(count);
}

void GpioSet(Gpio, bool enable) {
  if (!enable) {
    fprintf(stderr, "pulse\n");
  }
}

void GpioSetMode(Gpio, GpioMode) {}

bool LedSet(Led, bool) { return true; }

uint64_t TimerMicros() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

CameraTask *CameraTask::GetSingleton() {
  static CameraTask camera;
  return &camera;
}

bool CameraTask::Enable(CameraMode) { return true; }

bool CameraTask::SetPower(bool) { return true; }

bool CameraTask::GetFrame(const std::vector<CameraFrameFormat> &fmts) {
  usleep(10000);
  memset(fmts[0].buffer, 128, kWidth * kHeight * 3);
  return true;
}

bool LfsReadFile(const char *, std::vector<uint8_t> *buf) {
  buf->assign(16, 0);
  return true;
}

EdgeTpuManager *EdgeTpuManager::GetSingleton() {
  static EdgeTpuManager manager;
  return &manager;
}

std::shared_ptr<EdgeTpuContext> EdgeTpuManager::OpenDevice() { return std::make_shared<EdgeTpuContext>(); }

TFLMRegistration *RegisterCustomOp() { return nullptr; }

}  // namespace coralmicro

namespace tflite {
namespace {
TfLiteTensor tensors[2] = {{{1.0F / 128, 0}, INPUT_BYTES}, {{1.0F / 64, 3}, 2}};
int8_t input[INPUT_BYTES], output[2];
}  // namespace

const Model *GetModel(const void *) { return nullptr; }

template <>
int8_t *GetTensorData<int8_t>(TfLiteTensor *tensor) {
  return tensor == &tensors[0] ? input : output;
}

template <>
const int8_t *GetTensorData<int8_t>(const TfLiteTensor *tensor) {
  return tensor == &tensors[0] ? input : output;
}

template <>
TfLiteStatus MicroMutableOpResolver<3>::AddQuantize() {
  return kTfLiteOk;
}

template <>
TfLiteStatus MicroMutableOpResolver<3>::AddDequantize() {
  return kTfLiteOk;
}

template <>
TfLiteStatus MicroMutableOpResolver<3>::AddCustom(const char *, TFLMRegistration *) {
  return kTfLiteOk;
}

MicroInterpreter::MicroInterpreter(const Model *, const MicroOpResolver &, uint8_t *, size_t, ErrorReporter *) {}

TfLiteStatus MicroInterpreter::AllocateTensors() { return kTfLiteOk; }

TfLiteStatus MicroInterpreter::Invoke() {
  unsigned sum = 0;
  unsigned placed = 0;
  for (unsigned i = 0; i < INPUT_BYTES; i++) {
    sum += static_cast<uint8_t>(input[i]);
    placed += static_cast<uint8_t>(input[i]) * i;
  }
  output[0] = static_cast<int8_t>(sum);
  output[1] = static_cast<int8_t>(placed >> 8);
  return kTfLiteOk;
}

TfLiteTensor *MicroInterpreter::input_tensor(size_t) { return &tensors[0]; }

TfLiteTensor *MicroInterpreter::output_tensor(size_t) { return &tensors[1]; }
}  // namespace tflite

int main() {
  dup2(coralmicro::Console(), STDOUT_FILENO);  // printf goes to the console, as on the board
  setvbuf(stdout, nullptr, _IONBF, 0);
  app_main(nullptr);
}
