"""The things the domain speaks of, one frozen dataclass each; no behaviour beyond small derived values.

Images are uint8 arrays of shape (height, width, 3) in RGB order; a decoder converts at the border, nothing
inside does. Boxes are in pixels of the whole frame, x to the right, y down. Gaze points are in GazeCapture's
prediction space (see `tinytracker.geometry`). "Left" and "right" eyes are the person's own: the left eye is
on the right of the image.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""A picture, (height, width, 3), RGB."""

LANDMARKS = (
    *("metopion", "sellion", "rhinion", "pronasale", "labiale_superius", "labiale_inferius", "gnathion"),
    *(
        f"{side}_{name}"
        for side in ("left", "right")
        for name in ("inner_brow", "brow", "outer_brow", "temple", "cheek", "alare", "cheilion", "gonion")
    ),
)
"""Landmarks of the face beyond the eyes, by their anthropometric names where they have one: forehead, root,
bridge and tip of the nose, lips and chin in the middle; then each side's brow, temple, cheek, nostril's wing,
corner of the mouth and jaw."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture from a source.

    image: uint8 (height_px, width_px, 3), RGB.
    index: number of the frame in its source, from 0.
    t_ns: capture time on the monotonic clock (live), or presentation time (files).
    name: where it came from, for messages and logs.
    damage: why nothing is to be read from the picture, as "kind: details" ("damaged frame: ..."); "" if all
        is well. The image may then be empty, (0, 0, 3).

    >>> Frame(np.zeros((480, 640, 3), np.uint8), index=0, t_ns=0).width_px
    640
    """

    image: Image
    index: int
    t_ns: int
    name: str = ""
    damage: str = ""

    @property
    def width_px(self) -> int:
        return int(self.image.shape[1])

    @property
    def height_px(self) -> int:
        return int(self.image.shape[0])


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-parallel rectangle in pixels of the whole frame; may reach outside it.

    >>> Box(10, 20, 100, 50).centre_px
    (60.0, 45.0)
    """

    x_px: float
    y_px: float
    width_px: float
    height_px: float

    @property
    def centre_px(self) -> tuple[float, float]:
        return self.x_px + self.width_px / 2, self.y_px + self.height_px / 2


@dataclass(frozen=True, slots=True)
class EyeLandmarks:
    """What the eye locator finds in a face, in pixels of the whole frame.

    corners_px: float (2, 2, 2), by left and right eye, inner and outer canthus, x and y.
    centres_px: float (2, 2), by left and right eye, x and y: the projected centre of the iris.
    openness: float (2,): height of the opening over its width for [left, right]; about 0.15 to 0.35 open,
        below 0.08 closed.
    """

    corners_px: np.ndarray
    centres_px: np.ndarray
    openness: np.ndarray


@dataclass(frozen=True, slots=True)
class Face:
    """A face in a frame: its box, the two eye boxes (None until located), how it was found and how sure that
    is.

    >>> Face(Box(100, 80, 200, 200)).left_eye is None
    True
    """

    box: Box
    left_eye: Box | None = None
    right_eye: Box | None = None
    landmarks: EyeLandmarks | None = None
    score: float = 1.0
    found_by: str = "detector"


@dataclass(frozen=True, slots=True)
class GazePoint:
    """Where a person looks, in cm from the camera in GazeCapture's prediction space (x right, y up, as they
    see it).

    >>> GazePoint(x_cm=-3.5, y_cm=-8.0)  # left of the camera and below it
    GazePoint(x_cm=-3.5, y_cm=-8.0)
    """

    x_cm: float
    y_cm: float


@dataclass(frozen=True, slots=True)
class GazeSample:
    """One row of a gaze log: a frame and what was made of it.

    gaze is None where there is no valid gaze; `reason` then says why ("no face", "eyes closed", ...). x_deg
    and y_deg are the visual angle at the eyes between the camera and the gaze point, right and up positive.
    faces: how many faces were in the frame when the whole of it was last searched. lag_ms: where a board's
    gaze was made from an older frame, by how much; None where it was made from this one. raw_x_deg,
    raw_y_deg: x_deg and y_deg as the network gave them, before calibration and filter.

    >>> sample = GazeSample(0, 0, face=None, gaze=None, reason="no face")
    >>> sample.is_valid, sample.reason
    (False, 'no face')
    """

    frame_index: int
    t_ns: int
    face: Face | None
    gaze: GazePoint | None
    distance_cm: float | None = None
    screen_px: tuple[float, float] | None = None
    x_deg: float | None = None
    y_deg: float | None = None
    reason: str = ""
    calibration_id: str = ""
    faces: int = 0
    lag_ms: float | None = None
    raw_x_deg: float | None = None
    raw_y_deg: float | None = None

    @property
    def is_valid(self) -> bool:
        return self.gaze is not None
