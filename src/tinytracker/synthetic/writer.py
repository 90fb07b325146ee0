"""Writing many people as recordings in GazeCapture's layout, over several processes, resumable.

Person `index` of a seed depends on (seed, index) alone: neither on how many people or processes there are nor
on what was already there. The name of their recording's folder is the number SEED * 100,000 + INDEX, so that
several seeds may share a folder, being different people; info.json calls the person SEED-INDEX.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from tinytracker.data.recording import RecordedFrame, Split, write_recording
from tinytracker.errors import OutputError, UsageError
from tinytracker.files import locked, make_folder
from tinytracker.pool import refuse_jobs, run_on_cores, run_on_dask
from tinytracker.progress import Progress, no_progress
from tinytracker.synthetic.beginning import begin_recordings
from tinytracker.synthetic.head_kinds import HeadKind, head_kind
from tinytracker.synthetic.motion import motion_samples
from tinytracker.synthetic.person import Person
from tinytracker.synthetic.session import USUAL_BLINKS, Session, SyntheticFrame

logger = logging.getLogger(__name__)

FORMAT_VERSION = 2
MOST_PEOPLE = 100_000  # of a seed: their numbers make the folders' names
_SPLITS: tuple[Split, ...] = ("train", "val", "test", *("train",) * 7)


@dataclass(frozen=True, slots=True)
class SynthOptions:
    """What is written. seed: of everything. frames: per person. blinks: share of the frames that are caught
    somewhere in a blink."""

    seed: int
    frames: int
    heads: HeadKind = "makehuman"
    blinks: float = USUAL_BLINKS

    def __post_init__(self) -> None:
        if not 0 <= self.blinks <= 1:
            raise UsageError(f"blinks should be a share from 0 to 1, not {self.blinks:g}")
        head_kind(self.heads)
        if self.frames < 1 or self.seed < 0:
            raise UsageError(
                f"frames should be at least 1 and the seed at least 0, not {self.frames} and {self.seed}"
            )

    def as_dict(self) -> dict[str, Any]:
        """As synth-SEED.json holds them; with the usual blinks, as before there were others."""
        content = asdict(self)
        if self.blinks == USUAL_BLINKS:
            del content["blinks"]
        return content


@dataclass(frozen=True, slots=True)
class Share:
    """Which of the people are written here. shard, shards: those of one of so many machines, from 1: all
    shards together are the whole. splits: those of these splits only, of all if none is named.

    >>> [index for index in range(8) if Share(2, 3).has(index)]
    [1, 4, 7]
    """

    shard: int = 1
    shards: int = 1
    splits: tuple[Split, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.shard <= self.shards:
            raise UsageError(f"a shard is one of so many, from 1/N to N/N, not {self.shard}/{self.shards}")

    @classmethod
    def parse(cls, text: str, splits: Iterable[Split] = ()) -> Share:
        """From "2/5"; raises UsageError for anything else."""
        shard, _, shards = text.partition("/")
        if not (shard.isdecimal() and shards.isdecimal()):
            raise UsageError(f"expected a shard such as 2/5, the second of five, not {text!r}")
        return cls(int(shard), int(shards), tuple(splits))

    def has(self, index: int) -> bool:
        """Whether person `index` is written."""
        is_mine = index % self.shards == self.shard - 1
        return is_mine and (not self.splits or split_of(index) in self.splits)


WHOLE = Share()


def split_of(index: int) -> Split:
    """80 % train, 10 % val, 10 % test, by a person's number; the first three people are one of each."""
    return _SPLITS[index % len(_SPLITS)]


def name_of_recording(seed: int, index: int) -> str:
    """The folder's name: a number of at least five digits, as GazeCapture's scripts want it, another one
    for every person."""
    return f"{seed * MOST_PEOPLE + index:05d}"


def name_of_person(seed: int, index: int) -> str:
    """Who is seen, as info.json says it."""
    return f"{seed:05d}-{index:05d}"


def generator(seed: int, index: int, purpose: int) -> np.random.Generator:
    """The random numbers of one person for one purpose: 0 who they are, 1 their recording, 2 motion."""
    return np.random.default_rng([seed, index, purpose])


def session_of(options: SynthOptions, index: int, ict_path: Path | None = None) -> Session:
    """The session that the recording of person `index` shows."""
    seed = int(generator(options.seed, index, 0).integers(1 << 62))
    ict = _ict_model(ict_path) if options.heads == "ict" and ict_path is not None else None
    person = Person.from_seed(seed, options.heads, ict)
    return Session(person, generator(options.seed, index, 1), blinks=options.blinks)


def synthesise(
    root: Path,
    people: int,
    options: SynthOptions,
    jobs: int = 1,
    ict_path: Path | None = None,
    progress: Progress = no_progress,
    *,
    share: Share = WHOLE,
    dask_scheduler: str | None = None,
) -> int:
    """Writes the recordings of people 0 .. people - 1 that are not yet there; returns how many were written.

    The bytes depend on options and the person's number only. Stopped at any moment (Ctrl-C, kill -9), only
    whole recordings are left, and the same call goes on. jobs: processes; -1 is one per core. progress:
    called with frames done and frames in all. share: only some of the people; several runs with shards of
    their own may write to one folder at once. dask_scheduler: address of a Dask scheduler whose workers see
    the same folders, in place of processes here. Raises OutputError if the folder cannot be used or was begun
    with other options for this seed.
    """
    if people < 1:
        raise UsageError(f"people should be at least 1, not {people}")
    if people > MOST_PEOPLE:
        raise UsageError(
            f"people should be at most {MOST_PEOPLE:,} of a seed, not {people:,}; another --seed has others"
        )
    refuse_jobs(jobs)
    if options.heads == "ict" and ict_path is None:
        raise UsageError(
            "ICT heads need ICT-FaceKit; give its FaceXModel folder or packed ict_facekit.npz (--ict-path)"
        )
    chosen = [index for index in range(people) if share.has(index)]
    if not chosen:
        raise UsageError(f"nobody of the {people} people is in this share; ask for more people")
    make_folder(root)
    mine = f"-{share.shard}-of-{share.shards}" if share.shards > 1 else ""
    in_use = OutputError(
        f"another run is writing the same people of seed {options.seed} to {root}; wait for it, or choose "
        f"another folder"
    )
    with locked(root / f".synth-{options.seed:05d}{mine}.lock", in_use):
        _begin(root, options, share)
        try:
            return _write_missing_people(root, chosen, options, jobs, ict_path, progress, dask_scheduler)
        finally:
            _remove_partial(root, options.seed, share)


def _write_missing_people(
    root: Path,
    people: list[int],
    options: SynthOptions,
    jobs: int,
    ict_path: Path | None,
    progress: Progress,
    dask_scheduler: str | None,
) -> int:
    # Workers elsewhere have other working folders.
    root, ict_path = root.resolve(), ict_path.resolve() if ict_path is not None else None
    names = {index: root / name_of_recording(options.seed, index) for index in people}
    missing = [index for index, folder in names.items() if not folder.exists()]
    logger.info("%d of %d recordings are there already", len(people) - len(missing), len(people))
    done = len(people) - len(missing)
    progress(done * options.frames, len(people) * options.frames)
    tasks = [(names[index], index, options, ict_path) for index in missing]
    written = (
        run_on_dask(_write_missing, tasks, dask_scheduler)
        if dask_scheduler
        else run_on_cores(_write_missing, tasks, jobs, "synth")
    )
    for _ in written:
        done += 1
        progress(done * options.frames, len(people) * options.frames)
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

    person = name_of_person(options.seed, index)
    write_recording(folder, session.setup.device, split_of(index), frames(), motion(), person)


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


def _write_missing(folder: Path, index: int, options: SynthOptions, ict_path: Path | None) -> None:
    """`write_person`, unless somebody else has: workers outlive a killed command for a while, and write
    the same bytes."""
    try:
        write_person(folder, index, options, ict_path)
    except OutputError:
        if not folder.exists():
            raise


def _begin(root: Path, options: SynthOptions, share: Share) -> None:
    """Makes the folder, or checks that this seed was begun with the same options; clears what a killed run
    left."""
    begin_recordings(root, "faces", options.seed, {"format": FORMAT_VERSION, **options.as_dict()})
    _remove_partial(root, options.seed, share)


def _remove_partial(root: Path, seed: int, share: Share) -> None:
    """Clears half-written recordings of this share; others may be at work on theirs."""
    for partial in root.glob(".*.partial"):
        number = partial.name.split(".")[1]
        if number.isdecimal():
            of_seed, index = divmod(int(number), MOST_PEOPLE)
            if of_seed == seed and share.has(index):
                shutil.rmtree(partial, ignore_errors=True)
