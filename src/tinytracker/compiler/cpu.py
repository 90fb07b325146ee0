"""The cores code is written for, as data: what a kernel may count on, and how gcc is asked to compile for
it."""

from __future__ import annotations

from dataclasses import dataclass

from tinytracker.errors import UsageError


@dataclass(frozen=True, slots=True)
class Cpu:
    """has_dsp: ARMv7E-M's SIMD on halves of a register (SMLAD, SXTB16, SSAT, SMMULR). has_long_multiply: 32 x
    32 -> 64 bits in one instruction. has_unaligned: words may be read from any address. gcc: flags for
    arm-none-eabi-gcc, empty for whatever compiles C99."""

    name: str
    has_dsp: bool
    has_long_multiply: bool
    has_unaligned: bool
    gcc: tuple[str, ...] = ()


_CORES = (
    Cpu("portable", has_dsp=False, has_long_multiply=True, has_unaligned=False),
    Cpu("cortex-m0plus", False, False, False, ("-mcpu=cortex-m0plus", "-mthumb")),
    Cpu(
        "cortex-m4", True, True, True, ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16")
    ),
    Cpu("cortex-m7", True, True, True, ("-mcpu=cortex-m7", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv5-d16")),
    Cpu(
        "cortex-m33",
        True,
        True,
        True,
        ("-mcpu=cortex-m33", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16"),
    ),
    Cpu("cortex-m55", True, True, True, ("-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard")),
)
CPUS = {core.name: core for core in _CORES}


def find_cpu(name: str) -> Cpu:
    """A core by its name, with or without "cortex-"; raises UsageError for one that is not in the table."""
    for known in (name, f"cortex-{name}"):
        if known in CPUS:
            return CPUS[known]
    raise UsageError(f"there is no core {name!r}; expected one of {', '.join(CPUS)}")
