"""Writing recordings in GazeCapture's layout, so that whatever reads GazeCapture reads ours.

A recording is a folder: frames/00000.jpg ..., and nine JSON files, most of them lists with one entry per
frame. Ours may add `truth.json`: what a renderer knows exactly, one list per quantity. The folder is written
aside and renamed when whole.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tinytracker.devices import Device
from tinytracker.domain import Box
from tinytracker.errors import OutputError
from tinytracker.faces.crops import grid_cells, whole_pixels
from tinytracker.geometry import points_to_camera_cm, screen_size_points

Split = Literal["train", "val", "test"]
# GazeCapture's cropping code grows the face box and moves the eye boxes by these (x, y, width, height), "for
# compatibility" with an older one; a box is therefore written smaller than it is meant to be cropped.
FACE_GROWTH = (-1, -1, 1, 1)
EYE_SHIFT = (0, -1, 0, 0)


@dataclass(frozen=True, slots=True)
class RecordedFrame:
    """One frame of a recording.

    jpeg: the picture's file. width_px, height_px: its size. face, left_eye, right_eye: the boxes as they are
    to be cropped, in pixels of the frame, or None where nothing was found. dot_number: counted from 0;
    dot_x_points, dot_y_points: from the screen's top-left corner; time_s: since that dot appeared.
    orientation: 1-4. truth: exact targets by name, without the prefix "truth_".
    """

    jpeg: bytes
    width_px: int
    height_px: int
    face: Box | None
    left_eye: Box | None
    right_eye: Box | None
    dot_number: int
    dot_x_points: float
    dot_y_points: float
    time_s: float
    orientation: int
    truth: dict[str, Any] = field(default_factory=dict)


def write_recording(
    folder: Path,
    device: Device,
    split: Split,
    frames: Iterable[RecordedFrame],
    motion: Iterable[dict[str, Any]] = (),
    person: str | None = None,
) -> None:
    """Writes a whole recording, or nothing.

    Frames are taken one by one, so a generator may render them on the way; the motion sensors' samples after
    them. person: who is seen, if there are several recordings of them. Raises OutputError if the folder
    exists or cannot be written.
    """
    # The process's number keeps apart what a worker that outlived a killed command may still be writing.
    aside = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    if folder.exists():
        raise OutputError(f"{folder} exists already; remove it or choose another folder")
    try:
        shutil.rmtree(aside, ignore_errors=True)
        (aside / "frames").mkdir(parents=True)
        notes = []
        for number, frame in enumerate(frames):
            (aside / "frames" / f"{number:05d}.jpg").write_bytes(frame.jpeg)
            notes.append(_Note.of(frame))
        for name, content in _json_files(notes, device, split, list(motion), person).items():
            (aside / name).write_text(json.dumps(content, default=_plain))
        os.rename(aside, folder)
    except OSError as error:
        raise OutputError(
            f"cannot write the recording {folder}: {error.strerror}; choose another place"
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _Note:
    """What is kept of a frame once its picture is written."""

    frame: RecordedFrame
    face: dict[str, int]
    left_eye: dict[str, int]
    right_eye: dict[str, int]
    grid: dict[str, int]

    @classmethod
    def of(cls, frame: RecordedFrame) -> _Note:
        is_whole = frame.face is not None and frame.left_eye is not None and frame.right_eye is not None
        face = _written(frame.face, FACE_GROWTH, (0, 0))
        # From the box as it is written, as the dataset's own grids are.
        cells = (
            grid_cells(Box(*map(float, face)), frame.width_px, frame.height_px)
            if face is not None and is_whole
            else None
        )
        face_corner = whole_pixels(frame.face)[:2] if frame.face is not None else (0, 0)
        return cls(
            frame=replace(frame, jpeg=b""),
            face=_entry(face),
            left_eye=_entry(_written(frame.left_eye, EYE_SHIFT, face_corner)),
            right_eye=_entry(_written(frame.right_eye, EYE_SHIFT, face_corner)),
            grid=_entry(cells),
        )


def _written(box: Box | None, shift: tuple[int, ...], corner: tuple[int, ...]) -> tuple[int, ...] | None:
    """The numbers to write for a box, so that GazeCapture's cropping code, which adds `shift` and
    `corner`, gets the box."""
    if box is None:
        return None
    x, y, width, height = whole_pixels(box)
    return x - shift[0] - corner[0], y - shift[1] - corner[1], width - shift[2], height - shift[3]


def _entry(numbers: tuple[int, ...] | None) -> dict[str, int]:
    x, y, width, height = numbers or (0, 0, 0, 0)
    return {"X": x, "Y": y, "W": width, "H": height, "IsValid": int(numbers is not None)}


def _json_files(
    notes: list[_Note], device: Device, split: Split, motion: list[dict[str, Any]], person: str | None
) -> dict[str, Any]:
    """The JSON files by name."""
    frames = [note.frame for note in notes]
    dots = [points_to_camera_cm(f.dot_x_points, f.dot_y_points, device, f.orientation) for f in frames]
    sizes = [screen_size_points(device, f.orientation) for f in frames]
    files: dict[str, Any] = {
        "appleFace.json": _columns([note.face for note in notes]),
        "appleLeftEye.json": _columns([note.left_eye for note in notes]),
        "appleRightEye.json": _columns([note.right_eye for note in notes]),
        "faceGrid.json": _columns([note.grid for note in notes]),
        "dotInfo.json": {
            "DotNum": [f.dot_number for f in frames],
            "XPts": [f.dot_x_points for f in frames],
            "YPts": [f.dot_y_points for f in frames],
            "XCam": [x for x, _ in dots],
            "YCam": [y for _, y in dots],
            "Time": [f.time_s for f in frames],
        },
        "screen.json": {
            "H": [height for _, height in sizes],
            "W": [width for width, _ in sizes],
            "Orientation": [f.orientation for f in frames],
        },
        "frames.json": [f"{number:05d}.jpg" for number in range(len(frames))],
        "info.json": {
            "TotalFrames": len(frames),
            "NumFaceDetections": sum(note.face["IsValid"] for note in notes),
            "NumEyeDetections": sum(note.left_eye["IsValid"] & note.right_eye["IsValid"] for note in notes),
            "Dataset": split,
            "DeviceName": device.name,
            "DeviceKind": device.kind,  # ours: a person's own screen is in no table
        },
        "motion.json": motion,
    }
    if person is not None:
        files["info.json"] |= {"Person": person}  # ours: GazeCapture has one recording of each
    if any(f.truth for f in frames):
        files["truth.json"] = _columns([f.truth for f in frames])
    return files


def _plain(number: Any) -> Any:
    """A NumPy number as Python's."""
    if isinstance(number, np.generic):
        return number.item()
    raise TypeError(f"{number!r} cannot be written to a recording; expected numbers, words and booleans")


def _columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Rows with the same keys -> one list per key; the keys of no rows are those of a box."""
    keys = rows[0] if rows else _entry(None)
    return {key: [row[key] for row in rows] for key in keys}
