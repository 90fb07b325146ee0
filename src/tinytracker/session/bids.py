"""A session as BIDS eye-tracking data (BIDS 1.11, physio of type "eyetrack"), for one participant and one
task.

dataset_description.json
sub-01/beh/sub-01_task-gaze_recording-eye1_physio.tsv.gz, .json         gaze; BIDS wants it without a header
sub-01/beh/sub-01_task-gaze_recording-eye1_physioevents.tsv.gz, .json   fixations and blinks
sub-01/beh/sub-01_task-gaze_events.tsv, .json                           triggers and dots; the screen
stimuli/sub-01_task-gaze/...                                            what was looked at
"""

from __future__ import annotations

import gzip
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tinytracker.errors import OutputError, SessionError, UsageError
from tinytracker.files import make_folder, write_bytes, write_text, written_aside
from tinytracker.session.folder import STIMULI_FOLDER
from tinytracker.session.reader import Session
from tinytracker.session.stimuli import stimuli_of

BIDS_VERSION = "1.11.0"
_LABEL = re.compile(r"[0-9A-Za-z]+")
_PHYSIO = ("fixation", "blink")


def write_bids(session: Session, folder: Path, subject: str = "01", task: str = "gaze") -> list[Path]:
    """Writes the files; gives their paths. Adds to a folder that is there, but overwrites no recording in it.

    Raises UsageError for a label BIDS does not allow, SessionError for a session without rows or screen
    size, OutputError.
    """
    for name, label in (("subject", subject), ("task", task)):
        if not _LABEL.fullmatch(label):
            raise UsageError(f"the {name} {label!r} is no BIDS label; expected letters and digits only")
    if not len(session.rows) or session.screen is None:
        raise SessionError(
            f"{session.folder} has {'no rows' if session.screen else 'no screen size'}; BIDS needs them"
        )
    place = folder / f"sub-{subject}" / "beh"
    make_folder(place)
    stem = f"sub-{subject}_task-{task}"
    gaze, moments, events = (
        f"{stem}_recording-eye1_physio",
        f"{stem}_recording-eye1_physioevents",
        f"{stem}_events",
    )
    if (place / f"{gaze}.tsv.gz").exists():
        raise OutputError(f"{place / gaze}.tsv.gz exists already; choose another --subject or --task")
    contents: dict[Path, bytes | str] = {
        place / f"{gaze}.tsv.gz": _gzipped(_gaze_lines(session)),
        place / f"{gaze}.json": _json({"TaskName": task} | _gaze_sidecar(session)),
        place / f"{moments}.tsv.gz": _gzipped(_moment_lines(session)),
        place / f"{moments}.json": _json(
            {
                "TaskName": task,
                "Description": "fixations and blinks, as tinytracker found them while it recorded",
                "Columns": ["onset", "duration", "trial_type"],
                "OnsetSource": "timestamp",
            }
        ),
        place / f"{events}.tsv": _event_lines(session, stem),
        place / f"{events}.json": _json({"TaskName": task} | _events_sidecar(session)),
    }
    description = folder / "dataset_description.json"
    if not description.exists():
        about = {
            "Name": session.info.name or "tinytracker",
            "BIDSVersion": BIDS_VERSION,
            "DatasetType": "raw",
        }
        contents[description] = _json(about | {"GeneratedBy": [{"Name": session.info.program}]})
    copies = {
        folder / "stimuli" / stem / shown.name: session.folder / STIMULI_FOLDER / shown.name
        for shown in stimuli_of(session)
    }
    for path, kept in copies.items():
        make_folder(path.parent)
        with written_aside(path) as aside:
            shutil.copyfile(kept, aside)
    for path, content in contents.items():
        if isinstance(content, bytes):
            write_bytes(path, content)
        else:
            write_text(path, content)
    return [*contents, *copies]


def _gaze_lines(session: Session) -> str:
    rows = session.rows
    lines = []
    for t_ns, x_px, y_px, distance_cm in zip(
        rows["t_ns"], rows["screen_x_px"], rows["screen_y_px"], rows["distance_cm"], strict=True
    ):
        lines.append("\t".join([str(int(t_ns)), _number(x_px, 1), _number(y_px, 1), _number(distance_cm, 1)]))
    return "\n".join(lines) + "\n"


def _number(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}" if np.isfinite(value) else "n/a"


def _gaze_sidecar(session: Session) -> dict[str, Any]:
    rows, info = session.rows, session.info
    times_s = rows.time_s
    hertz = (len(times_s) - 1) / times_s[-1] if len(times_s) > 1 and times_s[-1] > 0 else 0.0
    calibration = session.calibration
    sidecar: dict[str, Any] = {
        "PhysioType": "eyetrack",
        "SamplingFrequency": round(float(hertz), 3),
        "StartTime": 0,
        "Columns": ["timestamp", "x_coordinate", "y_coordinate", "distance"],
        "timestamp": {
            "Description": "monotonic clock when the camera's frame had arrived; frames are irregular",
            "Units": "ns",
        },
        "x_coordinate": {"Description": "gaze on the screen, right", "Units": "pixel"},
        "y_coordinate": {"Description": "gaze on the screen, down", "Units": "pixel"},
        "distance": {"Description": "eyes to camera, estimated", "Units": "cm"},
        "RecordedEye": "cyclopean",
        "SampleCoordinateSystem": "gaze-on-screen",
        "Manufacturer": "tinytracker",
        "ManufacturersModelName": info.model,
        "SoftwareVersion": info.program,
        "EyeTrackingMethod": "appearance-based, camera in visible light",
        "CalibrationCount": 0 if calibration is None else 1,
    }
    if calibration is not None:
        sidecar["CalibrationType"] = f"{len(calibration.dots)} dots, affine in visual angle shrunk to a prior"
        if calibration.validation is not None:
            sidecar["AverageCalibrationError"] = round(calibration.validation.error_deg, 3)
    return sidecar


def _moment_lines(session: Session) -> str:
    found = [event for event in session.events if event.kind in _PHYSIO]
    return "".join(f"{event.t_ns}\t{event.duration_ms / 1e3:.3f}\t{event.kind}\n" for event in found)


def _event_lines(session: Session, stem: str) -> str:
    """A row per event; a column for the file where something was looked at."""
    first_ns = int(session.rows["t_ns"][0])
    shown = {stimulus.start_ns: stimulus for stimulus in stimuli_of(session)}
    lines = ["onset\tduration\ttrial_type\tlabel\tx\ty" + ("\tstim_file" if shown else "")]
    for event in session.events:
        stimulus = shown.get(event.t_ns) if event.kind == "stimulus" else None
        if event.kind in _PHYSIO or (event.kind == "stimulus" and stimulus is None):
            continue
        if stimulus is not None:
            event = replace(event, duration_ms=(stimulus.end_ns - stimulus.start_ns) / 1e6)
        place = [_number(np.nan if value is None else value, 1) for value in (event.x_px, event.y_px)]
        label = re.sub(r"\s+", " ", event.label) or "n/a"
        onset_s = (event.t_ns - first_ns) / 1e9
        file = [] if not shown else ["n/a" if stimulus is None else f"{stem}/{stimulus.name}"]
        lines.append(
            "\t".join([f"{onset_s:.3f}", f"{event.duration_ms / 1e3:.3f}", event.kind, label, *place, *file])
        )
    return "\n".join(lines) + "\n"


def _events_sidecar(session: Session) -> dict[str, Any]:
    screen, distances = session.screen, session.rows["distance_cm"]
    assert screen is not None
    distance_cm = float(np.nanmedian(distances)) if np.isfinite(distances).any() else None
    return {
        "StimulusPresentation": {
            "ScreenDistance": "n/a" if distance_cm is None else round(distance_cm / 100, 3),
            "ScreenOrigin": ["top", "left"],
            "ScreenResolution": [screen.width_points, screen.height_points],
            "ScreenSize": [round(screen.screen_width_cm / 100, 4), round(screen.screen_height_cm / 100, 4)],
        },
        "label": {"Description": "a trigger's name, a dot's purpose"},
        "x": {"Description": "place on the screen", "Units": "pixel"},
        "y": {"Description": "place on the screen", "Units": "pixel"},
    }


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2) + "\n"


def _gzipped(text: str) -> bytes:
    return gzip.compress(text.encode(), mtime=0)
