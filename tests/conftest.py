from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture(scope="session")
def portrait() -> np.ndarray:
    """A real face: the portrait of Eileen Collins by NASA (public domain) that scikit-image's wheel brings along."""
    data = pytest.importorskip("skimage.data", reason="scikit-image, which brings the portrait, is not installed")
    return data.astronaut()
