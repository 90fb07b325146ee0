"""Small recordings in GazeCapture's original layout for tests, written from the dataset's own description of
its files.

They do not use `tinytracker.data.recording`, so that reader and writer are each tested against the format.
"""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tinytracker.devices import device_named
from tinytracker.geometry import points_to_camera_cm, screen_size_points

FACE = {"X": 30, "Y": 40, "W": 60, "H": 60}  # as written; cropped from (29, 39), 61 x 61
LEFT_EYE = {
    "X": 34,
    "Y": 12,
    "W": 18,
    "H": 16,
}  # relative to the face crop; cropped from (29 + 34, 39 + 12 - 1)
RIGHT_EYE = {"X": 8, "Y": 12, "W": 18, "H": 16}


def make_recording(
    root: Path,
    name: str = "00002",
    frames: int = 4,
    split: str = "train",
    device: str = "iPhone 6",
    orientation: int = 1,
    seed: int = 0,
    truth: dict[str, list[Any]] | None = None,
) -> Path:
    """Writes a whole, valid recording of random pictures of 120 x 160 px to root / name and returns that
    folder.

    Each picture is another one, each dot stands elsewhere. truth: what truth.json holds, if anything.
    """
    rng = np.random.default_rng([seed, *name.encode()])
    folder = root / name
    (folder / "frames").mkdir(parents=True)
    screen = device_named(device)
    width, height = screen_size_points(screen, orientation)
    dots = rng.uniform(0.1, 0.9, (frames, 2)) * (width, height)
    cm = [points_to_camera_cm(x, y, screen, orientation) for x, y in dots]
    for index in range(frames):
        (folder / "frames" / f"{index:05d}.jpg").write_bytes(random_jpeg(rng))
    ones = [1] * frames
    contents: dict[str, Any] = {
        "appleFace.json": {key: [value] * frames for key, value in FACE.items()} | {"IsValid": ones},
        "appleLeftEye.json": {key: [value] * frames for key, value in LEFT_EYE.items()} | {"IsValid": ones},
        "appleRightEye.json": {key: [value] * frames for key, value in RIGHT_EYE.items()} | {"IsValid": ones},
        "faceGrid.json": {
            "X": [7] * frames,
            "Y": [7] * frames,
            "W": [13] * frames,
            "H": [9] * frames,
            "IsValid": ones,
        },
        "dotInfo.json": {
            "DotNum": list(range(frames)),
            "XPts": [float(x) for x, _ in dots],
            "YPts": [float(y) for _, y in dots],
            "XCam": [float(x) for x, _ in cm],
            "YCam": [float(y) for _, y in cm],
            "Time": [0.5] * frames,
        },
        "frames.json": [f"{index:05d}.jpg" for index in range(frames)],
        "info.json": {
            "TotalFrames": frames,
            "NumFaceDetections": frames,
            "NumEyeDetections": frames,
            "Dataset": split,
            "DeviceName": device,
        },
        "screen.json": {"H": [height] * frames, "W": [width] * frames, "Orientation": [orientation] * frames},
        "motion.json": [],
    }
    if truth is not None:
        contents["truth.json"] = truth
    for file, content in contents.items():
        (folder / file).write_text(json.dumps(content))
    return folder


def random_jpeg(rng: np.random.Generator, width_px: int = 120, height_px: int = 160) -> bytes:
    """A smooth random picture."""
    coarse = rng.integers(0, 256, (8, 6, 3), dtype=np.uint8)
    smooth = cv2.resize(coarse, (width_px, height_px), interpolation=cv2.INTER_LINEAR)
    return cv2.imencode(".jpg", smooth, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def edit_json(folder: Path, file: str, edit: Callable[[Any], Any]) -> None:
    """Changes a JSON file of a recording; `edit` returns the new content, or changes the old one in place."""
    content = json.loads((folder / file).read_text())
    changed = edit(content)
    (folder / file).write_text(json.dumps(content if changed is None else changed))


def pack(folder: Path) -> Path:
    """Replaces a recording's folder by NAME.tar.gz beside it, as the dataset is shipped."""
    archive = folder.with_name(folder.name + ".tar.gz")
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        tar.add(folder, folder.name)
    shutil.rmtree(folder)
    return archive


def tree_bytes(folder: Path) -> dict[str, bytes]:
    """Every file under a folder by its relative path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def write_dataset_of_people(folder: Path, people: int = 6, frames: int = 2) -> Path:
    """Rendered people, prepared; gives the dataset's folder. Person 1 is of the split val, 2 of test, the
    others of train."""
    from tinytracker.data.prepare import prepare
    from tinytracker.synthetic.writer import SynthOptions, synthesise

    synthesise(folder / "people", people, SynthOptions(seed=3, frames=frames))
    prepare(folder / "people", folder / "dataset")
    return folder / "dataset"
