"""How gaze networks do on twenty real people, whom nothing here has learnt from: from left to right alone.

    python benchmarks/real_people.py eyeGaze/.git tinytracker-eyes tinytracker tinytracker-s

wants a clone of the public repository jatinbhikadiya/eyeGaze (GitHub). Its history holds sittings before a
laptop: some four frames of 1280 x 720 px at each of nine places from left to right, at what height is not
told. It bears no licence: its pictures are looked at and measured here, none is kept or trained on.
Those who sat for at least 34 frames count, one sitting each.

Per network, means over people of: the error across without calibration, correlation and gain, and the error
after 5 and 13 frames of different places, mended by an affine that is shrunk towards no change; and how much
people's biases differ. The screen is taken to be 33.1 cm wide with the camera above its middle: errors and
gains hang on that, correlations do not. Brackets hold the 95 % interval over people. The last columns are
differences from the first network named, person by person.
"""

from __future__ import annotations

import argparse
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from documents import markdown
from terminal import progress_bar

import tinytracker as tt
from tinytracker.errors import InputError, TinytrackerError
from tinytracker.evaluation.intervals import mean_over_frames
from tinytracker.faces.eyes import eyes_closed

FEWEST_FRAMES = 34
SCREEN_WIDTH_CM, PLACES = 33.1, 9
SHRINKAGE_CM2 = 300.0  # of the ridge on what the network leaves, as ../shared/tools/real_check.py has it
DRAWS, CALIBRATED_WITH = 20, (5, 13)
PICTURE = re.compile(r"users/([^/]+)/block_(\d)/[^/]*\.jpg")


@dataclass(frozen=True, slots=True)
class Sitting:
    """One person's frames in which eyes were open. gaze_cm: of each network, float (n, 2). truth_cm: float
    (n,), where the person looked, right of the camera."""

    gaze_cm: dict[str, np.ndarray]
    truth_cm: np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("git_dir", type=Path, help="the git directory of that repository")
    parser.add_argument("models", nargs="*", default=["tinytracker-eyes"])
    arguments = parser.parse_args()

    networks = {name: tt.GazeModel.load(name) for name in arguments.models}
    pictures = pictures_of(arguments.git_dir)
    people = sorted({person for person, _, _ in pictures})
    sittings = []
    with progress_bar("Looking at people") as progress:
        for done, person in enumerate(people, start=1):
            own = [(place, blob) for name, place, blob in pictures if name == person]
            sittings.append(looked_at(arguments.git_dir, own, networks))
            progress(done, len(people))
    frames = sum(len(sitting.truth_cm) for sitting in sittings)
    mean_cm = np.mean([np.abs(sitting.truth_cm - sitting.truth_cm.mean()).mean() for sitting in sittings])
    print(f"{len(sittings)} real people, {frames} frames, x only (measured)")
    print(f"always the mean: {mean_cm:.2f} cm\n")
    print(table_of(arguments.models, sittings), end="")


def pictures_of(git_dir: Path) -> list[tuple[str, int, str]]:
    """Person, place and blob of every picture in the history, of people with enough of them. Raises
    InputError if there are none."""
    added = subprocess.run(
        ["git", f"--git-dir={git_dir}", "-c", "core.quotepath=off", "log", "--all", "--raw", "--no-renames"]
        + ["--no-abbrev", "--diff-filter=A", "--pretty=format:", "-m"],
        capture_output=True,
        text=True,
    )
    blobs: dict[str, str] = {}
    for line in added.stdout.splitlines():
        head, _, path = line.partition("\t")
        if PICTURE.fullmatch(path):
            blobs[path] = head.split()[3]
    parts = [(*path.split("/")[1:3], blob) for path, blob in sorted(blobs.items())]
    frames = Counter(person for person, _, _ in parts)
    found = [
        (person, int(block.removeprefix("block_")), blob)
        for person, block, blob in parts
        if frames[person] >= FEWEST_FRAMES
    ]
    if not found:
        told = f" (git: {added.stderr.strip()})" if added.stderr else ""
        raise InputError(
            f"{git_dir} holds no such sittings; expected the git directory of jatinbhikadiya/eyeGaze with "
            f"all of its history{told}"
        )
    return found


def looked_at(git_dir: Path, pictures: list[tuple[int, str]], networks: dict[str, tt.GazeModel]) -> Sitting:
    """What the networks say of one person's pictures, given as places and blobs."""
    tracker = tt.FaceTracker(tt.open_finder(), tt.open_locator())
    gaze_cm: dict[str, list[tuple[float, float]]] = {name: [] for name in networks}
    truth_cm = []
    for place, frame in opened(git_dir, pictures):
        face = tracker.update(frame).face
        if face is None or eyes_closed(face.landmarks):
            continue
        truth_cm.append((place - (PLACES + 1) / 2) * SCREEN_WIDTH_CM / PLACES)
        for name, network in networks.items():
            point = network.predict(frame, face)
            gaze_cm[name].append((point.x_cm, point.y_cm))
    return Sitting({name: np.array(points) for name, points in gaze_cm.items()}, np.array(truth_cm))


def opened(git_dir: Path, pictures: list[tuple[int, str]]) -> Iterator[tuple[int, np.ndarray]]:
    """The frames, uint8 RGB, with their places."""
    for place, blob in pictures:
        packed = subprocess.run(
            ["git", f"--git-dir={git_dir}", "cat-file", "blob", blob], capture_output=True, check=True
        ).stdout
        picture = cv2.imdecode(np.frombuffer(packed, np.uint8), cv2.IMREAD_COLOR)
        if picture is not None:
            yield place, cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def table_of(names: list[str], sittings: list[Sitting]) -> str:
    """A row for each network, as Markdown."""
    few = [f"{frames} frames" for frames in CALIBRATED_WITH]
    columns = ["zero-shot", "sd of biases", "correlation", "gain", *few]
    against = [f"{column}, paired" for column in ("zero-shot", *few)] if len(names) > 1 else []
    errors_cm = {name: np.array([errors_of(sitting, name) for sitting in sittings]) for name in names}
    rows = []
    for name in names:
        across = [sitting.gaze_cm[name][:, 0] for sitting in sittings]
        truths = [sitting.truth_cm for sitting in sittings]
        bias = np.std([(x - truth).mean() for x, truth in zip(across, truths, strict=True)], ddof=1)
        correlation = np.mean([np.corrcoef(x, truth)[0, 1] for x, truth in zip(across, truths, strict=True)])
        gain = np.mean([np.polyfit(truth, x, 1)[0] for x, truth in zip(across, truths, strict=True)])
        zero_shot, *calibrated = (in_words(errors) for errors in errors_cm[name].T)
        cells = [Path(name).stem, zero_shot, f"{bias:.1f}", f"{correlation:.2f}", f"{gain:.2f}", *calibrated]
        if against:
            better = errors_cm[name] - errors_cm[names[0]]
            cells += [in_words(one, "+.2f") if better.any() else "" for one in better.T]
        rows.append(cells)
    return markdown(("network", *(f"{column} >" for column in columns + against)), rows)


def in_words(values: np.ndarray, form: str = ".2f") -> str:
    """The mean over people and its interval."""
    found = mean_over_frames(values, np.arange(len(values)))
    return f"{found.value:{form}} [{found.low:{form}}, {found.high:{form}}]"


def errors_of(sitting: Sitting, name: str) -> list[float]:
    """One person's mean errors across, cm: without calibration, and after each number of frames."""
    gaze_cm, truth_cm = sitting.gaze_cm[name], sitting.truth_cm
    errors = [float(np.abs(gaze_cm[:, 0] - truth_cm).mean())]
    for frames in CALIBRATED_WITH:
        rng = np.random.default_rng(0)
        drawn = (calibrated_error(gaze_cm, truth_cm, frames, rng) for _ in range(DRAWS))
        errors.append(float(np.mean(list(drawn))))
    return errors


def calibrated_error(
    gaze_cm: np.ndarray, truth_cm: np.ndarray, frames: int, rng: np.random.Generator
) -> float:
    """The error across of the other frames after calibrating with some: of places not yet drawn first."""
    order = rng.permutation(len(truth_cm))
    turns: Counter[float] = Counter()
    turn = []
    for place in truth_cm[order]:
        turn.append(turns[place])
        turns[place] += 1
    order = order[np.argsort(turn, kind="stable")]
    taught, rest = order[:frames], order[frames:]
    missed = truth_cm - gaze_cm[:, 0]
    centre = gaze_cm[taught].mean(axis=0)
    seen = gaze_cm[taught] - centre
    slope = np.linalg.solve(
        seen.T @ seen + SHRINKAGE_CM2 * np.eye(2), seen.T @ (missed[taught] - missed[taught].mean())
    )
    mended = missed[taught].mean() + (gaze_cm[rest] - centre) @ slope
    return float(np.abs(missed[rest] - mended).mean())


if __name__ == "__main__":
    try:
        main()
    except TinytrackerError as error:
        raise SystemExit(f"error: {error}") from None
