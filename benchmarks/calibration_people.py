"""Renders the people whom benchmarks/calibration.py measures: what a camera sees of them at dots, kept in a
folder.

    python benchmarks/calibration_people.py FOLDER --jobs 2

Each person looks at thirteen calibration dots (six frames each) and sixteen others (three each); later, in
other light, posture and distance, at one dot and sixteen more. A third sit at a laptop of 34 x 19.3 cm, a
third at a monitor of 60 x 34, a third hold an iPhone 6s. The boxes err as a detector's do. Two groups: the
taught (validation) teach the prior over people, and whatever else of the calibration was chosen was chosen on
them; the unseen (test) are only measured. The same number is always the same person, whatever else is
rendered. A person costs about 4 s of one core; those already in the folder are left as they are, so it
may be stopped and started again. --pursuit renders, for the unseen people in the same sitting, fifteen
seconds of following a moving dot at ten frames a second, later than it by 50 to 150 ms.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tinytracker.calibration.pursuit import PURSUIT_S, figure_of_eight
from tinytracker.devices import DEVICES, Device, sized_device
from tinytracker.files import written_aside
from tinytracker.geometry import screen_size_points
from tinytracker.pool import refuse_jobs, run_on_cores
from tinytracker.synthetic.person import Person
from tinytracker.synthetic.pose import Sway
from tinytracker.synthetic.session import Session, SyntheticFrame, added
from tinytracker.synthetic.setup import Setup
from tinytracker.synthetic.subject import Expression

GROUPS = {"unseen": 990_001, "taught": 990_002}
"""Seeds of the two groups; recordings to train on have small seeds, so no network has seen any of these
people."""

SCREENS: tuple[Device, ...] = (
    sized_device("laptop", 34.0, 19.3),
    sized_device("monitor", 60.0, 34.0),
    DEVICES["iPhone 6s"],
)
CALIBRATION, SAME_SITTING, LATER_DOT, LATER, PURSUIT = range(5)
"""What a frame belongs to: `part` in the files."""

FOLLOWING = "following"  # the group's folder
FRAMES_PER_SECOND = 10.0
FACE_PX, LARGE_FACE_PX, EYE_PX = 64, 112, 64
_TREMOR = 0.15

# Shares of the screen's width and height; the first n are a layout of n dots.
DOTS = (
    (0.5, 0.5),
    (0.08, 0.08),
    (0.92, 0.08),
    (0.92, 0.92),
    (0.08, 0.92),
    (0.5, 0.08),
    (0.92, 0.5),
    (0.5, 0.92),
    (0.08, 0.5),
    (0.29, 0.29),
    (0.71, 0.29),
    (0.71, 0.71),
    (0.29, 0.71),
)


@dataclass(frozen=True)
class Look:
    """A frame: what it belongs to, the number of its dot within that, and the frame itself."""

    part: int
    dot: int
    frame: SyntheticFrame


Looking = Callable[[Session, Device, np.random.Generator], Iterator[Look]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--people", type=int, default=60, help="in each group")
    parser.add_argument("--first", type=int, default=0, help="number of the first person rendered")
    parser.add_argument("--pursuit", action="store_true", help="the unseen people following a moving dot")
    parser.add_argument("--groups", nargs="*", choices=list(GROUPS), default=list(GROUPS))
    parser.add_argument("--jobs", type=int, default=1, help="processes; -1: one per core")
    options = parser.parse_args()
    refuse_jobs(options.jobs)
    missing = [
        (options.folder, group, number)
        for number in range(options.first, options.people)
        for group in ((FOLLOWING,) if options.pursuit else options.groups)
        if not _path(options.folder, group, number).exists()
    ]
    for said in run_on_cores(write_person, missing, options.jobs, "train"):
        print(said, flush=True)


def _path(folder: Path, group: str, number: int) -> Path:
    return folder / group / f"{number:03d}.npz"


def write_person(folder: Path, group: str, number: int) -> str:
    """Renders one person of a group into its file, whole or not at all; says who it was."""
    cv2.setNumThreads(1)
    person = (
        render_person(GROUPS["unseen"], number, _following)
        if group == FOLLOWING
        else render_person(GROUPS[group], number)
    )
    with written_aside(_path(folder, group, number)) as aside, aside.open("wb") as file:
        np.savez_compressed(file, **person)
    return f"{group} {number}: {len(person['part'])} frames"


def render_person(seed: int, number: int, looking: Looking | None = None) -> dict[str, Any]:
    """Arrays, one row a frame: part, dot, the crops, face_box_px (x, y, width, height), frame_px,
    interocular_px, f_px, target_cm (prediction space) and distance_cm (eyes to the screen's plane); and,
    once, screen, its name."""
    who, rng = np.random.default_rng([seed, number, 0]), np.random.default_rng([seed, number, 1])
    person = Person.from_seed(int(who.integers(1 << 62)))
    screen = SCREENS[number % len(SCREENS)]
    session = Session(person, rng, Setup.at(screen, rng))
    rows = [row for look in (looking or _sittings)(session, screen, rng) if (row := _row(look)) is not None]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]} | {"screen": screen.name}


class StoredCrops:
    """A person's crops, as `render_person` gives them, as `GazeModel.predict_batch` takes a dataset's."""

    def __init__(self, kept: Mapping[str, np.ndarray], face: str = "face") -> None:
        """face: "face" or "large_face"."""
        self._kept, self._face = kept, face
        sides = dict(zip("xywh", kept["face_box_px"].T, strict=True))
        self.labels = {f"face_{side}_px": values for side, values in sides.items()}
        self.labels |= {"frame_width_px": kept["frame_px"][:, 0], "frame_height_px": kept["frame_px"][:, 1]}

    def pictures(self, kind: str, indices: np.ndarray) -> np.ndarray:
        return self._kept[self._face if kind == "face" else kind][indices]


def _sittings(session: Session, screen: Device, rng: np.random.Generator) -> Iterator[Look]:
    """The person's frames in order; each is drawn when asked for, and every draw comes from the one
    generator."""
    yield from _looks(session, screen, DOTS, 6, CALIBRATION, rng)
    yield from _looks(session, screen, _anywhere(rng), 3, SAME_SITTING, rng)
    _sit_down_again(session, screen)
    yield from _looks(session, screen, DOTS[:1], 6, LATER_DOT, rng)
    yield from _looks(session, screen, _anywhere(rng), 3, LATER, rng)


def _following(session: Session, screen: Device, rng: np.random.Generator) -> Iterator[Look]:
    """Frame by frame of a figure of eight; `dot` counts the frames. The eyes are late by a lag of the
    person's own and jump by a tenth of a second's way now and then."""
    width, height = screen_size_points(screen, session.trial.orientation)
    lag_s, steps = rng.uniform(0.05, 0.15), round(PURSUIT_S * FRAMES_PER_SECOND)
    sway = Sway.draw(rng)
    for step in range(steps):
        late_s = lag_s + max(0.0, rng.normal(0.0, 0.03))
        shown, looked = (
            session.target(*np.multiply(figure_of_eight(share), (width, height)))
            for share in (step / steps, max(0.0, step - late_s * FRAMES_PER_SECOND) / steps)
        )
        frame = session.frame_at(looked, added(sway, Sway.draw(rng).scaled(_TREMOR)), _calm(rng))
        yield Look(PURSUIT, step, replace(frame, target=shown))


def _anywhere(rng: np.random.Generator) -> list[tuple[float, float]]:
    return [tuple(rng.uniform(0.05, 0.95, 2)) for _ in range(16)]


def _sit_down_again(session: Session, screen: Device) -> None:
    """Another sitting at the same screen, held the same way."""
    before = session.trial.orientation
    for _ in range(50):
        session.new_trial()
        if not screen.turns or session.trial.orientation == before:
            return


def _looks(
    session: Session, screen: Device, dots: Any, frames: int, part: int, rng: np.random.Generator
) -> Iterator[Look]:
    width, height = screen_size_points(screen, session.trial.orientation)
    for number, (across, down) in enumerate(dots):
        target = session.target(across * width, down * height)
        sway = Sway.draw(rng)
        for _ in range(frames):
            calm = _calm(rng)
            yield Look(
                part, number, session.frame_at(target, added(sway, Sway.draw(rng).scaled(_TREMOR)), calm)
            )


def _calm(rng: np.random.Generator) -> Expression:
    """The face of somebody who looks at dots."""
    face = Expression.draw(rng, 0.0)
    return replace(
        face,
        smile=0.15 + 0.1 * face.smile,
        squint=0.0,
        mouth_open_cm=0.0,
        brow_raise_cm=0.3 * face.brow_raise_cm,
        droop_cm=0.5 * face.droop_cm,
    )


def _row(look: Look) -> dict[str, Any] | None:
    row = row_of(look.frame)
    return None if row is None else {"part": look.part, "dot": look.dot, **row}


def row_of(frame: SyntheticFrame) -> dict[str, Any] | None:
    """What is kept of a frame; None where a detector would find no face."""
    boxes = frame.boxes
    if boxes is None:
        return None
    eyes_px = frame.camera.project(frame.posed.canthi_cm).mean(axis=1)
    face = boxes.face
    return {
        "face": frame.crop(face, FACE_PX),
        "left_eye": frame.crop(boxes.left_eye, EYE_PX),
        "right_eye": frame.crop(boxes.right_eye, EYE_PX),
        "large_face": frame.crop(face, LARGE_FACE_PX),
        "face_box_px": (face.x_px, face.y_px, face.width_px, face.height_px),
        "frame_px": (frame.camera.width_px, frame.camera.height_px),
        "interocular_px": float(np.hypot(*(eyes_px[0] - eyes_px[1]))),
        "f_px": frame.camera.f_px,
        "target_cm": (frame.target.x_cm, frame.target.y_cm),
        "distance_cm": -float(frame.posed.position_cm[2]),
    }


if __name__ == "__main__":
    main()
