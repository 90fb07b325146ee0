"""Small real files to read: videos encoded here, pictures, and a portrait."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tinytracker.domain import EyeLandmarks, Face, GazePoint, GazeSample
from tinytracker.faces.boxes import eye_boxes_from_corners, face_box_from_corners
from tinytracker.faces.eyes import corners_from_eyes

can_turn = pytest.mark.skipif(
    not hasattr(av.VideoStream, "set_display_rotation"), reason="this PyAV cannot write a display matrix"
)
Encoder = Callable[..., Path]


@pytest.fixture
def encode(tmp_path: Path) -> Encoder:
    """encode(images, name="clip.mp4", rate=10, codec="libx264", rotation=None): a real video file of RGB
    images."""

    def write(
        images: Sequence[np.ndarray],
        name: str = "clip.mp4",
        rate: int = 10,
        codec: str = "libx264",
        rotation: int | None = None,
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=rate)
            stream.height, stream.width = images[0].shape[:2]
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            stream.codec_context.time_base = Fraction(1, rate)
            if rotation is not None:
                stream.set_display_rotation(rotation)
            for index, image in enumerate(images):
                picture = av.VideoFrame.from_ndarray(image, format="rgb24")
                picture.pts = index
                container.mux(stream.encode(picture))
            container.mux(stream.encode(None))
        return path

    return write


def shades(count: int, height: int = 48, width: int = 64) -> list[np.ndarray]:
    """Grey pictures, the k-th of value 20 (k + 1)."""
    return [np.full((height, width, 3), 20 * (index + 1), np.uint8) for index in range(count)]


def face_at(
    x_px: float = 100.0, y_px: float = 120.0, interocular_px: float = 60.0, openness: float = 0.35
) -> Face:
    """A face whose eyes' middle is at (x, y)."""
    eyes = np.array([[x_px + interocular_px / 2, y_px], [x_px - interocular_px / 2, y_px]])
    corners = corners_from_eyes(eyes)
    left, right = eye_boxes_from_corners(corners)
    landmarks = EyeLandmarks(corners, eyes, np.array([openness, openness]))
    return Face(face_box_from_corners(corners), left, right, landmarks)


def sample(index: int = 0, valid: bool = True) -> GazeSample:
    """A sample with all fields, or one that says "no face"."""
    if not valid:
        return GazeSample(index, index * 33_000_000, None, None, reason="no face")
    return GazeSample(
        frame_index=index,
        t_ns=index * 33_000_000,
        face=face_at(),
        gaze=GazePoint(1.23456, -7.5),
        distance_cm=41.26,
        screen_px=(512.3, 20.0),
        x_deg=1.7142,
        y_deg=-10.3,
        faces=2,
        calibration_id="abc",
    )
