"""Event recordings, in whatever layout, -> dataset: events as arrays to be mapped, labels beside them,
everybody in one split.

Each recording becomes a folder of the dataset, written aside and renamed when whole, so any number of workers
may be killed at any time and a second run takes up where the first one stopped. The manifest comes last.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tinytracker.data.store import being_prepared, known_outcome, unmake, write_outcome, written_whole
from tinytracker.errors import DatasetError, RecordingError
from tinytracker.events.dataset import (
    FORMAT,
    KIND,
    MANIFEST_FILE,
    SPLITS,
    crop_of,
    write_arrays,
)
from tinytracker.events.files.layout import RecordingRead
from tinytracker.events.files.layouts import LAYOUTS, Found, find_recordings
from tinytracker.files import write_text
from tinytracker.pool import refuse_jobs, run_on_cores
from tinytracker.progress import Progress, no_progress

SHARE_HELD_OUT = 0.15
CHECKED_BYTES = 1 << 16
OUTSIDE_CROP = "labels outside of the square that networks see"
BEFORE_EVENTS = "labels from before the first event or after the last"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one recording: what was kept, what was left out by reason, or why the whole of it was.

    split: what the recording asks for, "" if nothing. source: a checksum of what it was read from, to tell it
    from another of the same name. notes: what else is to be said: damage, what had to be assumed.
    """

    name: str
    person: str = ""
    layout: str = ""
    split: str = ""
    sensor: str = ""
    width_px: int = 0
    height_px: int = 0
    events: int = 0
    labels: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    source: str = ""
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """What `prepare_events` did, over all recordings, in the order of their names. splits: by name."""

    outcomes: list[Outcome]
    splits: dict[str, str]

    @property
    def kept(self) -> list[Outcome]:
        """Recordings that are in the dataset."""
        return [outcome for outcome in self.outcomes if not outcome.refused]

    @property
    def refused(self) -> list[Outcome]:
        """Recordings that gave nothing, with the reason."""
        return [outcome for outcome in self.outcomes if outcome.refused]

    @property
    def left_out(self) -> Counter[str]:
        """Events and labels left out, by reason."""
        return sum((Counter(outcome.left_out) for outcome in self.outcomes), Counter())


def prepare_events(
    recordings: Path, dataset: Path, jobs: int = 1, progress: Progress = no_progress
) -> Summary:
    """Prepares all event recordings under a folder; the same bytes whatever the workers and interruptions.

    jobs: processes on this machine, -1 for one per core. Splits: a recording's own settings["split"] where it
    says; of the other people, 15 % (at least one, if there are three) each for test and val, chosen by their
    names. Raises RecordingError if there are no recordings, DatasetError if `dataset` was begun from other
    recordings of the same names, or if nothing usable is left, and OutputError if it cannot be written.
    """
    refuse_jobs(jobs)
    found = find_recordings(recordings)
    if not found:
        raise RecordingError(f"{recordings} holds no event recordings; expected {', '.join(LAYOUTS)} layouts")
    with being_prepared(dataset, {"kind": KIND}):
        outcomes = []
        tasks = [(one, dataset.resolve()) for one in found]
        for outcome in run_on_cores(prepare_recording, tasks, jobs, "events"):
            outcomes.append(outcome)
            progress(len(outcomes), len(tasks))
        outcomes.sort(key=lambda outcome: outcome.name)
        kept = [outcome for outcome in outcomes if not outcome.refused]
        if not kept:
            unmake(dataset)
            raise DatasetError(
                f"nothing usable in the {len(tasks)} recordings of {recordings}; the first: "
                f"{outcomes[0].refused}"
            )
        summary = Summary(outcomes, split_by_person(kept))
        _write_manifest(dataset, summary)
    return summary


def prepare_recording(found: Found, dataset: Path) -> Outcome:
    """Prepares one recording, unless it is there already; one that cannot be used gives an Outcome that says
    why.

    Raises DatasetError if what is there came from another recording of this name, OutputError if it cannot be
    written.
    """
    layout = LAYOUTS[found.layout]
    try:
        checksum = _checksum(layout.sources(found.folder))
        if known := known_outcome(Outcome, dataset / found.name, found.folder, checksum):
            return known
        return _write(layout.read(found.folder), found, dataset, checksum)
    except RecordingError as error:
        return Outcome(found.name, found.person, found.layout, refused=str(error))


def _write(read: RecordingRead, found: Found, dataset: Path, checksum: str) -> Outcome:
    recording, left_out = read.recording, Counter(read.left_out)
    split = str(recording.settings.get("split", ""))
    if split and split not in SPLITS:
        raise RecordingError(f"{found.folder}: its split is {split!r}; expected one of {', '.join(SPLITS)}")
    if not len(recording.events):
        raise RecordingError(f"{found.folder}: it has no events")
    usable = _usable_labels(read, left_out)
    if not usable:
        reasons = (
            ", ".join(f"{count} {reason}" for reason, count in sorted(left_out.items())) or "it has none"
        )
        raise RecordingError(f"{found.folder}: no usable label ({reasons})")
    outcome = Outcome(
        name=found.name,
        person=recording.person,
        layout=found.layout,
        split=split,
        sensor=recording.sensor,
        width_px=recording.events.width_px,
        height_px=recording.events.height_px,
        events=len(recording.events),
        labels=len(recording.labels),
        left_out=dict(sorted(left_out.items())),
        notes=read.notes,
        settings=recording.settings,
        source=checksum,
    )
    with written_whole(dataset / found.name) as folder:
        write_arrays(folder, recording)
        write_outcome(folder, outcome)
    return outcome


def _usable_labels(read: RecordingRead, left_out: Counter[str]) -> int:
    """How many labels have a place that a network can see, while there are events; the others stay in the
    dataset (whoever cuts windows passes over them) and are counted here."""
    labels, events, crop = read.recording.labels, read.recording.events, crop_of(read.recording)
    in_time = (labels["t_us"] >= events.t_us[0]) & (labels["t_us"] <= events.t_us[-1])
    x, y = crop.to_cells(labels["x_px"], labels["y_px"])
    is_seen = (x >= 0) & (x <= crop.size) & (y >= 0) & (y <= crop.size)
    has_place = ~(np.isnan(labels["x_px"]) | np.isnan(labels["y_px"]))
    counts = {BEFORE_EVENTS: ~in_time, OUTSIDE_CROP: in_time & has_place & ~is_seen & ~labels["closed"]}
    left_out.update({reason: int(which.sum()) for reason, which in counts.items() if which.any()})
    return int(np.count_nonzero(in_time & is_seen & ~labels["closed"]))


def split_by_person(outcomes: list[Outcome]) -> dict[str, str]:
    """Name of a recording -> its split. Raises DatasetError if recordings of one person ask for two.

    >>> people = [Outcome(name, person=name[0]) for name in ("a1", "a2", "b1", "c1", "d1")]
    >>> split_by_person(people)["a1"] == split_by_person(people)["a2"]
    True
    """
    asked: dict[str, Outcome] = {}
    for outcome in outcomes:
        if outcome.split:
            other = asked.setdefault(outcome.person, outcome)
            if other.split != outcome.split:
                raise DatasetError(
                    f"{other.name} ({other.split}) and {outcome.name} ({outcome.split}) show the same "
                    f"person, {outcome.person}; give both the same split and prepare them into a new folder"
                )
    free = {outcome.person for outcome in outcomes} - set(asked)
    by_chance = sorted(free, key=lambda person: (zlib.crc32(person.encode()), person))
    held_out = max(int(len(free) * SHARE_HELD_OUT), 1) if len(free) >= 3 else 0
    split_of = {person: outcome.split for person, outcome in asked.items()}
    for place, person in enumerate(by_chance):
        split_of[person] = "test" if place < held_out else "val" if place < 2 * held_out else "train"
    return {outcome.name: split_of[outcome.person] for outcome in outcomes}


def _checksum(sources: list[Path]) -> str:
    """Tells a recording from another of the same name without reading all of it: names, sizes, and the first
    and last bytes of what it is read from. Raises RecordingError if it cannot be read."""
    known = 0
    for path in sources:
        if not path.exists():  # what is missing is said when it is read
            continue
        try:
            with path.open("rb") as file:
                size = path.stat().st_size
                ends = file.read(CHECKED_BYTES)
                file.seek(max(0, size - CHECKED_BYTES))
                known = zlib.crc32(f"{path.name} {size}".encode() + ends + file.read(CHECKED_BYTES), known)
        except OSError as error:
            raise RecordingError(f"{path} cannot be read: {error.strerror}") from error
    return f"{known:08x}"


def _write_manifest(dataset: Path, summary: Summary) -> None:
    said = ("person", "layout", "sensor", "width_px", "height_px", "events", "labels", "notes", "settings")
    manifest = {
        "format": FORMAT,
        "kind": KIND,
        "recordings": {
            outcome.name: {
                "split": summary.splits[outcome.name],
                **{name: getattr(outcome, name) for name in said},
            }
            for outcome in summary.kept
        },
        "left_out": dict(sorted(summary.left_out.items())),
        "recordings_left_out": {outcome.name: outcome.refused for outcome in summary.refused},
    }
    write_text(dataset / MANIFEST_FILE, json.dumps(manifest, indent=1) + "\n")
