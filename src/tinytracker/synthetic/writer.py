"""Writing many people as recordings in GazeCapture's layout, over several processes, resumable.

Person `index` of a seed depends on (seed, index) alone: neither on how many people or processes there are nor on what was
already there. Their recording is the folder `SEED-INDEX`; several seeds may share a folder, being different people.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tinytracker.data.recording import RecordedFrame, Split, write_recording
from tinytracker.errors import MissingExtraError, OutputError, UsageError
from tinytracker.files import write_text
from tinytracker.synthetic.motion import motion_samples
from tinytracker.synthetic.person import HeadKind, Person
from tinytracker.synthetic.session import Session, SyntheticFrame

logger = logging.getLogger(__name__)

Heads = Literal["procedural", "ict", "both"]
FORMAT_VERSION = 1
_SPLITS: tuple[Split, ...] = ("train", "val", "test", *("train",) * 7)


@dataclass(frozen=True, slots=True)
class SynthOptions:
    """What is written. seed: of everything. frames: per person. heads: "both" gives each person one kind or the other."""

    seed: int
    frames: int
    heads: Heads = "procedural"

    def __post_init__(self) -> None:
        if self.heads not in ("procedural", "ict", "both"):
            raise UsageError(f"heads should be procedural, ict or both, not {self.heads!r}")
        if self.frames < 1 or self.seed < 0:
            raise UsageError(f"frames should be at least 1 and the seed at least 0, not {self.frames} and {self.seed}")


def split_of(index: int) -> Split:
    """80 % train, 10 % val, 10 % test, by a person's number; the first three people are one of each."""
    return _SPLITS[index % len(_SPLITS)]


def recording_name(seed: int, index: int) -> str:
    return f"{seed:05d}-{index:05d}"


def generator(seed: int, index: int, purpose: int) -> np.random.Generator:
    """The random numbers of one person for one purpose: 0 who they are, 1 their recording, 2 motion, 3 their kind of head."""
    return np.random.default_rng([seed, index, purpose])


def head_kind_of(options: SynthOptions, index: int) -> HeadKind:
    """The kind of head that person `index` has; where both are wanted, a coin decides."""
    if options.heads != "both":
        return options.heads
    return "ict" if generator(options.seed, index, 3).random() < 0.5 else "procedural"


def session_of(options: SynthOptions, index: int, ict_path: Path | None = None) -> Session:
    """The session that the recording of person `index` shows."""
    heads = head_kind_of(options, index)
    seed = int(generator(options.seed, index, 0).integers(1 << 62))
    person = Person.from_seed(seed, heads, _ict_model(ict_path) if heads == "ict" and ict_path is not None else None)
    return Session(person, generator(options.seed, index, 1))


def synthesise(
    root: Path,
    people: int,
    options: SynthOptions,
    jobs: int = 1,
    ict_path: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Writes the recordings of people 0 .. people - 1 that are not yet there; returns how many were written.

    The bytes depend on options and the person's number only. Stopped at any moment (Ctrl-C, kill -9), only whole
    recordings are left, and the same call goes on. jobs: processes; -1 is one per core. progress: called with frames done
    and frames in all. Raises OutputError if the folder cannot be used or was begun with other options for this seed.
    """
    if people < 1:
        raise UsageError(f"people should be at least 1, not {people}")
    if jobs < 1 and jobs != -1:
        raise UsageError(f"jobs should be at least 1, or -1 for one per core, not {jobs}")
    if options.heads != "procedural" and ict_path is None:
        raise UsageError("ICT heads need ICT-FaceKit; give its FaceXModel folder or packed ict_facekit.npz (--ict-path)")
    _begin(root, options)
    names = {index: root / recording_name(options.seed, index) for index in range(people)}
    missing = [index for index, folder in names.items() if not folder.exists()]
    logger.info("%d of %d recordings are there already", people - len(missing), people)
    done = people - len(missing)
    progress(done * options.frames, people * options.frames)
    try:
        for _ in _run(jobs, [(names[index], index, options, ict_path) for index in missing]):
            done += 1
            progress(done * options.frames, people * options.frames)
    finally:
        _remove_partial(root, options.seed)
    return len(missing)


def write_person(folder: Path, index: int, options: SynthOptions, ict_path: Path | None = None) -> None:
    """Writes the recording of one person."""
    session = session_of(options, index, ict_path)
    taken: list[tuple[int, float, int]] = []

    def frames() -> Iterator[RecordedFrame]:
        for _ in range(options.frames):
            frame = recorded(session.frame())
            taken.append((frame.dot_number, frame.time_s, frame.orientation))
            yield frame

    def motion() -> Iterator[dict[str, Any]]:
        yield from motion_samples(taken, session.setup.device.turns, generator(options.seed, index, 2))

    write_recording(folder, session.setup.device, split_of(index), frames(), motion())


def recorded(frame: SyntheticFrame) -> RecordedFrame:
    """A rendered frame as the recording keeps it."""
    boxes = frame.boxes
    return RecordedFrame(
        jpeg=frame.jpeg(),
        width_px=frame.camera.width_px,
        height_px=frame.camera.height_px,
        face=boxes.face if boxes else None,
        left_eye=boxes.left_eye if boxes else None,
        right_eye=boxes.right_eye if boxes else None,
        dot_number=frame.dot_number,
        dot_x_points=frame.target.x_points,
        dot_y_points=frame.target.y_points,
        time_s=round(frame.time_s, 3),
        orientation=frame.orientation,
        truth=frame.truth,
    )


@lru_cache(maxsize=1)
def _ict_model(path: Path) -> Any:
    """The ICT-FaceKit model, read once per process."""
    from tinytracker.synthetic import ict

    return ict.load(path)


def _run(jobs: int, tasks: list[tuple[Path, int, SynthOptions, Path | None]]) -> Iterator[None]:
    """Runs `write_person` on every task, one person per task, yielding after each."""
    if jobs == 1 or len(tasks) < 2:
        for task in tasks:
            _write_missing(*task)
            yield
        return
    try:
        from joblib import Parallel, delayed
    except ImportError as error:
        raise MissingExtraError("joblib", "synth") from error
    pool = Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1, pre_dispatch="2*n_jobs")
    yield from pool(delayed(_write_person_alone)(*task) for task in tasks)


def _write_person_alone(folder: Path, index: int, options: SynthOptions, ict_path: Path | None) -> None:
    """`_write_missing` in a process beside others: one thread each."""
    import cv2

    cv2.setNumThreads(1)
    _write_missing(folder, index, options, ict_path)


def _write_missing(folder: Path, index: int, options: SynthOptions, ict_path: Path | None) -> None:
    """`write_person`, unless somebody else has: workers outlive a killed command for a while, and write the same bytes."""
    try:
        write_person(folder, index, options, ict_path)
    except OutputError:
        if not folder.exists():
            raise


def _begin(root: Path, options: SynthOptions) -> None:
    """Makes the folder, or checks that this seed was begun with the same options; clears what a killed run left."""
    path = root / f"synth-{options.seed:05d}.json"
    content = {"format": FORMAT_VERSION, **asdict(options)}
    if path.exists():
        try:
            begun = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise OutputError(f"{path} cannot be read: {error}; choose another folder") from error
        if begun != content:
            raise OutputError(
                f"{root} was begun with {begun}, not {content}; choose another folder, another seed or the same options"
            )
    else:
        write_text(path, json.dumps(content) + "\n")
    _remove_partial(root, options.seed)


def _remove_partial(root: Path, seed: int) -> None:
    for partial in root.glob(f".{seed:05d}-*.partial"):
        shutil.rmtree(partial, ignore_errors=True)
