"""Whose eyes are found, and what is refused: rendered people as tracking sees them in a single frame.

    python benchmarks/finding.py                        (40 test people of seed 22; a minute or two)
    python benchmarks/finding.py --locator runs/locator/mine.tflite

"Accepted": a face whose eyes make sense and stay when the crop moves. Corners' errors are in % of the
distance between the eyes. Faces in profile, upside down or lying on their side should be refused: their gaze
would be nonsense.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table
from terminal import progress_bar

from tinytracker.domain import Image
from tinytracker.faces.boxes import interocular_px
from tinytracker.faces.finder import open_finder
from tinytracker.faces.tracker import FaceTracker
from tinytracker.synthetic.pose import rotation
from tinytracker.synthetic.session import Session, SyntheticFrame
from tinytracker.synthetic.subject import Expression
from tinytracker.synthetic.writer import SynthOptions, session_of, split_of
from tinytracker.tracking.assemble import open_locator

PROFILE_DEG = (70.0, 80.0, 90.0)
FARTHEST_ASIDE_DEG = 85.0  # of a place in the plane of the camera, where the eyes of a profile look


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=40)
    parser.add_argument("--seed", type=int, default=22)
    parser.add_argument("--locator", type=Path, default=None, help="the released one by default")
    arguments = parser.parse_args()
    tracker = FaceTracker(open_finder(), open_locator(arguments.locator))
    errors: dict[str, list[float]] = defaultdict(list)  # NaN: refused

    def look(case: str, image: Image, corners_px: np.ndarray | None = None) -> None:
        tracker.reset()
        face = tracker.update(image).face
        error = np.nan
        if face is not None and face.landmarks is not None:
            truth_px = face.landmarks.corners_px if corners_px is None else corners_px
            off_px = np.linalg.norm(face.landmarks.corners_px - truth_px, axis=-1).mean()
            error = 100 * off_px / interocular_px(truth_px)
        errors[case].append(float(error))

    test = [index for index in range(10 * arguments.people + 10) if split_of(index) == "test"]
    with progress_bar("Looking") as progress:
        for number, index in enumerate(test[: arguments.people]):
            session = session_of(SynthOptions(arguments.seed, 1), index)
            frame = session.frame()
            image, corners_px = frame.image(), corners_of(frame)
            look("as they sit", image, corners_px)
            for case, cut, moved_px in cuts(image, corners_px):
                look(case, cut, moved_px)
            look("upside down", np.ascontiguousarray(image[::-1, ::-1]))
            look("on their side", cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE))
            for degrees in PROFILE_DEG:
                look(f"in profile, {degrees:.0f} deg", in_profile(session, frame, degrees).image())
            progress(number + 1, arguments.people)
    table = Table(
        "face",
        "frames",
        "accepted %",
        "corners off, median %",
        "90th percentile",
        title="faces of rendered people (measured)",
    )
    for case, values in errors.items():
        accepted = np.array(values)[np.isfinite(values)]
        off = [f"{np.percentile(accepted, share):.1f}" if len(accepted) else "" for share in (50, 90)]
        if case not in ("as they sit",) and not case.startswith("cut"):
            off = ["", ""]
        table.add_row(case, str(len(values)), f"{100 * len(accepted) / len(values):.0f}", *off)
    Console().print(table)


def corners_of(frame: SyntheticFrame) -> np.ndarray:
    """The true corners, (2, 2, 2) as in `domain.EyeLandmarks`."""
    truth = frame.truth
    return np.array(
        [
            [[truth[f"{eye}_{corner}_{axis}_px"] for axis in "xy"] for corner in ("inner", "outer")]
            for eye in ("left", "right")
        ]
    )


def cuts(image: Image, corners_px: np.ndarray) -> list[tuple[str, Image, np.ndarray]]:
    """The picture cut so that some of the face lies outside, and where the corners are then."""
    apart = interocular_px(corners_px)
    left, top = corners_px.reshape(-1, 2).min(axis=0)
    right, bottom = corners_px.reshape(-1, 2).max(axis=0)
    height, width = image.shape[:2]
    chin, brow = min(height, int(bottom + 0.7 * apart)), max(0, int(top - 0.3 * apart))
    temple, other = max(0, int(left - 0.25 * apart)), min(width, int(right + 0.25 * apart))
    return [
        ("cut below the nose", image[:chin], corners_px),
        ("cut above the brows", image[brow:], corners_px - [0, brow]),
        ("cut beside the right eye", image[:, temple:], corners_px - [temple, 0]),
        ("cut beside the left eye", image[:, :other], corners_px),
    ]


def in_profile(session: Session, frame: SyntheticFrame, degrees: float) -> SyntheticFrame:
    """The same person, turned aside, eyes straight ahead in their head."""
    x_cm, y_cm, z_cm = frame.posed.position_cm
    aside_cm = -z_cm * np.tan(np.radians(min(degrees, FARTHEST_ASIDE_DEG)))
    posed = session.person.pose(
        frame.posed.position_cm,
        rotation(float(np.radians(degrees)), 0.0, 0.0),
        (-float(x_cm + aside_cm), float(y_cm)),
        Expression(),
        np.random.default_rng(0),
    )
    return replace(frame, posed=posed, boxes=None)


if __name__ == "__main__":
    main()
