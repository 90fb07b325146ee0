#pragma once
#include "third_party/tflite-micro/tensorflow/lite/micro/micro_interpreter.h"
