"""What predictions are worth: distances, angles, bias, correlation and jitter. Arrays in, arrays and numbers
out.

Points are float arrays (n, 2) of [x, y] in cm in GazeCapture's prediction space: camera at the origin, x
right and y up as the person sees the device. A prediction may be NaN (no valid gaze); it then counts in
nothing.
"""

from __future__ import annotations

import numpy as np

from tinytracker import geometry


def errors_cm(predicted_cm: np.ndarray, truth_cm: np.ndarray) -> np.ndarray:
    """Euclidean distance of each prediction from its truth, float64 (n,), cm: its mean is the paper's EME
    (arXiv 2307.07813, section IV)."""
    return np.linalg.norm(np.asarray(predicted_cm, np.float64) - truth_cm, axis=1)


def errors_deg(predicted_cm: np.ndarray, truth_cm: np.ndarray, distance_cm: np.ndarray) -> np.ndarray:
    """Each error as a visual angle, atan(error / distance), float64 (n,), degrees: the usual convention of
    the field.

    distance_cm: float (n,), from the camera to the face; NaN where unknown, and so is the angle.
    """
    return geometry.error_deg(errors_cm(predicted_cm, truth_cm), distance_cm)


def bias_cm(predicted_cm: np.ndarray, truth_cm: np.ndarray) -> tuple[float, float]:
    """Mean of prediction minus truth for x and y: positive is too far right, too far up."""
    x_cm, y_cm = np.nanmean(np.asarray(predicted_cm, np.float64) - truth_cm, axis=0)
    return float(x_cm), float(y_cm)


def correlation(predicted_cm: np.ndarray, truth_cm: np.ndarray) -> tuple[float, float]:
    """Pearson's correlation of prediction and truth for x and y; NaN where either does not vary."""
    known = np.isfinite(predicted_cm).all(axis=1)
    return _pearson(predicted_cm[known, 0], truth_cm[known, 0]), _pearson(
        predicted_cm[known, 1], truth_cm[known, 1]
    )


def _pearson(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean() if len(a) else a, b - b.mean() if len(b) else b
    scale = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum() / scale) if scale > 1e-12 else float("nan")


def jitter_cm(predicted_cm: np.ndarray, fixation: np.ndarray) -> np.ndarray:
    """How much predictions wander while the person looks at one dot, float64 (fixations of two frames or
    more,), cm.

    fixation: int (n,), equal for the frames in which one person looks at one dot (see `fixations`). Per
    fixation it is the standard deviation of the predictions around their own mean, sqrt(sum |p - mean|^2 / (k
    - 1)): the precision that remains if the bias there is calibrated away.
    """
    known = np.isfinite(predicted_cm).all(axis=1)
    points, index = np.asarray(predicted_cm, np.float64)[known], fixation[known]
    counts = np.bincount(index)
    means = (
        np.stack([np.bincount(index, weights=points[:, axis]) for axis in range(2)], axis=1)
        / np.maximum(counts, 1)[:, None]
    )
    squares = np.bincount(index, weights=((points - means[index]) ** 2).sum(axis=1))
    enough = counts >= 2
    return np.sqrt(squares[enough] / (counts[enough] - 1))


def fixations(recording: np.ndarray, truth_cm: np.ndarray) -> np.ndarray:
    """Numbers the dots, int (n,): frames of one recording with the same target (to 1e-4 cm) share a number.

    recording: (n,), names; truth_cm: float (n, 2).
    """
    _, names = np.unique(recording, return_inverse=True)
    keys = np.concatenate(
        [names[:, None], np.round(np.asarray(truth_cm, np.float64) * 1e4).astype(np.int64)], axis=1
    )
    _, index = np.unique(keys, axis=0, return_inverse=True)
    return index.reshape(-1)


def medians_of_people(values: np.ndarray, people: np.ndarray) -> np.ndarray:
    """Each person's median of per-frame values (n,), float64 (people,), NaN values left out."""
    known = np.isfinite(values)
    names, index = np.unique(people[known], return_inverse=True)
    return np.array([np.median(values[known][index == person]) for person in range(len(names))])
