"""Every kernel there is, for the schedule to ask."""

from __future__ import annotations

from tinytracker.targets.mcu.kernels import Kernel, plain_elementwise, plain_move, plain_pool, plain_weights, rows

KERNELS: tuple[Kernel, ...] = (
    *rows.KERNELS,
    *plain_weights.KERNELS,
    *plain_pool.KERNELS,
    *plain_elementwise.KERNELS,
    *plain_move.KERNELS,
)
