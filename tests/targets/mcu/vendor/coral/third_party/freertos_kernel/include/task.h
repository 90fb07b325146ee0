#pragma once
#include "third_party/freertos_kernel/include/FreeRTOS.h"
void vTaskDelay(const TickType_t ticks);
#define taskYIELD()
