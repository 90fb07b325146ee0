"""The samples of a split, in memory: crops at the network's resolution plus a margin, labels as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from tinytracker.cards import InputSpec
from tinytracker.data.dataset import Dataset
from tinytracker.domain import LANDMARKS
from tinytracker.errors import DatasetError, UsageError
from tinytracker.faces.boxes import STORED_HEIGHT_OVER_WIDTH, STORED_OVER_BAND_WIDTH, band_share_of_stored
from tinytracker.inputs import KINDS
from tinytracker.models.network import NetworkSpec

MARGIN = 1.25  # stored crop over network crop, so that a shifted or smaller box still finds real pixels
CHUNK = 512
EYES = ("left", "right")
_EYE_POINTS = [f"{eye}_{point}" for eye in EYES for point in ("inner", "outer", "centre")]
# What auxiliary heads predict, from docs/design.md's truth_* columns: column, and what one unit is.
ANGLES = (
    *((f"truth_{eye}_gaze_{axis}_deg", 20.0) for eye in EYES for axis in ("yaw", "pitch")),
    *((f"truth_head_{axis}_deg", 20.0) for axis in ("yaw", "pitch", "roll")),
)


@dataclass(frozen=True, slots=True)
class Samples:
    """n samples. Where a label is not known (no truth_* columns, as in GazeCapture) it is NaN.

    crops: by input kind, uint8 (n, height, width, 3 or 1); of an eye band, more than the band
    (`faces.boxes`).
    gaze_cm: float32 (n, 2). face_box_px: float32 (n, 4), x, y, width, height. frame_px: float32 (n, 2),
    width, height.
    band_box_px: float32 (n, 4), the eye band in the middle of what is stored of it; NaN if the network sees
    none.
    distance_cm: float32 (n,).
    angles: float32 (n, 7), the columns of ANGLES in their units.
    points: float32 (n, 2, 3, 2): [left, right eye][inner canthus, outer canthus, iris centre][x, y] in the
        face crop, or in the eye band where the network sees that; -1 at its left and top edge, 1 at its right
        and bottom edge.
    own_points: float32 (n, 2, 3, 2): the same points, each in the box of its own eye; NaN where the network
    sees no eye crops.
    landmarks: float32 (n, 23, 2), domain.LANDMARKS in the face crop, likewise; NaN where the network sees no
    face.
    openness: float32 (n, 2), left and right eye: height over width.
    """

    crops: dict[str, np.ndarray]
    gaze_cm: np.ndarray
    face_box_px: np.ndarray
    band_box_px: np.ndarray
    frame_px: np.ndarray
    distance_cm: np.ndarray
    angles: np.ndarray
    points: np.ndarray
    own_points: np.ndarray
    landmarks: np.ndarray
    openness: np.ndarray

    def __len__(self) -> int:
        return len(self.gaze_cm)


def load_samples(
    dataset: Dataset,
    split: str,
    spec: NetworkSpec,
    *,
    margin: bool,
    min_openness: float = 0.0,
    at_most: int | None = None,
) -> Samples:
    """Reads what a network with `spec` needs of a split; evenly drawn if there are more than `at_most`.

    margin: keep more pixels than the network sees, for augmentation. Raises DatasetError if the split is
    empty, or lacks eye corners and the network is the eye locator.
    """
    indices = choose(dataset, split, min_openness, at_most)
    labels = {name: column[indices] for name, column in dataset.labels.items()}
    box = _columns(labels, [f"face_{key}_px" for key in "xywh"])
    bands = [one for one in spec.inputs if one.kind == "eye_band"]
    band = _bands(dataset, labels, bands[0]) if bands else np.full_like(box, np.nan)
    sees_eyes = any(one.kind in ("left_eye", "right_eye") for one in spec.inputs)
    samples = Samples(
        crops={one.kind: _crops(dataset, indices, one, margin) for one in spec.inputs if one.height_px},
        gaze_cm=_columns(labels, ["gaze_x_cm", "gaze_y_cm"]),
        face_box_px=box,
        band_box_px=band,
        frame_px=_columns(labels, ["frame_width_px", "frame_height_px"]),
        distance_cm=_columns(labels, ["truth_distance_cm"])[:, 0],
        angles=_columns(labels, [name for name, _ in ANGLES])
        / np.array([unit for _, unit in ANGLES], np.float32),
        points=_points(labels, _EYE_POINTS, band if bands else box).reshape(-1, 2, 3, 2),
        own_points=_own_points(labels) if sees_eyes else np.full((len(box), 2, 3, 2), np.nan, np.float32),
        landmarks=_points(labels, LANDMARKS, np.full_like(box, np.nan) if bands else box),
        openness=_columns(labels, [f"truth_{eye}_openness" for eye in EYES]),
    )
    if spec.output == "eyes" and not np.isfinite(samples.points).all():
        raise DatasetError(
            f"{dataset.name} lacks eye corners (truth_* columns); the eye locator trains on rendered people"
        )
    return samples


def choose(dataset: Dataset, split: str, min_openness: float = 0.0, at_most: int | None = None) -> np.ndarray:
    """The indices that load_samples reads, in its order; arguments and errors are its own."""
    indices = dataset.split(split)
    if min_openness and "truth_left_openness" in dataset.labels:
        mean = (dataset.labels["truth_left_openness"] + dataset.labels["truth_right_openness"])[indices] / 2
        indices = indices[~(mean < min_openness)]  # NaN, not known, stays
    if at_most is not None and len(indices) > at_most:
        indices = indices[np.linspace(0, len(indices) - 1, at_most).round().astype(int)]
    if not len(indices):
        raise DatasetError(
            f"{dataset.name} has no samples to use in its {split} split; prepare more recordings"
        )
    return indices


def _crops(dataset: Dataset, indices: np.ndarray, spec: InputSpec, margin: bool) -> np.ndarray:
    """All crops of one kind, shrunk to what is needed and made grey where the network is."""
    if not KINDS[spec.kind].is_picture:
        raise UsageError(f"a network with the input {spec.kind} cannot be trained on a dataset of crops")
    stored_px = dataset.stored_px(spec.kind)
    if (
        spec.kind == "eye_band"
    ):  # stored with real pixels around: all of it stays, at no more pixels than the network's
        width = min(round(spec.width_px * STORED_OVER_BAND_WIDTH), stored_px)
        height = round(width * STORED_HEIGHT_OVER_WIDTH)
    else:
        factor = MARGIN if margin else 1.0
        height, width = (round(side * factor) for side in (spec.box_height_px, spec.width_px))
        if margin:
            height, width = min(height, stored_px), min(width, stored_px)
    out = np.empty((len(indices), height, width, 3 if spec.colour == "rgb" else 1), np.uint8)
    shrinks = height <= stored_px and width <= stored_px
    for start in range(0, len(indices), CHUNK):
        for place, image in enumerate(dataset.pictures(spec.kind, indices[start : start + CHUNK]), start):
            if spec.colour == "grey":
                image = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
            if image.shape[:2] != (height, width):
                interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
                image = cv2.resize(image, (width, height), interpolation=interpolation)
            out[place] = image.reshape(out.shape[1:])
    return out


def _bands(dataset: Dataset, labels: dict[str, np.ndarray], spec: InputSpec) -> np.ndarray:
    """The eye bands that the network sees, float32 (n, 4); raises DatasetError if the dataset holds none."""
    dataset.pictures("eye_band", np.empty(0, np.int64))
    stored = _columns(labels, [f"eye_band_{key}_px" for key in "xywh"])
    across, _ = band_share_of_stored(1.0)
    size = stored[:, 2:3] * across * np.array([1, spec.height_px / spec.width_px], np.float32)
    return np.concatenate([stored[:, :2] + (stored[:, 2:] - size) / 2, size], axis=1)


def _columns(labels: dict[str, np.ndarray], names: list[str]) -> np.ndarray:
    """Columns side by side, float32 (n, len(names)); NaN for those there are not."""
    missing = np.full(len(labels["frame"]), np.nan, np.float32)
    return np.stack([labels.get(name, missing).astype(np.float32) for name in names], axis=1)


def _points(labels: dict[str, np.ndarray], names: Sequence[str], box: np.ndarray) -> np.ndarray:
    """Points of the truth (n, len(names), 2) in boxes (n, 4), whose edges are at -1 and 1."""
    in_frame = _columns(labels, [f"truth_{name}_{axis}_px" for name in names for axis in "xy"]).reshape(
        -1, len(names), 2
    )
    return (in_frame - box[:, None, :2]) / box[:, None, 2:] * 2 - 1


def _own_points(labels: dict[str, np.ndarray]) -> np.ndarray:
    """`Samples.own_points`, of a network that sees eye crops."""
    boxes = [_columns(labels, [f"{eye}_eye_{key}_px" for key in "xywh"]) for eye in EYES]
    names = _EYE_POINTS[:3], _EYE_POINTS[3:]
    return np.stack([_points(labels, own, box) for own, box in zip(names, boxes, strict=True)], axis=1)
