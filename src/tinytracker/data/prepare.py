"""Recordings -> dataset: cut the crops out of every usable frame, once.

Each recording becomes a folder of the dataset, written aside and renamed when whole, so any number of workers may be
killed at any time and a second run takes up where the first one stopped. The manifest comes last.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tinytracker.data.gazecapture import FrameLabel, Recording, RecordingFiles, find_recordings, open_recording, read_recording
from tinytracker.errors import DatasetError, ImageError, MissingExtraError, RecordingError
from tinytracker.faces.crops import cut, resize
from tinytracker.files import write_text
from tinytracker.images import decode

FORMAT_VERSION = 1
OPTIONS_FILE, MANIFEST_FILE, OUTCOME_FILE, LABELS_FILE = "options.json", "manifest.json", "outcome.json", "labels.parquet"
CROPS = ("face", "left_eye", "right_eye")
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class PrepareOptions:
    """What decides a dataset's bytes. face_px, eye_px: side of the square crops that are stored."""

    face_px: int = 160
    eye_px: int = 64


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one recording: frames kept, frames left out by reason, or why the whole of it was left out."""

    name: str
    split: str = ""
    device: str = ""
    kept: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """What `prepare` did, over all recordings, in the order of their names."""

    outcomes: list[Outcome]

    @property
    def kept(self) -> int:
        return sum(outcome.kept for outcome in self.outcomes)

    @property
    def left_out(self) -> Counter[str]:
        """Frames left out by reason."""
        return sum((Counter(outcome.left_out) for outcome in self.outcomes), Counter())

    @property
    def refused(self) -> list[Outcome]:
        """Recordings that gave nothing, with the reason."""
        return [outcome for outcome in self.outcomes if outcome.refused]


def prepare(
    recordings: Path,
    dataset: Path,
    options: PrepareOptions | None = None,
    jobs: int = 1,
    dask_scheduler: str | None = None,
    progress: Progress = lambda done, total: None,
) -> Summary:
    """Prepares all recordings under a folder into a dataset; the same bytes whatever the workers and interruptions.

    jobs: processes on this machine; dask_scheduler: address of a Dask scheduler that sees the same folders, instead.
    Raises RecordingError if there are no recordings, DatasetError if `dataset` was begun with other options, or if nothing
    usable is left.
    """
    options = options or PrepareOptions()
    sources = find_recordings(recordings)
    _begin(dataset, options)
    tasks = [(source, dataset, options) for source in sources]
    run = _on_dask(tasks, dask_scheduler) if dask_scheduler else _on_cores(tasks, jobs)
    outcomes = []
    for outcome in run:
        outcomes.append(outcome)
        progress(len(outcomes), len(tasks))
    summary = Summary(sorted(outcomes, key=lambda outcome: outcome.name))
    if not summary.kept:
        first = summary.refused[0].refused if summary.refused else "no frame has a face, both eyes and a grid"
        raise DatasetError(f"nothing usable in the {len(tasks)} recordings of {recordings}; the first: {first}")
    _write_manifest(dataset, options, summary)
    return summary


def prepare_recording(source: Path, dataset: Path, options: PrepareOptions) -> Outcome:
    """Prepares one recording, unless it is there already; a recording that cannot be used gives an Outcome that says why."""
    cv2.setNumThreads(1)  # one worker, one core
    if known := _known_outcome(dataset, source):
        return known
    try:
        return _prepare_files(open_recording(source), dataset, options)
    except RecordingError as error:
        return Outcome(_name(source), refused=str(error))


def _prepare_files(files: RecordingFiles, dataset: Path, options: PrepareOptions) -> Outcome:
    recording = read_recording(files)
    left_out = Counter(recording.left_out)
    crops: dict[str, list[np.ndarray]] = {name: [] for name in CROPS}
    rows: list[dict[str, Any]] = []
    for frame in recording.frames:
        try:
            image = decode(files.read(frame.picture), frame.picture)
        except FileNotFoundError:
            left_out["a picture that is missing"] += 1
            continue
        except ImageError:
            left_out["a picture that does not decode"] += 1
            continue
        if not all(_touches(box, image) for box in (frame.face, frame.left_eye, frame.right_eye)):
            left_out["a box outside the picture"] += 1
            continue
        crops["face"].append(resize(cut(image, *frame.face), options.face_px, options.face_px))
        crops["left_eye"].append(resize(cut(image, *frame.left_eye), options.eye_px, options.eye_px))
        crops["right_eye"].append(resize(cut(image, *frame.right_eye), options.eye_px, options.eye_px))
        rows.append(_row(recording, frame, image))
    if not rows:
        reasons = ", ".join(f"{count} with {reason}" for reason, count in sorted(left_out.items())) or "it is empty"
        refused = f"{recording.name}: no usable frame ({reasons})"
        return Outcome(recording.name, recording.split, recording.device, refused=refused)
    outcome = Outcome(recording.name, recording.split, recording.device, len(rows), dict(sorted(left_out.items())))
    _write_whole(dataset / recording.name, crops, rows, outcome)
    return outcome


def _touches(box: tuple[int, int, int, int], image: np.ndarray) -> bool:
    """Whether a box has a pixel in common with the picture."""
    x, y, width, height = box
    return x < image.shape[1] and y < image.shape[0] and x + width > 0 and y + height > 0


def _row(recording: Recording, frame: FrameLabel, image: np.ndarray) -> dict[str, Any]:
    """A row of labels.parquet; see docs/design.md."""
    row: dict[str, Any] = {
        "recording": recording.name,
        "person": recording.name,
        "frame": frame.index,
        "split": recording.split,
        "device": recording.device,
        "device_kind": recording.device_kind,
        "orientation": frame.orientation,
        "frame_width_px": image.shape[1],
        "frame_height_px": image.shape[0],
    }
    for name in CROPS:
        row |= {f"{name}_{key}_px": float(value) for key, value in zip("xywh", getattr(frame, name), strict=True)}
    row |= {"gaze_x_cm": float(frame.gaze_x_cm), "gaze_y_cm": float(frame.gaze_y_cm)}
    row |= {f"grid_{key}": value for key, value in zip("xywh", frame.grid, strict=True)}
    return row | {f"truth_{key}": values[frame.index] for key, values in recording.truth.items()}


def _write_whole(folder: Path, crops: dict[str, list[np.ndarray]], rows: list[dict[str, Any]], outcome: Outcome) -> None:
    """Writes a recording's folder aside and renames it; a rival who was faster wrote the same bytes."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtraError("pyarrow", "data") from error
    aside = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    try:
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        for name, images in crops.items():
            np.save(aside / f"{name}.npy", np.stack(images))
        parquet.write_table(pyarrow.Table.from_pylist(rows), aside / LABELS_FILE)
        (aside / OUTCOME_FILE).write_text(json.dumps(asdict(outcome), indent=1) + "\n")
        if not folder.exists():
            os.rename(aside, folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _name(source: Path) -> str:
    return source.name.removesuffix(".tar.gz")


def _known_outcome(dataset: Path, source: Path) -> Outcome | None:
    """The outcome of a recording that an earlier run finished."""
    path = dataset / _name(source) / OUTCOME_FILE
    return Outcome(**json.loads(path.read_text())) if path.exists() else None


def _begin(dataset: Path, options: PrepareOptions) -> None:
    """Makes the folder, or checks that it was begun with the same options; clears what a killed run left behind."""
    path, content = dataset / OPTIONS_FILE, {"format": FORMAT_VERSION, **asdict(options)}
    if dataset.exists() and any(dataset.iterdir()) and not path.exists():
        raise DatasetError(f"{dataset} is not empty and no dataset; choose another folder")
    if path.exists() and (begun := json.loads(path.read_text())) != content:
        raise DatasetError(f"{dataset} was begun with {begun}, not {content}; choose another folder or the same options")
    write_text(path, json.dumps(content) + "\n")
    for partial in dataset.glob(".*.partial"):
        shutil.rmtree(partial, ignore_errors=True)


def _write_manifest(dataset: Path, options: PrepareOptions, summary: Summary) -> None:
    manifest = {
        "format": FORMAT_VERSION,
        **asdict(options),
        "frames": summary.kept,
        "recordings": {o.name: {"split": o.split, "frames": o.kept} for o in summary.outcomes if o.kept},
        "frames_left_out": dict(sorted(summary.left_out.items())),
        "recordings_left_out": {o.name: o.refused for o in summary.refused},
    }
    write_text(dataset / MANIFEST_FILE, json.dumps(manifest, indent=1) + "\n")


Task = tuple[Path, Path, PrepareOptions]


def _on_cores(tasks: list[Task], jobs: int) -> Iterator[Outcome]:
    """Runs the tasks in this process, or in `jobs` processes; outcomes come as they are done."""
    if jobs == 1:
        return (prepare_recording(*task) for task in tasks)
    try:
        from joblib import Parallel, delayed
    except ImportError as error:
        raise MissingExtraError("joblib", "data") from error
    return Parallel(n_jobs=jobs, return_as="generator_unordered")(delayed(prepare_recording)(*task) for task in tasks)


def _on_dask(tasks: list[Task], scheduler: str) -> Iterator[Outcome]:
    """Runs the same tasks on a Dask cluster."""
    try:
        from dask.distributed import Client, as_completed
    except ImportError as error:
        raise MissingExtraError("dask.distributed", "dask") from error
    with Client(scheduler) as client:
        futures = client.map(lambda task: prepare_recording(*task), tasks, pure=False)
        for future in as_completed(futures):
            yield future.result()
