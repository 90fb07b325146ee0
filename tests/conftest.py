from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

os.environ["TINYTRACKER_VERIFY"] = (
    "1"  # the compiler looks its graph through after every pass, here and in what tests start
)


@pytest.fixture(scope="session")
def portrait() -> np.ndarray:
    """A real face: the portrait of Eileen Collins by NASA (public domain) that scikit-image's wheel brings
    along."""
    data = pytest.importorskip(
        "skimage.data", reason="scikit-image, which brings the portrait, is not installed"
    )
    return data.astronaut()


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 64 kB, soon full; it takes root to mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"cannot mount a small file system: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
