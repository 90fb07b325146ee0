"""Recordings -> dataset: cut the crops out of every usable frame, once.

Each recording becomes a folder of the dataset, written aside and renamed when whole, so any number of workers
may be killed at any time and a second run takes up where the first one stopped. The manifest comes last.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2

from tinytracker.data.gazecapture import FrameLabel, Recording, WholeBox, read_recording
from tinytracker.data.pictures import PictureDecoder
from tinytracker.data.recording_files import RecordingFiles, find_recordings, open_recording, recording_name
from tinytracker.data.store import (
    CROPS,
    EYE_BAND,
    FORMAT_VERSION,
    LABELS_FILE,
    MANIFEST_FILE,
    GrowingArray,
    being_prepared,
    known_outcome,
    unmake,
    write_labels,
    write_outcome,
    written_whole,
)
from tinytracker.domain import Box, Face, Image
from tinytracker.errors import DatasetError, ImageError, RecordingError, UsageError
from tinytracker.faces.boxes import stored_eye_band
from tinytracker.faces.crops import cut, resize, whole_pixels
from tinytracker.files import write_text
from tinytracker.pool import refuse_jobs, run_on_cores, run_on_dask
from tinytracker.progress import Progress, no_progress


@dataclass(frozen=True, slots=True)
class PrepareOptions:
    """What decides a dataset's bytes. face_px, eye_px: side of the square crops that are stored. band_px:
    width of the stored rectangle round both eyes (`faces.boxes.stored_eye_band`), half as high; 0: none is
    stored."""

    face_px: int = 160
    eye_px: int = 64
    band_px: int = 0

    def __post_init__(self) -> None:
        if self.band_px % 2:
            raise UsageError(
                f"the width of eye bands must be even, for they are half as high, not {self.band_px}"
            )

    def as_dict(self) -> dict[str, int]:
        """As options.json and manifest.json hold them; without eye bands, as before there were any."""
        fields = asdict(self)
        if not self.band_px:
            del fields["band_px"]
        return fields


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one recording: frames kept, frames left out by reason, or why the whole of it was left
    out.

    doubtful: frames kept whose label contradicts the dot's place on the screen. source: a checksum of what
    the recording was read from, to tell it from another of the same name. person: who it shows, if not its
    name says so. assumed: what the recording does not say (`Recording.assumed`).
    """

    name: str
    split: str = ""
    device: str = ""
    kept: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    doubtful: int = 0
    refused: str = ""
    source: str = ""
    person: str = ""
    assumed: list[str] = field(default_factory=list)


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
    def doubtful(self) -> int:
        """Frames kept whose label contradicts the dot's place on the screen."""
        return sum(outcome.doubtful for outcome in self.outcomes)

    @property
    def assumed(self) -> Counter[str]:
        """In how many recordings something had to be assumed, by what."""
        return Counter(text for outcome in self.outcomes if outcome.kept for text in outcome.assumed)

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
    progress: Progress = no_progress,
) -> Summary:
    """Prepares all recordings under a folder into a dataset; the same bytes whatever the workers and
    interruptions.

    jobs: processes on this machine, -1 for one per core; dask_scheduler: address of a Dask scheduler that
    sees the same folders, instead. Raises RecordingError if there are no recordings, DatasetError if
    `dataset` was begun with other options or from other recordings of the same names, or if nothing usable is
    left, and OutputError if it cannot be written.
    """
    options = options or PrepareOptions()
    refuse_jobs(jobs)
    sources = find_recordings(recordings)
    with being_prepared(dataset, options.as_dict()):
        return _prepare_all(recordings, sources, dataset, options, jobs, dask_scheduler, progress)


def _prepare_all(
    recordings: Path,
    sources: list[Path],
    dataset: Path,
    options: PrepareOptions,
    jobs: int,
    dask_scheduler: str | None,
    progress: Progress,
) -> Summary:
    tasks = [(source.resolve(), dataset.resolve(), options) for source in sources]
    done = (
        run_on_dask(prepare_recording, tasks, dask_scheduler)
        if dask_scheduler
        else run_on_cores(prepare_recording, tasks, jobs, "data")
    )
    outcomes = []
    for outcome in done:
        outcomes.append(outcome)
        progress(len(outcomes), len(tasks))
    summary = Summary(sorted(outcomes, key=lambda outcome: outcome.name))
    _refuse_person_in_two_splits(summary.outcomes)
    if not summary.kept:
        unmake(dataset)
        why = summary.refused[0].refused
        raise DatasetError(f"nothing usable in the {len(tasks)} recordings of {recordings}; the first: {why}")
    _write_manifest(dataset, options, summary)
    return summary


def _refuse_person_in_two_splits(outcomes: list[Outcome]) -> None:
    """Scores are worth nothing where a network was trained on the people it is tested on."""
    seen: dict[str, Outcome] = {}
    for outcome in outcomes:
        other = seen.setdefault(outcome.person or outcome.name, outcome) if outcome.kept else outcome
        if other.split != outcome.split:
            raise DatasetError(
                f"{other.name} ({other.split}) and {outcome.name} ({outcome.split}) show the same person, "
                f"{outcome.person or other.person}; give both the same Dataset in info.json and prepare "
                f"them into a new folder"
            )


def prepare_recording(source: Path, dataset: Path, options: PrepareOptions) -> Outcome:
    """Prepares one recording, unless it is there already; a recording that cannot be used gives an Outcome
    that says why.

    Raises DatasetError if what is there came from another recording of this name, OutputError if it cannot be
    written.
    """
    cv2.setNumThreads(1)  # one worker, one core
    name = recording_name(source)
    try:
        checksum = _checksum(source)
        if known := known_outcome(Outcome, dataset / name, source, checksum):
            return known
        return _prepare_files(open_recording(source), dataset, options, checksum)
    except RecordingError as error:
        return Outcome(name, refused=str(error))


def _prepare_files(files: RecordingFiles, dataset: Path, options: PrepareOptions, checksum: str) -> Outcome:
    recording = read_recording(files)
    left_out = Counter(recording.left_out)
    rows: list[dict[str, Any]] = []
    with written_whole(dataset / recording.name) as folder:
        crops = {name: GrowingArray(folder / f"{name}.npy", *size) for name, size in _sizes(options).items()}
        decoder = PictureDecoder()
        for frame in recording.frames:
            boxes = {name: _box(frame, name) for name in crops}
            content = b""
            try:
                content = files.read(frame.picture)
                picture = decoder.decode(content, frame.picture)
            except FileNotFoundError:
                left_out["a picture that is missing"] += 1
                continue
            except OSError:
                left_out["a picture that cannot be read"] += 1
                continue
            except ImageError:
                left_out["a picture that " + ("does not decode" if content else "is empty")] += 1
                continue
            if not all(_touches(boxes[name], picture) for name in CROPS):
                left_out["a box outside the picture"] += 1
                continue
            for name, array in crops.items():
                array.append(resize(cut(picture, *boxes[name]), array.width_px, array.height_px))
            rows.append(_row(recording, frame, picture, boxes))
        for array in crops.values():
            array.close()
        if not rows:
            reasons = (
                ", ".join(f"{count} with {reason}" for reason, count in sorted(left_out.items()))
                or "it is empty"
            )
            raise RecordingError(f"{recording.name}: no usable frame ({reasons})")
        outcome = Outcome(
            name=recording.name,
            split=recording.split,
            device=recording.device,
            kept=len(rows),
            left_out=dict(sorted(left_out.items())),
            doubtful=recording.doubtful,
            source=checksum,
            person=recording.person if recording.person != recording.name else "",
            assumed=list(recording.assumed),
        )
        write_labels(folder / LABELS_FILE, rows)
        write_outcome(folder, outcome)
    return outcome


def _sizes(options: PrepareOptions) -> dict[str, tuple[int, int]]:
    """Height and width of the stored crops."""
    face, eye = (options.face_px, options.face_px), (options.eye_px, options.eye_px)
    sizes = {"face": face, "left_eye": eye, "right_eye": eye}
    return sizes | {EYE_BAND: (options.band_px // 2, options.band_px)} if options.band_px else sizes


def _box(frame: FrameLabel, name: str) -> WholeBox:
    """Where a crop is cut: as the recording says; an eye band, from the other boxes."""
    if name != EYE_BAND:
        return getattr(frame, name)
    face, left_eye, right_eye = (Box(*map(float, getattr(frame, kind))) for kind in CROPS)
    return whole_pixels(stored_eye_band(Face(face, left_eye, right_eye)))


def _touches(box: WholeBox, picture: Image) -> bool:
    """Whether a box has a pixel in common with the picture."""
    x, y, width, height = box
    return x < picture.shape[1] and y < picture.shape[0] and x + width > 0 and y + height > 0


def _row(
    recording: Recording, frame: FrameLabel, picture: Image, boxes: dict[str, WholeBox]
) -> dict[str, Any]:
    """A row of labels.parquet; see docs/design.md. boxes: by crop, as cut."""
    row: dict[str, Any] = {
        "recording": recording.name,
        "person": recording.person,
        "frame": frame.index,
        "split": recording.split,
        "device": recording.device,
        "device_kind": recording.device_kind,
        "orientation": frame.orientation,
        "frame_width_px": picture.shape[1],
        "frame_height_px": picture.shape[0],
    }
    for name, box in boxes.items():
        row |= {f"{name}_{key}_px": float(value) for key, value in zip("xywh", box, strict=True)}
    row |= {"gaze_x_cm": float(frame.gaze_x_cm), "gaze_y_cm": float(frame.gaze_y_cm)}
    row |= {f"grid_{key}": value for key, value in zip("xywh", frame.grid, strict=True)}
    return row | {f"truth_{key}": values[frame.index] for key, values in recording.truth.items()}


def _checksum(source: Path) -> str:
    """Tells a recording from another of the same name without reading all of it.

    Of a folder: over the labels in dotInfo.json. Of an archive: over its size and first 64 KiB. Raises
    RecordingError if it cannot be read.
    """
    try:
        if source.is_dir():
            return f"dotInfo.json {zlib.crc32((source / 'dotInfo.json').read_bytes()):08x}"
        with source.open("rb") as file:
            return f"archive {source.stat().st_size} {zlib.crc32(file.read(65536)):08x}"
    except FileNotFoundError as error:
        raise RecordingError(f"{recording_name(source)}: {Path(error.filename).name} is missing") from error
    except OSError as error:
        raise RecordingError(
            f"{recording_name(source)}: {error.filename} cannot be read: {error.strerror}"
        ) from error


def _write_manifest(dataset: Path, options: PrepareOptions, summary: Summary) -> None:
    manifest = {
        "format": FORMAT_VERSION,
        **options.as_dict(),
        "frames": summary.kept,
        "recordings": {o.name: {"split": o.split, "frames": o.kept} for o in summary.outcomes if o.kept},
        "frames_doubtful": summary.doubtful,
        "recordings_assumed": dict(sorted(summary.assumed.items())),
        "frames_left_out": dict(sorted(summary.left_out.items())),
        "recordings_left_out": {o.name: o.refused for o in summary.refused},
    }
    write_text(dataset / MANIFEST_FILE, json.dumps(manifest, indent=1) + "\n")
