"""Sessions in other formats: a recording that `prepare` and `train` take, BIDS, the report. From a rendered
person's sitting."""

from __future__ import annotations

import csv
import gzip
import json
import math
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("numba")
pytest.importorskip("pyarrow")

from tests.gazers import CHECK_DEG, LAYOUT_DEG, look_at
from tests.session.test_recorder import info
from tinytracker.calibration.calibration import Calibration
from tinytracker.cli.app import run
from tinytracker.data.dataset import Dataset
from tinytracker.data.gazecapture import read_recording
from tinytracker.data.recording_files import FolderFiles
from tinytracker.devices import screen_json, sized_device
from tinytracker.domain import Frame
from tinytracker.engines.model import GazeModel
from tinytracker.geometry import points_to_camera_cm
from tinytracker.session.events import Event
from tinytracker.session.quality import session_quality
from tinytracker.session.reader import read_session
from tinytracker.session.recorder import SessionRecorder
from tinytracker.synthetic.sitter import Sitter
from tinytracker.tracking.assemble import build_pipeline

SCREEN = replace(sized_device("laptop", 34.5, 19.4), width_points=1280, height_points=720)
DOTS = ((200.0, 150.0), (1100.0, 300.0), (640.0, 600.0))
PER_DOT, HERTZ = 12, 8.0
BIDS_WISHES = {
    "README_FILE_MISSING",
    "TOO_FEW_AUTHORS",
    "NO_AUTHORS",
    "JSON_KEY_RECOMMENDED",
    "SIDECAR_KEY_RECOMMENDED",
}
"""What BIDS recommends and a sitting does not know: authors, a licence, the institution, words about the
study."""


@pytest.fixture(scope="module")
def sitting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rendered person's sitting with three dots, recorded with its pictures, through the real pipeline."""
    folder = tmp_path_factory.mktemp("sittings") / "anna"
    sitter = Sitter(SCREEN)
    pipeline = build_pipeline(GazeModel.load("tinytracker-eyes"), fov_deg=sitter.fov_deg)
    pipeline.screen = SCREEN
    about = info().changed(screen=json.loads(screen_json(SCREEN)))
    with SessionRecorder(folder, about, keep_video=True) as recorder:
        for index in range(PER_DOT * len(DOTS)):
            dot, time_s = DOTS[index // PER_DOT], index / HERTZ
            if index % PER_DOT == 0:
                sitter.look_at(*dot)
                length_ms = 1000 * (PER_DOT - 0.5) / HERTZ
                recorder.note(Event(round(time_s * 1e9), "dot", length_ms, *dot, label="check"))
            frame = Frame(sitter.at(time_s).image, index, round(time_s * 1e9))
            recorder.write(frame, pipeline.process(frame))
        recorder.note(Event(round(1e9), "fixation", 400.0, 640, 360, 0, -9))
        recorder.note(Event(round(2e9), "trigger", label="stimulus\tA"))
    return folder


def test_own_sitting_becomes_a_dataset(sitting: Path, tmp_path: Path) -> None:
    """session -> recording -> prepare: labels are where the dots were, crops hold what the pipeline saw."""
    assert (
        run(
            [
                "convert",
                str(sitting),
                "--to",
                "gazecapture",
                "--out",
                str(tmp_path / "people"),
                "--person",
                "anna",
            ]
        )
        == 0
    )
    recording = read_recording(FolderFiles(tmp_path / "people" / "anna"))
    assert (recording.device, recording.device_kind, recording.split, recording.person) == (
        "Laptop 34.5x19.4",
        "laptop",
        "train",
        "anna",
    )
    assert recording.doubtful == 0
    usual = len(DOTS) * (PER_DOT - math.ceil(0.5 * HERTZ))
    assert 0.6 * usual <= len(recording.frames) <= usual  # less blinks
    wanted = {tuple(np.round(points_to_camera_cm(x, y, SCREEN), 3)) for x, y in DOTS}
    assert {(round(frame.gaze_x_cm, 3), round(frame.gaze_y_cm, 3)) for frame in recording.frames} == wanted

    assert run(["prepare", str(tmp_path / "people"), str(tmp_path / "dataset")]) == 0
    dataset = Dataset.open(tmp_path / "dataset")
    assert len(dataset) == len(recording.frames)


def test_eyes_are_on_one_dot_at_a_time(sitting: Path) -> None:
    """A dot that a recording says was there all the while ends where the next one appears."""
    session = read_session(sitting)
    first, *others = session.events_of("dot")
    endless = replace(session, events=[replace(first, duration_ms=1e6), *others])
    assert [dot.t_ns for dot in endless.dots] == [dot.t_ns for dot in session.dots]
    assert endless.dots[0].duration_ms == pytest.approx((others[0].t_ns - first.t_ns) / 1e6)
    assert endless.dots[1:] == session.dots[1:] == session.events_of("dot")[1:]


def test_a_network_trains_on_it(sitting: Path, tmp_path: Path) -> None:
    """Two steps on one's own sittings, as `convert --help` has them: two of them, one to validate on."""
    pytest.importorskip("torch")
    for split, name in (("train", "monday"), ("val", "tuesday")):
        shutil.copytree(sitting, tmp_path / name)
        options = ["--to", "gazecapture", "--out", str(tmp_path / "people"), "--split", split]
        assert run(["convert", str(tmp_path / name), *options]) == 0
    assert run(["prepare", str(tmp_path / "people"), str(tmp_path / "dataset")]) == 0
    arguments = [
        "train",
        "tinytracker-s",
        "--data",
        str(tmp_path / "dataset"),
        "--out",
        str(tmp_path / "run"),
        "--steps",
        "2",
    ]
    assert run(arguments) == 0
    assert list((tmp_path / "run").glob("*.safetensors"))


def test_bids(sitting: Path, tmp_path: Path) -> None:
    assert (
        run(
            [
                "convert",
                str(sitting),
                "--to",
                "bids",
                "--out",
                str(tmp_path),
                "--subject",
                "03",
                "--task",
                "read",
            ]
        )
        == 0
    )
    place = tmp_path / "sub-03" / "beh"
    stem = place / "sub-03_task-read_recording-eye1_physio"
    sidecar = json.loads(stem.with_suffix(".json").read_text())
    assert sidecar["PhysioType"] == "eyetrack"
    assert sidecar["RecordedEye"] == "cyclopean"
    assert sidecar["Columns"][:3] == ["timestamp", "x_coordinate", "y_coordinate"]
    assert sidecar["SamplingFrequency"] == pytest.approx(HERTZ, rel=0.01)
    assert all("Units" in sidecar[column] for column in sidecar["Columns"])
    rows = [
        line.split("\t")
        for line in gzip.decompress(Path(f"{stem}.tsv.gz").read_bytes()).decode().splitlines()
    ]
    session = read_session(sitting)
    assert len(rows) == len(session.rows)
    assert {len(row) for row in rows} == {len(sidecar["Columns"])}
    assert float(rows[10][1]) == pytest.approx(session.rows["screen_x_px"][10], abs=0.06)
    events = [line.split("\t") for line in (place / "sub-03_task-read_events.tsv").read_text().splitlines()]
    assert {len(row) for row in events} == {6}
    assert ["2.000", "0.000", "trigger", "stimulus A", "n/a", "n/a"] in events
    screen = json.loads((place / "sub-03_task-read_events.json").read_text())["StimulusPresentation"]
    assert screen["ScreenResolution"] == [1280, 720]
    assert screen["ScreenSize"] == [0.345, 0.194]
    assert (
        run(
            [
                "convert",
                str(sitting),
                "--to",
                "bids",
                "--out",
                str(tmp_path),
                "--subject",
                "03",
                "--task",
                "read",
            ]
        )
        == 7
    )
    assert run(["convert", str(sitting), "--to", "bids", "--out", str(tmp_path), "--subject", "a-b"]) == 2


def test_the_standards_own_validator_is_content(sitting: Path, tmp_path: Path) -> None:
    validator = Path(sys.executable).with_name("bids-validator-deno")
    if not validator.exists():
        pytest.skip("bids-validator-deno is not installed (pip install 'tinytracker[dev]')")
    assert run(["convert", str(sitting), "--to", "bids", "--out", str(tmp_path), "--subject", "03"]) == 0
    environment = os.environ | {"DENO_DIR": str(tmp_path / ".deno"), "DENO_NO_UPDATE_CHECK": "1"}
    command = [validator, tmp_path, "--format", "json", "--ignoreNiftiHeaders"]
    judged = subprocess.run(command, capture_output=True, text=True, env=environment)
    found = json.loads(judged.stdout)["issues"]["issues"]
    errors = [issue for issue in found if issue["severity"] == "error"]
    assert errors == []
    assert {issue["code"] for issue in found} <= BIDS_WISHES


@pytest.mark.parametrize("since_row", [2 * PER_DOT, len(DOTS) * PER_DOT - 1])
def test_dots_of_before_a_calibration_say_nothing_of_it(
    sitting: Path, tmp_path: Path, since_row: int
) -> None:
    """Recorded from before the dots on: what is reported is of the dots since, or what the check said."""
    folder = tmp_path / "anna"
    shutil.copytree(sitting, folder)
    rng, truth = np.random.default_rng(5), np.array([[0.8, 0.06, -0.02], [-3.0, 0.03, 0.2]])
    made = Calibration.fit([look_at(place, truth, rng) for place in LAYOUT_DEG[:5]])
    made = made.judged([look_at(place, truth, rng) for place in CHECK_DEG])
    assert made.validation is not None
    (folder / "calibrations").mkdir()
    made.save(folder / "calibrations" / f"{made.id}.json")
    with (folder / "gaze.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    with (folder / "gaze.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        for number, row in enumerate(rows):
            writer.writerow({**row, "calibration_id": made.id if number >= since_row else ""})
    quality = session_quality(read_session(folder))
    assert run(["report", str(folder), "--out", str(tmp_path)]) == 0
    page = (tmp_path / "report.html").read_text()
    assert f"<td>none, then {made.id}</td>" in page
    if since_row == 2 * PER_DOT:
        assert [(dot.x_px, dot.y_px) for dot in quality.dots] == [DOTS[2]]
        assert "at 1 dot kept out" in page
    else:
        assert len(quality.dots) == 3
        assert made.validation.sentence in page
        assert "as the network gave it" in page


def test_report_needs_nothing_else_and_shows_nobody(sitting: Path, tmp_path: Path) -> None:
    assert run(["report", str(sitting), "--out", str(tmp_path)]) == 0
    page, figures = (tmp_path / "report.html").read_text(), json.loads((tmp_path / "report.json").read_text())
    for foreign in ("http:", "https:", "src=", "<script", "<img", "data:"):
        assert foreign not in page
    quality = session_quality(read_session(sitting))
    assert quality.held_out
    assert len(quality.dots) == len(figures["dots"]) == 3
    error = quality.mean("mean_error_deg")
    assert error is not None
    assert 0.2 < error < 12
    assert f"Off by {error:.1f} degrees" in page
    # The same by hand, for one dot: its frames after the eyes arrived, their mean angle from the dot.
    session = read_session(sitting)
    rows = session.rows.between(round(0.5e9), round(11.5 / HERTZ * 1e9))
    seen = rows["valid"]
    x_cm, y_cm = points_to_camera_cm(*DOTS[0], SCREEN)
    distance = float(np.median(rows["distance_cm"][seen]))
    target = np.array([x_cm, y_cm, distance])
    gaze = np.stack(
        [np.tan(np.radians(rows[name][seen])) for name in ("x_deg", "y_deg")] + [np.ones(seen.sum())], 1
    )
    cosines = gaze @ target / np.linalg.norm(gaze, axis=1) / np.linalg.norm(target)
    by_hand = float(np.degrees(np.arccos(cosines)).mean())
    assert quality.dots[0].used.mean_error_deg == pytest.approx(by_hand, rel=0.05)


def test_a_session_without_what_is_needed_says_so(
    sitting: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with SessionRecorder(tmp_path / "bare", info()):
        pass
    assert (
        run(["convert", str(tmp_path / "bare"), "--to", "gazecapture", "--out", str(tmp_path / "people")])
        == 3
    )
    assert "record again with the camera's video kept" in capsys.readouterr().err
    assert run(["report", str(tmp_path / "bare")]) == 0
    assert "press r before Dots" in capsys.readouterr().out
    assert run(["report", str(tmp_path)]) == 3
