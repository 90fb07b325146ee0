"""A dataset of event recordings: what `tinytracker prepare` makes of them, and reading it.

    DATASET/manifest.json   who stands in which split, and what was left out; written last
    DATASET/options.json    what it was begun with
    DATASET/NAME/t_us.npy, x_px.npy, y_px.npy, on.npy   the events, to be memory-mapped
    DATASET/NAME/labels.npy                             rows of `labels.LABEL`
    DATASET/NAME/outcome.json                           what became of the recording

Windows are cut while training (`windows.windows_at`): a dataset holds events, so any window can be had of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from tinytracker.damage import damage_of
from tinytracker.data.store import no_dataset
from tinytracker.errors import DatasetError, RecordingError
from tinytracker.events.crops import SIZE, SensorCrop, crop_for
from tinytracker.events.recordings import EventRecording
from tinytracker.events.stream import Events
from tinytracker.files import DAMAGE, read_json

FORMAT = 1
KIND = "events"
MANIFEST_FILE, LABELS_FILE = "manifest.json", "labels.npy"
COLUMNS = ("t_us", "x_px", "y_px", "on")
Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)


def crop_of(recording: EventRecording, size: int = SIZE) -> SensorCrop:
    """The square of its sensor that networks see: settings["crop"] ({left_px, top_px, scale}) where a
    recording says, else that of its set (settings["set"]) or of its sensor's size.

    Raises RecordingError for a crop that is none."""
    events, said = recording.events, recording.settings.get("crop")
    if isinstance(said, dict) and size == SIZE:
        try:
            return SensorCrop(int(said["left_px"]), int(said["top_px"]), int(said["scale"]))
        except (KeyError, TypeError, ValueError) as error:
            raise RecordingError(
                f"{recording.name}: its crop is {said}; expected left_px, top_px and scale"
            ) from error
    return crop_for(events.width_px, events.height_px, str(recording.settings.get("set", "")), size)


def write_arrays(folder: Path, recording: EventRecording) -> None:
    """Writes a recording's arrays into an existing folder of a dataset."""
    for name in COLUMNS:
        np.save(folder / f"{name}.npy", getattr(recording.events, name))
    np.save(folder / LABELS_FILE, recording.labels)


@dataclass(frozen=True, slots=True)
class EventDataset:
    """A prepared dataset of event recordings. folder: where it lies. manifest: what manifest.json says.

    dataset = EventDataset.open(Path("eyes"))
    for recording in dataset.recordings("train"):
        windows = windows_at(recording.events, ends, crop_of(recording), Window())
    """

    folder: Path
    manifest: dict[str, Any]

    @classmethod
    def open(cls, folder: Path) -> EventDataset:
        """Opens a dataset; raises DatasetError, saying what is wrong, if it cannot be used."""
        path = folder / MANIFEST_FILE
        try:
            manifest = read_json(path)
        except (OSError, ValueError) as error:
            raise no_dataset(folder, error) from error
        if not isinstance(manifest, dict) or manifest.get("kind") != KIND:
            is_faces = isinstance(manifest, dict) and "face_px" in manifest
            raise DatasetError(
                f"{folder} is {'a dataset of frames of faces' if is_faces else 'no dataset that is known'}; "
                f"expected one of event recordings"
            )
        if manifest.get("format") != FORMAT:
            raise DatasetError(
                f"{folder} has format {manifest.get('format')}; expected {FORMAT}: prepare it again"
            )
        if (fault := _fault(manifest)) is not None:
            raise DatasetError(f"{path} is broken ({fault}); prepare it again")
        return cls(folder, manifest)

    def names(self, split: Split | None = None) -> list[str]:
        """Names of the recordings of a split, or of all, in order."""
        entries = self.manifest["recordings"]
        return [name for name in sorted(entries) if split in (None, entries[name]["split"])]

    def people(self, split: Split | None = None) -> list[str]:
        """The people of a split, or all, in order; nobody stands in two."""
        entries = self.manifest["recordings"]
        return sorted({entries[name]["person"] for name in self.names(split)})

    def recordings(self, split: Split | None = None) -> Iterator[EventRecording]:
        """The recordings of a split, or all, one after the other, their events memory-mapped.

        Raises DatasetError if one is missing or broken.
        """
        return (self.read(name) for name in self.names(split))

    def read(self, name: str) -> EventRecording:
        """One recording, its events memory-mapped; raises DatasetError if it is missing or broken."""
        entry, folder = self.manifest["recordings"][name], self.folder / name
        arrays = {column: _mapped(folder / f"{column}.npy") for column in COLUMNS}
        labels = _loaded(folder / LABELS_FILE)
        try:
            events = Events(**arrays, width_px=entry["width_px"], height_px=entry["height_px"])
            if len(events) != entry["events"] or len(labels) != entry["labels"]:
                raise ValueError(f"{len(events)} events and {len(labels)} labels, not as the manifest says")
            return EventRecording(name, entry["person"], entry["sensor"], events, labels, entry["settings"])
        except DAMAGE as error:
            raise DatasetError(f"{folder} is broken ({error}); remove {folder} and prepare again") from error


def is_event_dataset(folder: Path) -> bool:
    """Whether a folder's manifest.json is that of event recordings."""
    try:
        manifest = read_json(folder / MANIFEST_FILE)
    except (OSError, ValueError):
        return False
    return isinstance(manifest, dict) and manifest.get("kind") == KIND


def _mapped(path: Path) -> Any:
    """A memory-mapped array, plain: np.memmap's own indexing is slow."""
    return _loaded(path, "r").view(np.ndarray)


def _loaded(path: Path, mmap_mode: Literal["r"] | None = None) -> Any:
    try:
        return np.load(path, mmap_mode=mmap_mode, allow_pickle=False)
    except DAMAGE as error:
        raise DatasetError(
            f"{path} cannot be read: {damage_of(path, error)}; remove {path.parent} and prepare again"
        ) from error


def _fault(manifest: dict[str, Any]) -> str | None:
    """What a manifest lacks of what is read from it."""
    entries = manifest.get("recordings")
    if not isinstance(entries, dict) or not entries:
        return "it has no table of recordings"
    types = {
        **{"person": str, "sensor": str, "settings": dict},
        **{"width_px": int, "height_px": int, "events": int, "labels": int},
    }
    seen: dict[str, str] = {}
    for name, entry in entries.items():
        if Path(name).name != name:
            return f"recording {name!r} would lie outside"
        if not isinstance(entry, dict) or entry.get("split") not in SPLITS:
            return f"recording {name} is in no split"
        for key, kind in types.items():
            if type(entry.get(key)) is not kind:
                return f"{key} of recording {name} is {entry.get(key)!r}"
        if seen.setdefault(entry["person"], entry["split"]) != entry["split"]:
            return f"{entry['person']} stands in two splits"
    return None
