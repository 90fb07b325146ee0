"""What the eye locator is worth: how far its corners and iris centres are off, relative to the interocular
distance."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from tinytracker.errors import DatasetError
from tinytracker.faces.eyes import CLOSED_OPENNESS
from tinytracker.inputs import EYE_OPENNESS, EYE_POINTS
from tinytracker.results import Row

CORNERS = tuple(f"{eye}_{corner}" for eye in ("left", "right") for corner in ("inner", "outer"))
# Of rendered people's eyes, as the truth has it: in a blink and below it they are shut, with lids less than a
# millimetre and a half apart, which cover the pupil. Eyes that look far down are open from 0.076 on.
SHUT_OPENNESS = 0.05
CENTRES = ("left_centre", "right_centre")


def truth_px(labels: Mapping[str, np.ndarray], names: tuple[str, ...]) -> np.ndarray:
    """The true places of landmarks, float64 (n, len(names), 2), pixels of the frame.

    Raises DatasetError if the dataset has no truth about eyes (only rendered people have).
    """
    columns = [[f"truth_{name}_{axis}_px" for axis in "xy"] for name in names]
    missing = [column for pair in columns for column in pair if column not in labels]
    if missing:
        raise DatasetError(
            f"the dataset has no column {missing[0]}: only rendered people come with the places of their "
            "eyes; make some with `tinytracker synth`"
        )
    return np.stack([np.stack([labels[x], labels[y]], axis=-1) for x, y in columns], axis=1).astype(
        np.float64
    )


def label_interocular_px(labels: Mapping[str, np.ndarray]) -> np.ndarray:
    """Distance between the midpoints of the two eyes' corners, float64 (n,), as in `faces.boxes`."""
    corners_px = truth_px(labels, CORNERS).reshape(-1, 2, 2, 2).mean(axis=2)
    return np.linalg.norm(corners_px[:, 0] - corners_px[:, 1], axis=1)


def landmarks_px(outputs: np.ndarray, labels: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The locator's outputs, (n, numbers of `inputs.OUTPUTS`), as (corners (n, 4, 2), centres (n, 2, 2)) in
    pixels of the frame.

    The network's coordinates go from -1 to 1 across the face crop, which is the labels' face box.
    """
    origin = np.stack([labels["face_x_px"], labels["face_y_px"]], axis=-1)[:, None]
    size = np.stack([labels["face_w_px"], labels["face_h_px"]], axis=-1)[:, None]
    points = origin + (outputs[:, EYE_POINTS].reshape(-1, 6, 2).astype(np.float64) + 1) / 2 * size
    return points[:, :4], points[:, 4:]


def landmark_errors(outputs: np.ndarray, labels: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Per frame, float64 (n,): mean error of the corners, of the centres and of all six, in % of the
    interocular distance, and the mean absolute error of the openness."""
    true_corners_px, true_centres_px = truth_px(labels, CORNERS), truth_px(labels, CENTRES)
    corners_px, centres_px = landmarks_px(outputs, labels)
    scale = label_interocular_px(labels)[:, None] / 100
    corners = np.linalg.norm(corners_px - true_corners_px, axis=2) / scale
    centres = np.linalg.norm(centres_px - true_centres_px, axis=2) / scale
    openness = np.stack([labels["truth_left_openness"], labels["truth_right_openness"]], axis=-1)
    return {
        "corners": corners.mean(axis=1),
        "centres": centres.mean(axis=1),
        "landmarks": np.concatenate([corners, centres], axis=1).mean(axis=1),
        "openness": np.abs(outputs[:, EYE_OPENNESS] - openness).mean(axis=1),
    }


def score_landmarks(
    model: str, target: str, data: str, split: str, outputs: np.ndarray, labels: Mapping[str, np.ndarray]
) -> list[Row]:
    """Rows for an eye locator: medians and 90th percentiles, over all frames and by device kind, and how many
    closed eyes it finds, frame by frame. Closed: shut in a blink; open: in no blink; lids on their way count
    for neither. outputs: float (n, 14); labels: the columns of those n frames."""
    errors = landmark_errors(outputs, labels)
    openness = np.stack([labels["truth_left_openness"], labels["truth_right_openness"]], axis=-1)
    shut = (openness < SHUT_OPENNESS).all(axis=1)
    blinks = np.asarray(labels.get("truth_blink", shut)).astype(bool)
    found = outputs[:, EYE_OPENNESS].mean(axis=1) < CLOSED_OPENNESS
    groups = {"all": np.ones(len(outputs), bool)}
    groups |= {
        f"device_kind={kind}": labels["device_kind"] == kind for kind in np.unique(labels["device_kind"])
    }
    rows = []
    for group, mask in groups.items():

        def add(metric: str, value: float, unit: str, group: str = group) -> None:
            rows.append(Row(model, target, data, split, group, metric, float(value), unit=unit))

        add("frames", mask.sum(), "frames")
        add("people", len(np.unique(labels["person"][mask])), "people")
        for name, values in errors.items():
            unit = "" if name == "openness" else "% of interocular"
            add(f"{name}_median", np.median(values[mask]), unit)
            add(f"{name}_p90", np.percentile(values[mask], 90), unit)
        closed, is_open = mask & blinks & shut, mask & ~blinks
        add("closed_found", found[closed].mean() * 100 if closed.any() else math.nan, "%")
        add("open_called_closed", found[is_open].mean() * 100 if is_open.any() else math.nan, "%")
    return rows
