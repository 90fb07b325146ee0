"""Assets that tests use where a developer has them."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

import pytest

from tinytracker.synthetic.ict import IctModel, load

ICT_VARIABLE = "TINYTRACKER_ICT"
_BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data" / "ict-facekit" / "ict_facekit.npz"


def ict_path() -> Path:
    """The path in TINYTRACKER_ICT, or ICT-FaceKit in ../shared beside the checkout; skips the test without
    it."""
    path = Path(os.environ.get(ICT_VARIABLE, _BESIDE))
    if not path.exists():
        pytest.skip(f"ICT-FaceKit is not here; set {ICT_VARIABLE} to its FaceXModel folder or packed .npz")
    return path


@lru_cache
def ict_model() -> IctModel:
    """ICT-FaceKit; see `ict_path`."""
    return load(ict_path())
