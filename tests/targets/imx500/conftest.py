from __future__ import annotations

import cv2
import numpy as np
import pytest


@pytest.fixture(scope="session")
def walk(portrait: np.ndarray) -> list[np.ndarray]:
    """40 frames, 640 x 480, in which a real face moves to the right, 3 px a frame."""
    small = cv2.resize(portrait, (400, 400), interpolation=cv2.INTER_AREA)
    frames = []
    for index in range(40):
        frame = np.full((480, 640, 3), 96, np.uint8)
        frame[40:440, 20 + 3 * index : 420 + 3 * index] = small
        frames.append(frame)
    return frames
