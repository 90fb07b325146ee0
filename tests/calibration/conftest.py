"""People whose six numbers are known: what they see of dots is made from them, with noise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.gazers import look_at
from tinytracker.calibration.dots import Dot
from tinytracker.calibration.prior import Prior


@pytest.fixture(scope="session")
def prior() -> Prior:
    return Prior(
        mean=np.zeros((2, 3)),
        covariance=np.stack([np.diag([1.0, 1.0, 0.2]), np.diag([9.0, 0.2, 4.0])]),
        dot_variance=np.array([[0.2, 0.02], [0.3, 0.05]]),
        frame_variance=np.array([0.4, 0.8]),
        sitting_variance=np.array([[0.5, 0.1, 0.05], [1.5, 0.05, 0.5]]),
        people=40,
        source="made for tests",
    )


@pytest.fixture
def look() -> Callable[..., Dot]:
    return look_at
