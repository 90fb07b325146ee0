"""Our own layout: a folder with recording.json, events.npz and labels.npy (`recordings.py`)."""

from __future__ import annotations

from pathlib import Path

from tinytracker.events.files.layout import Frames, Identity, Layout, RecordingRead, nothing_to_finish
from tinytracker.events.recordings import (
    EVENTS_FILE,
    LABELS_FILE,
    RECORDING_FILE,
    EventRecording,
    read_about,
    read_recording,
    write_recording,
)


def recognises(folder: Path) -> bool:
    return (folder / RECORDING_FILE).is_file()


def identify(folder: Path) -> Identity:
    about = read_about(folder)
    return Identity(about["name"], about["person"])


def read(folder: Path) -> RecordingRead:
    return RecordingRead(read_recording(folder))


def sources(folder: Path) -> list[Path]:
    return [folder / name for name in (RECORDING_FILE, EVENTS_FILE, LABELS_FILE)]


def write(root: Path, recording: EventRecording, _frames: Frames = ()) -> Path:
    folder = root / recording.name
    write_recording(folder, recording)
    return folder


LAYOUT = Layout("tinytracker", recognises, identify, read, sources, write, nothing_to_finish)
