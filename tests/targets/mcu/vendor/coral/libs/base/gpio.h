#pragma once
namespace coralmicro {
enum Gpio { kPwm0 };
enum class GpioMode { kOutput };
void GpioSet(Gpio gpio, bool enable);
void GpioSetMode(Gpio gpio, GpioMode mode);
}  // namespace coralmicro
