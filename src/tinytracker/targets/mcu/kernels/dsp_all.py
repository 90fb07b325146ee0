"""The kernels for ARMv7E-M."""

from __future__ import annotations

from tinytracker.targets.mcu.kernels import Kernel
from tinytracker.targets.mcu.kernels.dsp_block import Block
from tinytracker.targets.mcu.kernels.dsp_point import Point
from tinytracker.targets.mcu.kernels.dsp_stem import Stem

KERNELS: tuple[Kernel, ...] = (Stem(), Block(), Point())
