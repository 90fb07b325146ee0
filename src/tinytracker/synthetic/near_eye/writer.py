"""Writing many people's recordings of events, over several processes, resumable.

Person `index` of a seed depends on (seed, index) and the options alone: neither on how many people or
processes there are nor on what was already there.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tinytracker.errors import OutputError, UsageError
from tinytracker.events.files.layout import Frames
from tinytracker.events.files.layouts import find_layout
from tinytracker.events.recordings import EventRecording
from tinytracker.files import locked, make_folder, write_text
from tinytracker.pool import processes_for, refuse_jobs, run_on_cores
from tinytracker.progress import Progress, no_progress
from tinytracker.synthetic.beginning import begin_recordings
from tinytracker.synthetic.near_eye.recording import Sitting, pictures, record
from tinytracker.synthetic.near_eye.sensor import sensor_kinds
from tinytracker.synthetic.near_eye.variation import ways_of

logger = logging.getLogger(__name__)

FORMAT_VERSION = 1
MOST_PEOPLE = 100_000
LONGEST_S = 600.0
HIGHEST_LABEL_HZ = 10_000.0
PARTIAL = ".partial"
OWN_LAYOUT = "tinytracker"
SENSOR_OF_LAYOUT = {OWN_LAYOUT: "", "ini-30": "dvxplorer", "3et": "dvxplorer", "eveye": "davis346"}
"""What the recordings of a layout were made with; "": anything."""
_SPLITS = ("train", "val", "test", *("train",) * 7)


@dataclass(frozen=True, slots=True)
class EyesOptions:
    """What is written. sensors: person i has the (i mod n)th. fixed, shifted: aspects that are drawn so (see
    `variation`). split: of everybody (train, val, test); "" shares people out. layout: of events.files, in
    which recordings are written. Raises UsageError for what cannot be."""

    seed: int
    seconds: float
    sensors: tuple[str, ...] = ("davis346",)
    label_hz: float = 200.0
    fixed: tuple[str, ...] = ()
    shifted: tuple[str, ...] = ()
    split: str = ""
    layout: str = OWN_LAYOUT

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise UsageError(f"the seed should be at least 0, not {self.seed}")
        if not 0.05 <= self.seconds <= LONGEST_S:
            raise UsageError(f"seconds should be from 0.05 to {LONGEST_S:.0f}, not {self.seconds}")
        if not 1 <= self.label_hz <= HIGHEST_LABEL_HZ:
            raise UsageError(
                f"labels a second should be from 1 to {HIGHEST_LABEL_HZ:.0f}, not {self.label_hz}"
            )
        if not self.sensors or set(self.sensors) - set(sensor_kinds()):
            raise UsageError(
                f"sensors should be among {', '.join(sensor_kinds())}, not "
                f"{', '.join(self.sensors) or 'none'}"
            )
        if self.split not in ("", *_SPLITS):
            raise UsageError(f"split should be train, val or test, not {self.split!r}")
        if self.layout not in SENSOR_OF_LAYOUT:
            raise UsageError(f"the layout should be {', '.join(SENSOR_OF_LAYOUT)}, not {self.layout!r}")
        needed = SENSOR_OF_LAYOUT[self.layout]
        if needed and set(self.sensors) != {needed}:
            raise UsageError(f"{self.layout} is recorded with a {needed}, not {', '.join(self.sensors)}")
        ways_of(self.fixed, self.shifted)

    def sensor_of(self, index: int) -> str:
        """The kind of sensor before person `index`."""
        return self.sensors[index % len(self.sensors)]


def split_of(index: int) -> str:
    """80 % train, 10 % val, 10 % test, by a person's number; the first three people are one of each."""
    return _SPLITS[index % len(_SPLITS)]


def name_of_person(seed: int, index: int) -> str:
    """The recording's folder, and who is seen."""
    return f"{seed:05d}-{index:05d}"


def sitting_of(options: EyesOptions, index: int) -> Sitting:
    """Person `index`, with a headset on."""
    rng = np.random.default_rng([options.seed, index, 0])
    ways = ways_of(options.fixed, options.shifted)
    return Sitting.draw(rng, options.sensor_of(index), options.seconds, ways)


def recording_of(options: EyesOptions, index: int, progress: Progress = no_progress) -> EventRecording:
    """The recording of person `index`."""
    sitting = sitting_of(options, index)
    headset = sitting.headset
    settings = {
        "split": options.split or split_of(index),
        "synthetic": True,
        "eye": "left" if sitting.person.side > 0 else "right",
        "camera_distance_cm": round(headset.distance_cm, 3),
        "camera_below_deg": round(headset.below_deg, 2),
        "camera_aside_deg": round(headset.aside_deg, 2),
        "leds": len(headset.lamps.powers),
        "sensor": sitting.sensor.as_json(),
        "fixed": list(options.fixed),
        "shifted": list(options.shifted),
    }
    name, noise = name_of_person(options.seed, index), np.random.default_rng([options.seed, index, 1])
    return record(name, sitting, noise, options.label_hz, settings, progress)


def synthesise_eyes(
    root: Path, people: int, options: EyesOptions, jobs: int = 1, progress: Progress = no_progress
) -> int:
    """Writes the recordings of people 0 .. people - 1 that are not yet there; returns how many were written.

    The bytes depend on options and the person's number only. Stopped at any moment (Ctrl-C, kill -9), only
    whole recordings are left, and the same call goes on. jobs: processes; -1 is one per core. progress:
    called with milliseconds of eye time done and in all. Raises OutputError if the folder cannot be used or
    was begun with other options for this seed.
    """
    if not 1 <= people <= MOST_PEOPLE:
        raise UsageError(f"people should be from 1 to {MOST_PEOPLE:,}, not {people:,}")
    refuse_jobs(jobs)
    make_folder(root)
    in_use = OutputError(
        f"another run is writing people of seed {options.seed} to {root}; wait for it, or choose another "
        f"folder"
    )
    with locked(root / f".synth-eyes-{options.seed:05d}.lock", in_use):
        _begin(root, options)
        return _write_missing_people(root, people, options, jobs, progress)


def _write_missing_people(
    root: Path, people: int, options: EyesOptions, jobs: int, progress: Progress
) -> int:
    missing = [index for index in range(people) if not _is_there(root, index, options)]
    logger.info("%d of %d recordings are there already", people - len(missing), people)
    each_ms = round(1e3 * options.seconds)
    done = people - len(missing)
    progress(done * each_ms, people * each_ms)

    def within(samples: int, total: int) -> None:
        progress(done * each_ms + each_ms * samples // total, people * each_ms)

    try:
        for _ in _run(jobs, [(root, index, options) for index in missing], within):
            done += 1
            progress(done * each_ms, people * each_ms)
    finally:
        _remove_partial(root, options.seed)
    find_layout(options.layout).finish(root)
    return len(missing)


def _run(jobs: int, tasks: list[tuple[Path, int, EyesOptions]], within: Progress) -> Iterator[None]:
    """Writes one recording per task, yielding after each; `within` is told of each only in this process."""
    if processes_for(jobs, len(tasks)) == 1:
        for task in tasks:
            _write_person(*task, within)
            yield
        return
    yield from run_on_cores(_write_person, tasks, jobs, "synth")


def _write_person(root: Path, index: int, options: EyesOptions, progress: Progress = no_progress) -> None:
    """Writes a recording aside, in its layout, and renames its folder; notes where it went. Somebody else may
    have written it in the meantime: workers outlive a killed command for a while, and write the same
    bytes."""
    recording = recording_of(options, index, progress)
    frames: Frames = pictures(sitting_of(options, index)) if options.layout == "eveye" else ()
    aside = Path(tempfile.mkdtemp(prefix=f".{recording.name}.", suffix=PARTIAL, dir=root))
    try:
        written = find_layout(options.layout).write(aside, recording, frames)
        place = written.relative_to(aside)
        make_folder((root / place).parent)
        if not (root / place).exists():
            written.rename(root / place)
        if options.layout != OWN_LAYOUT:
            write_text(_note_of(root, index, options), f"{place}\n")
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _is_there(root: Path, index: int, options: EyesOptions) -> bool:
    """Whether a person's recording is written; other layouts than ours name its folder as they like."""
    if options.layout == OWN_LAYOUT:
        return (root / name_of_person(options.seed, index)).exists()
    note = _note_of(root, index, options)
    return note.exists() and (root / note.read_text().strip()).is_dir()


def _note_of(root: Path, index: int, options: EyesOptions) -> Path:
    return root / f"synth-eyes-{options.seed:05d}" / f"{index:05d}.txt"


def _begin(root: Path, options: EyesOptions) -> None:
    """Notes the options in the folder, or checks that this seed was begun with the same ones; clears what a
    killed run left."""
    begin_recordings(root, "eyes", options.seed, {"format": FORMAT_VERSION, **asdict(options)})
    _remove_partial(root, options.seed)


def _remove_partial(root: Path, seed: int) -> None:
    for left in root.glob(f".{seed:05d}-*{PARTIAL}"):
        shutil.rmtree(left, ignore_errors=True)
