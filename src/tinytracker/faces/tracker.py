"""Following one face from frame to frame, so that the detector, which costs more than all networks, rarely
runs.

With an eye locator the face is where the eyes were found: each frame is cropped at the last box and the
corners found there set the next one. Without, the detector looks near the last box, for faces of about the
last size, in a much reduced picture. The whole frame is searched when there is no face yet, when the one
followed no longer looks like itself or its eyes make no sense, and every `refresh_frames` frames in any case:
that counts the faces and keeps the locator, which finds eyes wherever it is told to look, from following a
wall.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import cv2
import numpy as np

from tinytracker.domain import Box, Face, Image
from tinytracker.faces.boxes import (
    eye_boxes_from_corners,
    eye_middles_px,
    face_box_from_corners,
    interocular_px,
)
from tinytracker.faces.crops import crop
from tinytracker.faces.eyes import Locator, corners_from_eyes, implausibility, roll_deg, unsteadiness
from tinytracker.faces.finder import Detection, FaceFinder
from tinytracker.faces.lids import Lids

StageTimer = Callable[
    [str], AbstractContextManager[None]
]  # times what happens in its block, see tracking.timing


NO_FACE = "no face"
NO_EYES = "no eyes in the face: it is rolled too far or upside down, or no face"


def _untimed(stage: str) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass(frozen=True, slots=True)
class TrackerSettings:
    """refresh_frames: the whole frame is searched at least so often. patience: how many such searches in a
    row may find nothing while the eyes are still found (detectors miss faces turned aside and eyes looking
    down). alike: least correlation of the face with its look when last confirmed. near_margin, near_ratio:
    without a locator, how far around the last box is searched (share of its width) and how much its size may
    change. still: motion of the corners, as a share of the interocular distance, that the box follows at
    once; below it is smoothed. unsteady: more than this of `faces.eyes.unsteadiness` is no face that can be
    read; it is asked in every whole search, and every `probe_frames` frames for heads rolled by more than
    `probe_roll_deg`.
    """

    refresh_frames: int = 30
    patience: int = 3
    alike: float = 0.6
    near_margin: float = 0.35
    near_ratio: float = 1.25
    still: float = 0.05
    unsteady: float = 0.2
    probe_frames: int = 5
    probe_roll_deg: float = 18.0


@dataclass(frozen=True, slots=True)
class Tracked:
    """face: the one followed, None if there is none; then `reason` says why. faces: seen in the last whole
    search. eyes_shut: both eyes are shut, as `faces.lids.Lids` tells by what is usual for this person."""

    face: Face | None
    faces: int
    reason: str = ""
    eyes_shut: bool = False


class FaceTracker:
    """Follows the face nearest to the last one, or the largest when there was none.

    >>> import numpy as np
    >>> from tinytracker.faces.finder import open_finder
    >>> nobody = np.zeros((240, 320, 3), np.uint8)
    >>> FaceTracker(open_finder()).update(nobody).reason
    'no face'
    """

    def __init__(
        self, finder: FaceFinder, locator: Locator | None = None, settings: TrackerSettings | None = None
    ) -> None:
        self.finder = finder
        self.locator = locator
        self.settings = settings or TrackerSettings()
        self._lids = Lids()
        self.reset()

    def reset(self) -> None:
        """Forgets the face: the next frame is searched whole."""
        self._face: Face | None = None
        self._detected: Box | None = None  # the detector's own box, for looking near it
        self._corners_px: np.ndarray | None = None  # smoothed
        self._look: np.ndarray | None = None
        self._frames_since_search = 0
        self._missed_searches = 0
        self._faces = 0
        self._lids.reset()

    def update(self, image: Image, stage: StageTimer = _untimed) -> Tracked:
        """The face in the next frame, uint8 (height_px, width_px, 3) RGB. `stage` times "face" and "eyes"."""
        self._frames_since_search += 1
        if self._face is not None and self._frames_since_search < self.settings.refresh_frames:
            followed = self._follow(image, stage)
            if followed is not None:
                return self._keep(followed)
        return self._search(image, stage)

    def _follow(self, image: Image, stage: StageTimer) -> Face | None:
        """The last face in this frame, without searching the whole frame; None if it is not there."""
        assert self._face is not None
        if self.locator is None:
            return self._look_near(image, stage)
        with stage("face"):
            alike = self._looks_alike(image, self._face.box)
        if not alike:
            return None
        face = self._locate(image, self._face.box, stage)
        if (
            face is None
            or face.landmarks is None
            or abs(roll_deg(face.landmarks)) <= self.settings.probe_roll_deg
        ):
            return face
        is_due = self._frames_since_search % self.settings.probe_frames == 0
        return None if is_due and self._is_unsteady(image, face, stage) else face

    def _look_near(self, image: Image, stage: StageTimer) -> Face | None:
        assert self._detected is not None
        last, ratio = self._detected, self.settings.near_ratio
        region = _grown(last, self.settings.near_margin)
        with stage("face"):
            found = self.finder.find(image, region, (last.width_px / ratio, last.width_px * ratio))
        nearest = _nearest(found, last)
        return None if nearest is None else self._face_of(nearest)

    def _search(self, image: Image, stage: StageTimer) -> Tracked:
        """Searches the whole frame and settles on a face."""
        with stage("face"):
            found = self.finder.find(image)
        self._faces, self._frames_since_search = len(found), 0
        last = self._face
        if last is not None and self.locator is not None:
            still_there = self._confirm(image, found, last, stage)
            if still_there is not None:
                return self._keep(still_there)
        candidates = (
            found
            if self._detected is None
            else sorted(found, key=lambda face: _distance(face.box, self._detected))
        )
        for candidate in candidates:
            face = self._face_of(candidate)
            if self.locator is not None:
                located = self._locate(image, face.box, stage, passes=2, steady=False)
                if located is None or self._is_unsteady(image, located, stage):
                    continue
                face = replace(located, score=candidate.score, found_by="detector")
            self._look = _look(image, face.box)
            self._missed_searches = 0
            return self._keep(face)
        self._forget()
        return Tracked(None, self._faces, NO_EYES if found else NO_FACE)

    def _confirm(self, image: Image, found: list[Detection], last: Face, stage: StageTimer) -> Face | None:
        """The face followed so far, if the whole search found it again, or missed it but its eyes are
        still there."""
        middle = eye_middles_px(corners_of(last)).mean(axis=0)
        confirming = next((face for face in found if _is_same(face, middle, last.box)), None)
        if confirming is None and (
            self._missed_searches >= self.settings.patience or not self._looks_alike(image, last.box)
        ):
            return None
        face = self._locate(image, last.box, stage)
        if face is None or self._is_unsteady(image, face, stage):
            return None
        if confirming is None:
            self._missed_searches += 1
        else:
            self._missed_searches = 0
            self._detected = confirming.box
            self._look = _look(image, face.box)
        return face

    def _locate(
        self, image: Image, box: Box, stage: StageTimer, passes: int = 1, steady: bool = True
    ) -> Face | None:
        """The face whose eyes the locator finds in `box`; None if what it finds makes no sense.

        A box that turns out to lie badly is cropped once more, better placed: the locator is surest near the
        middle.
        """
        assert self.locator is not None
        with stage("eyes"):
            for _ in range(3):
                landmarks = self.locator.locate(image, box)
                if implausibility(landmarks, box):
                    return None
                better = face_box_from_corners(landmarks.corners_px)
                passes -= 1
                if passes <= 0 and _offset(box, better) < 0.12:
                    break
                box = better
            corners_px = self._steadied(landmarks.corners_px) if steady else landmarks.corners_px
            self._corners_px = corners_px
            left, right = eye_boxes_from_corners(corners_px)
            return Face(face_box_from_corners(corners_px), left, right, landmarks, found_by="tracker")

    def _is_unsteady(self, image: Image, face: Face, stage: StageTimer) -> bool:
        """Whether the eyes located in a face move along when only the crop moves: then there is no face,
        or none upright."""
        assert self.locator is not None
        assert face.landmarks is not None
        with stage("eyes"):
            return unsteadiness(self.locator, image, face.landmarks, face.box) > self.settings.unsteady

    def _steadied(self, corners_px: np.ndarray) -> np.ndarray:
        """Corners with the locator's tremor smoothed away: the less they move, the more they are held."""
        if self._corners_px is None:
            return corners_px
        moved = float(np.linalg.norm(corners_px - self._corners_px, axis=-1).mean()) / interocular_px(
            corners_px
        )
        gain = min(1.0, max(0.35, moved / self.settings.still))
        return np.asarray(self._corners_px + gain * (corners_px - self._corners_px))

    def _face_of(self, detection: Detection) -> Face:
        """A face from a detection alone: boxes by the detector's usual proportions."""
        self._detected = detection.box
        corners_px = corners_from_eyes(detection.eyes_px)
        left, right = eye_boxes_from_corners(corners_px)
        return Face(face_box_from_corners(corners_px), left, right, score=detection.score)

    def _looks_alike(self, image: Image, box: Box) -> bool:
        return self._look is not None and float(np.vdot(self._look, _look(image, box))) >= self.settings.alike

    def _keep(self, face: Face) -> Tracked:
        self._face = face
        shut = face.landmarks is not None and self._lids.are_shut(face.landmarks)
        return Tracked(face, self._faces, eyes_shut=shut)

    def _forget(self) -> None:
        self._face = self._detected = self._corners_px = self._look = None
        self._missed_searches = 0
        self._lids.reset()


def corners_of(face: Face) -> np.ndarray:
    """A face's eye corners, (2, 2, 2) as in `domain.EyeLandmarks`: located, or by proportion from its eye
    boxes."""
    if face.landmarks is not None:
        return face.landmarks.corners_px
    assert face.left_eye is not None
    assert face.right_eye is not None
    return corners_from_eyes(np.array([face.left_eye.centre_px, face.right_eye.centre_px]))


def _look(image: Image, box: Box, side_px: int = 20) -> np.ndarray:
    """A tiny grey picture of a face with mean 0 and length 1: the product of two is their correlation."""
    grey = cv2.cvtColor(crop(image, box, side_px, side_px), cv2.COLOR_RGB2GRAY).astype(np.float32)
    grey -= grey.mean()
    return grey / max(float(np.linalg.norm(grey)), 1e-6)


def _is_same(detection: Detection, eyes_middle_px: np.ndarray, last: Box) -> bool:
    """Whether a detection is the face whose eyes' middle is given: nearer than a quarter of its box."""
    middle = detection.eyes_px.mean(axis=0)
    return bool(np.hypot(*(middle - eyes_middle_px)) < 0.25 * last.width_px)


def _nearest(found: list[Detection], last: Box) -> Detection | None:
    return min(found, key=lambda face: _distance(face.box, last), default=None)


def _distance(box: Box, other: Box | None) -> float:
    if other is None:
        return 0.0
    (x, y), (other_x, other_y) = box.centre_px, other.centre_px
    return float(np.hypot(x - other_x, y - other_y))


def _offset(box: Box, better: Box) -> float:
    """How badly `box` lies where `better` should be: shift and growth, as a share of the width."""
    return _distance(box, better) / better.width_px + abs(box.width_px / better.width_px - 1)


def _grown(box: Box, share: float) -> Box:
    x_px, y_px = share * box.width_px, share * box.height_px
    return Box(box.x_px - x_px, box.y_px - y_px, box.width_px + 2 * x_px, box.height_px + 2 * y_px)
