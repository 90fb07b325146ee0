#pragma once
#include <cstdint>
namespace coralmicro {
uint64_t TimerMicros();
}  // namespace coralmicro
