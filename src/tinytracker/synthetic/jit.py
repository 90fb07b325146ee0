"""numba's `njit` for the kernels of this room, with its disk cache kept honest
(`tinytracker.kernel_cache`)."""

from __future__ import annotations

from pathlib import Path

from tinytracker.extras import need
from tinytracker.kernel_cache import tend

tend(Path(__file__).parent)
need("numba", "synth")
from numba import njit  # noqa: E402  (a clear line first, if it is not there)

__all__ = ["njit"]
