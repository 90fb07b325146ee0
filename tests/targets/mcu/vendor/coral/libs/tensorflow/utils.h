#pragma once
#include <cstdint>
#define STATIC_TENSOR_ARENA_IN_SDRAM(name, size) static uint8_t name[size] __attribute__((aligned(16)))
#define STATIC_TENSOR_ARENA_IN_OCRAM(name, size) static uint8_t name[size] __attribute__((aligned(16)))
