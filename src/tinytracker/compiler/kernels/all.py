"""Every kernel there is, for the schedule to ask."""

from __future__ import annotations

from tinytracker.compiler.kernels import (
    Kernel,
    dsp_block,
    dsp_conv,
    dsp_dense,
    dsp_elementwise,
    dsp_point,
    dsp_stem,
    plain_elementwise,
    plain_move,
    plain_pool,
    plain_weights,
    rows,
)

KERNELS: tuple[Kernel, ...] = (
    *dsp_stem.KERNELS,
    *dsp_block.KERNELS,
    *dsp_point.KERNELS,
    *dsp_conv.KERNELS,
    *dsp_dense.KERNELS,
    *dsp_elementwise.KERNELS,
    *rows.KERNELS,
    *plain_weights.KERNELS,
    *plain_pool.KERNELS,
    *plain_elementwise.KERNELS,
    *plain_move.KERNELS,
)
