#pragma once
namespace coralmicro {
enum class Led { kStatus };
bool LedSet(Led led, bool enable);
}  // namespace coralmicro
