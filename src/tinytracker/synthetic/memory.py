"""Memory that was freed stays with the process, for the next picture.

glibc gives blocks beyond a size back to the system, and all that follow them: then every page of every
picture is a fault again, which took a fifteenth of a frame's time. That size grows with the largest block
that was freed, up to 32 MiB (malloc(3), M_MMAP_THRESHOLD); a block whose pages are never touched costs
nothing.
"""

from __future__ import annotations

import numpy as np

_LARGEST_BYTES = 31 << 20


def keep_freed() -> None:
    """From now on, in this process; does nothing where there is no glibc."""
    np.empty(_LARGEST_BYTES, np.uint8)
