"""A recording of one eye, and our own layout of it on disk.

NAME/recording.json   format, name, person, sensor and its size, counts, settings
NAME/events.npz       t_us, x_px, y_px, on
NAME/labels.npy       rows of `labels.LABEL`
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tinytracker.damage import damage_of
from tinytracker.data.store import written_whole
from tinytracker.errors import OutputError, RecordingError
from tinytracker.events.labels import Labels, labels_of, refuse_bad_labels
from tinytracker.events.stream import Events
from tinytracker.files import DAMAGE, make_folder, read_json

FORMAT = 1
RECORDING_FILE, EVENTS_FILE, LABELS_FILE = "recording.json", "events.npz", "labels.npy"


@dataclass(frozen=True, slots=True, eq=False)
class EventRecording:
    """One eye before an event camera.

    name: of the recording, a word without slashes, unique in its set. person: whose eye it is; recordings of
    one person never stand in two splits. sensor: what recorded it ("davis346"), or "" if nobody says.
    labels: rows of `labels.LABEL`, possibly none. settings: whatever else is known, as JSON holds it; "split"
    (train, val, test) is heeded by `prepare`.

    >>> EventRecording("a", "a", "speck", Events.none(128, 128)).labels.shape
    (0,)
    """

    name: str
    person: str
    sensor: str
    events: Events
    labels: Labels = field(default_factory=lambda: labels_of([]))
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.name or Path(self.name).name != self.name:
            raise ValueError(f"{self.name!r} is no name of a recording: it would be no folder's name")
        refuse_bad_labels(self.labels)


def write_recording(folder: Path, recording: EventRecording) -> None:
    """Writes a recording into `folder`, which must not be there yet, whole or not at all; the same recording
    gives the same bytes. Raises OutputError if it cannot."""
    if folder.exists():
        raise OutputError(f"{folder} is there already; choose another name, or remove it")
    make_folder(folder.parent)
    events = recording.events
    content = {
        "format": FORMAT,
        "name": recording.name,
        "person": recording.person,
        "sensor": recording.sensor,
        "width_px": events.width_px,
        "height_px": events.height_px,
        "events": len(events),
        "labels": len(recording.labels),
        "settings": recording.settings,
    }
    with written_whole(folder) as aside:
        arrays = {"t_us": events.t_us, "x_px": events.x_px, "y_px": events.y_px, "on": events.on}
        write_npz(aside / EVENTS_FILE, arrays)
        np.save(aside / LABELS_FILE, recording.labels)
        (aside / RECORDING_FILE).write_text(json.dumps(content, indent=1) + "\n")


def write_npz(path: Path, arrays: dict[str, Any]) -> None:
    """A .npz without the time of day in it, which numpy.savez writes: the same arrays are the same bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.asarray(array, order="C"), allow_pickle=False)


def read_recording(folder: Path) -> EventRecording:
    """Reads what `write_recording` wrote; raises RecordingError, saying what is wrong, if it is
    of no use."""
    about = read_about(folder)
    with open_npz(folder / EVENTS_FILE) as archive:
        arrays = {name: archive[name] for name in ("t_us", "x_px", "y_px", "on")}
    try:
        labels = np.load(folder / LABELS_FILE, allow_pickle=False)
    except DAMAGE as error:
        path = folder / LABELS_FILE
        raise RecordingError(f"{path} cannot be read: {damage_of(path, error)}") from error
    try:
        events = Events(**arrays, width_px=about["width_px"], height_px=about["height_px"])
        if len(events) != about["events"] or len(labels) != about["labels"]:
            raise ValueError(
                f"{len(events)} events and {len(labels)} labels, where {RECORDING_FILE} says "
                f"{about['events']} and {about['labels']}"
            )
        names = ("name", "person", "sensor", "settings")
        return EventRecording(events=events, labels=labels, **{name: about[name] for name in names})
    except DAMAGE as error:
        raise RecordingError(f"{folder}: {error}; the recording is damaged") from error


def read_about(folder: Path) -> dict[str, Any]:
    """recording.json, its keys checked; raises RecordingError if it cannot be used."""
    path = folder / RECORDING_FILE
    try:
        about = read_json(path)
    except (OSError, ValueError) as error:
        raise RecordingError(f"{path} cannot be read ({error}); expected a recording of events") from error
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        kind = about.get("format") if isinstance(about, dict) else type(about).__name__
        raise RecordingError(f"{path} has format {kind}; expected {FORMAT}")
    types = {
        **{"name": str, "person": str, "sensor": str, "settings": dict},
        **{"width_px": int, "height_px": int, "events": int, "labels": int},
    }
    for key, kind in types.items():
        if type(about.get(key)) is not kind:
            raise RecordingError(f"{path}: {key} is {about.get(key)!r}, expected {kind.__name__}")
    return about


@contextmanager
def open_npz(path: Path) -> Iterator[Mapping[str, Any]]:
    """The arrays of a .npz by their names; raises RecordingError for what is damaged, or none."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise ValueError("it is a single array")
            yield archive
    except DAMAGE as error:
        raise RecordingError(f"{path} cannot be read: {damage_of(path, error)}") from error
