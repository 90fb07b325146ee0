"""Where numba keeps what it compiled, and keeping that honest.

numba keeps compiled kernels beside their source and compiles again when that one file changes, but not when a
kernel it calls, in another file, does. So a room's kernels' sources are hashed, once per process, and all
that was compiled from other sources is thrown away.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

CACHE_VARIABLE = "NUMBA_CACHE_DIR"


def digest_of_kernels(folder: Path) -> str:
    """Hexadecimal SHA-256 of the sources in and below `folder` that are compiled."""
    sources = sorted(path for path in folder.rglob("*.py") if "njit" in path.read_text())
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()


def cache_of_last_resort(folder: Path, homes: tuple[str, ...] = ("XDG_CACHE_HOME", "HOME")) -> Path | None:
    """A temporary folder for kernels compiled from `folder`, where neither beside them nor at home can be
    written.

    There numba knows no place and refuses to work. None where it finds one itself.
    """
    beside = folder / "__pycache__"
    places = [
        beside if beside.exists() else folder,
        *(Path(os.environ[name]) for name in homes if os.environ.get(name)),
    ]
    if CACHE_VARIABLE in os.environ or any(place.is_dir() and os.access(place, os.W_OK) for place in places):
        return None
    user = os.getuid() if hasattr(os, "getuid") else 0
    cache = Path(tempfile.gettempdir()) / f"tinytracker-kernels-{user}-{digest_of_kernels(folder)[:16]}"
    cache.mkdir(mode=0o700, exist_ok=True)
    if hasattr(os, "getuid") and cache.stat().st_uid != user:  # code is loaded from there: it must be ours
        cache = Path(tempfile.mkdtemp(prefix="tinytracker-kernels-"))
    return cache


def drop_stale_kernels(folder: Path) -> bool:
    """Removes the index of every kernel compiled in and below `folder` if a source there has changed since;
    says whether it did.

    Processes that do so at the same time only compile once too often. A folder that cannot be written is left
    alone: there numba keeps its cache elsewhere.
    """
    digest = digest_of_kernels(folder)
    stamp = folder / "__pycache__" / "kernels.sha256"
    if stamp.exists() and stamp.read_text() == digest:
        return False
    with contextlib.suppress(OSError):
        for index in folder.rglob("__pycache__/*.nbi"):
            index.unlink(missing_ok=True)
        stamp.parent.mkdir(exist_ok=True)
        stamp.write_text(digest)
        return True
    return False


def tend(folder: Path) -> None:
    """Before a room's kernels are imported: a place for them where there is none, and no stale ones."""
    if (cache := cache_of_last_resort(folder)) is not None:
        os.environ[CACHE_VARIABLE] = str(cache)
    drop_stale_kernels(folder)
