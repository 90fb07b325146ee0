"""Has the person moved since the calibration? The drift lamp: where the head was then, and where it is
now."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from tinytracker.domain import GazeSample
from tinytracker.faces.boxes import eye_middles_px
from tinytracker.faces.tracker import corners_of
from tinytracker.tracking.pipeline import focal_length_px

MOVED_CM = 7.0
NEARER_SHARE = 0.15  # of the distance
AWAY_S = 10.0
_REMEMBERED = 45  # frames: one glance down is no move

Place = NDArray[np.float64]


def head_cm(sample: GazeSample, frame_px: tuple[int, int], fov_deg: float) -> Place | None:
    """The eyes' middle in cm from the camera (right in the image, down, away); None without a face."""
    if sample.face is None or sample.distance_cm is None:
        return None
    width_px, height_px = frame_px
    middle = eye_middles_px(corners_of(sample.face)).mean(axis=0)
    per_px = sample.distance_cm / focal_length_px(width_px, height_px, fov_deg)
    across, down = (middle - np.array([width_px, height_px]) / 2) * per_px
    return np.array([across, down, sample.distance_cm])


class HeadWatch:
    """Takes every frame; `words` says what has changed since `remember`."""

    def __init__(self) -> None:
        self._recent: deque[Place] = deque(maxlen=_REMEMBERED)
        self._then: Place | None = None
        self._seen_ns: int | None = None
        self._was_away_s = 0.0

    def saw(self, place: Place | None, t_ns: int) -> None:
        """A frame's head, None if there was no face."""
        if place is None:
            return
        if self._seen_ns is not None and (t_ns - self._seen_ns) / 1e9 >= AWAY_S:
            self._was_away_s = (t_ns - self._seen_ns) / 1e9
            self._recent.clear()
        self._seen_ns = t_ns
        self._recent.append(place)

    def remember(self) -> None:
        """The person was calibrated or re-centred just now."""
        self._then = np.median(self._recent, axis=0) if self._recent else None
        self._was_away_s = 0.0

    def forget(self) -> None:
        """There is no calibration that could be out of date."""
        self._then = None
        self._was_away_s = 0.0

    @property
    def words(self) -> str:
        """What has changed since then and makes a re-centring worth while; "" if nothing has."""
        if self._then is None or len(self._recent) < _REMEMBERED // 3:
            return ""
        if self._was_away_s:
            return f"you were away for {self._was_away_s:.0f} s"
        moved = np.median(self._recent, axis=0) - self._then
        if abs(moved[2]) > NEARER_SHARE * self._then[2]:
            return f"you sit {abs(moved[2]):.0f} cm {'farther away' if moved[2] > 0 else 'nearer'} than when calibrated"  # noqa: E501
        aside = float(np.hypot(moved[0], moved[1]))
        return f"your head moved {aside:.0f} cm since calibration" if aside > MOVED_CM else ""
