"""numba's `njit`, with its disk cache kept honest.

numba keeps compiled kernels beside their source and compiles again when that one file changes, but not when a kernel it
calls, in another file, does. So the kernels' sources are hashed here, once per process, and all that was compiled from other
sources is thrown away.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

from tinytracker.errors import MissingExtraError

try:
    from numba import njit
except ImportError as error:  # pragma: no cover - exercised by an environment without the extra
    raise MissingExtraError("numba", "synth") from error

__all__ = ["njit"]


def drop_stale_kernels(folder: Path) -> bool:
    """Removes the index of every kernel compiled in `folder` if a source there has changed since; says whether it did.

    Processes that do so at the same time only compile once too often. A folder that cannot be written is left alone:
    there numba keeps its cache elsewhere.
    """
    sources = sorted(path for path in folder.glob("*.py") if "njit" in path.read_text())
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    stamp = folder / "__pycache__" / "kernels.sha256"
    if stamp.exists() and stamp.read_text() == digest:
        return False
    with contextlib.suppress(OSError):
        for index in stamp.parent.glob("*.nbi"):
            index.unlink(missing_ok=True)
        stamp.parent.mkdir(exist_ok=True)
        stamp.write_text(digest)
        return True
    return False


drop_stale_kernels(Path(__file__).parent)
