"""Sessions on disk: read back as written, after kill -9, after a full disk, in both row formats."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.tracking.conftest import sample
from tinytracker.devices import screen_json, sized_device
from tinytracker.domain import Frame
from tinytracker.errors import OutputError, SessionError, UsageError
from tinytracker.session.areas import Area, area_looks
from tinytracker.session.events import EVENT_COLUMNS, Event
from tinytracker.session.folder import (
    CSV_FILE,
    EVENTS_FILE,
    INFO_FILE,
    CameraInfo,
    ClockOffset,
    SessionInfo,
    read_info,
)
from tinytracker.session.reader import find_sessions, read_session
from tinytracker.session.recorder import SessionRecorder, new_folder
from tinytracker.tracking.sinks import COLUMNS

STEP_NS = 33_000_000


def info(name: str = "anna") -> SessionInfo:
    return SessionInfo(
        name=name,
        created="2026-11-28T10:00:00+00:00",
        program="tinytracker 0",
        model="tinytracker-eyes",
        model_sha256="ab" * 32,
        camera=CameraInfo("camera 0", "server", fov_deg=62.5),
        started_ns=5,
        started_unix_ns=1_700_000_000_000_000_000,
        screen=json.loads(screen_json(sized_device("laptop", 34.0, 19.0))),
        clock_offsets=(ClockOffset(7, 12.25, 0.5),),
    )


def frame(index: int, value: int = 128) -> Frame:
    return Frame(np.full((48, 64, 3), value, np.uint8), index, index * STEP_NS)


def record(folder: Path, frames: int = 6, **options: object) -> SessionRecorder:
    with SessionRecorder(folder, info(), **options) as recorder:  # type: ignore[arg-type]
        for index in range(frames):
            recorder.write(frame(index, 20 + 30 * index), sample(index, valid=index != 2))
        recorder.note(Event(2 * STEP_NS, "blink", 120.0))
        recorder.note(Event(STEP_NS, "trigger", label='a "name", with a comma\nand a line'))
        recorder.note(Event(0, "fixation", 300.5, 512.3, 20.0, 1.5, -2.25))
    return recorder


@pytest.mark.parametrize("rows", ["csv", "parquet"])
def test_is_read_back_as_written(tmp_path: Path, rows: str) -> None:
    if rows == "parquet":
        pytest.importorskip("pyarrow")
    record(tmp_path / "anna", rows=rows)
    session = read_session(tmp_path / "anna")
    assert session.info.closed
    assert session.info.camera == CameraInfo("camera 0", "server", 64, 48, 62.5)
    assert session.info.clock_offsets == (ClockOffset(7, 12.25, 0.5),)
    assert session.screen is not None
    assert session.screen.screen_width_cm == 34.0
    assert session.rows["t_ns"].tolist() == [index * STEP_NS for index in range(6)]
    assert session.rows["valid"].tolist() == [True, True, False, True, True, True]
    assert session.rows["reason"][2] == "no face"
    assert session.rows["screen_x_px"][0] == 512.3
    assert np.isnan(session.rows["x_deg"][2])
    assert [event.kind for event in session.events] == ["fixation", "trigger", "blink"]
    assert session.events[0] == Event(0, "fixation", 300.5, 512.3, 20.0, 1.5, -2.25)
    assert session.events[1].label == 'a "name", with a comma\nand a line'


def test_golden_files(tmp_path: Path) -> None:
    """The formats, letter by letter: a change here is a change that readers of others feel."""
    record(tmp_path / "anna", frames=1)
    lines = (tmp_path / "anna" / CSV_FILE).read_text().splitlines()
    assert lines[0] == ",".join(COLUMNS)
    assert lines[1].startswith("0,0,1,,1.235,-7.500,1.714,-10.300,512.3,20.0,41.3,2,")
    events = (tmp_path / "anna" / EVENTS_FILE).read_text().splitlines()
    assert events[0] == ",".join(EVENT_COLUMNS) == "t_ns,kind,duration_ms,x_px,y_px,x_deg,y_deg,label"
    assert events[1] == f"{2 * STEP_NS},blink,120.0,,,,,"
    assert '"format": 1' in (tmp_path / "anna" / INFO_FILE).read_text()


def test_survives_kill_9(tmp_path: Path) -> None:
    """Killed in the middle, with the camera's pictures kept: all rows are there, and the pictures up to a
    second before."""
    code = f"""
import sys; sys.path[:0] = [{str(Path(__file__).parents[2])!r}]
from pathlib import Path
from tests.session.test_recorder import *
recorder = SessionRecorder(Path({str(tmp_path / "anna")!r}), info(), keep_video=True).__enter__()
for index in range(10_000):
    recorder.write(frame(index, index % 200), sample(index))
    recorder.note(Event(index * STEP_NS, "trigger", label=str(index)))
    if index == 150:
        sys.stdout.write("there\\n"); sys.stdout.flush()
    if index > 150:
        time.sleep(0.01)
"""
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"there\n"
    time.sleep(0.2)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    session = read_session(tmp_path / "anna")
    assert not session.info.closed
    assert len(session.rows) > 150
    assert len(session.events) > 150
    pictures = list(session.frames())
    assert len(pictures) >= len(session.rows) - 35
    assert abs(int(pictures[100].image.mean()) - 100) <= 2
    assert pictures[100].t_ns == session.rows["t_ns"][100]


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes: what a full disk does, done by the kernel."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def write_until_it_fails(recorder: SessionRecorder) -> None:
    for index in range(1000):
        recorder.write(frame(index), sample(index))


def test_full_disk_ends_it_in_words_and_keeps_what_there_is(tmp_path: Path) -> None:
    recorder = SessionRecorder(tmp_path / "anna", info()).__enter__()
    with (
        largest_file(4000),
        pytest.raises(OutputError, match=r"recording stopped: cannot write .* rows are kept"),
    ):
        write_until_it_fails(recorder)
    recorder.write(frame(1000), sample(1000))  # passed over: it is closed
    session = read_session(tmp_path / "anna")
    assert len(session.rows) >= recorder.frames > 10
    assert not session.info.closed


def test_unfinished_last_line_is_left_out_and_a_broken_one_before_is_not(tmp_path: Path) -> None:
    record(tmp_path / "anna")
    for name in (CSV_FILE, EVENTS_FILE):
        path = tmp_path / "anna" / name
        whole = path.read_text()
        path.write_text(whole + whole.splitlines()[-1][:-1])  # as many values, the last of them cut
    session = read_session(tmp_path / "anna")
    assert (len(session.rows), len(session.events)) == (6, 3)
    path = tmp_path / "anna" / CSV_FILE
    path.write_text(path.read_text().replace(f"\n3,{3 * STEP_NS}", "\n3,what"))
    with pytest.raises(SessionError, match=r"gaze\.csv, line 5: "):
        read_session(tmp_path / "anna")


def test_pictures_are_as_good_as_the_camera(tmp_path: Path, portrait: np.ndarray) -> None:
    with SessionRecorder(tmp_path / "anna", info(), keep_video=True) as recorder:
        for index in range(5):
            recorder.write(Frame(portrait, index, index * STEP_NS), sample(index))
    read = list(read_session(tmp_path / "anna").frames())
    assert len(read) == 5
    difference = read[2].image.astype(int) - portrait
    assert 10 * np.log10(255**2 / (difference**2).mean()) > 36  # dB; crf 23 has 33 here


def test_wrong_folders_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match="is not a folder"):
        read_session(tmp_path / "nowhere")
    with pytest.raises(SessionError, match=r"has no session\.json"):
        read_session(tmp_path)
    record(tmp_path / "anna")
    with pytest.raises(OutputError, match="exists already"):
        SessionRecorder(tmp_path / "anna", info())
    with pytest.raises(SessionError, match="no pictures"):
        list(read_session(tmp_path / "anna").frames())
    path = tmp_path / "anna" / INFO_FILE
    text = path.read_text()
    for broken, why in (
        (text[:40], "is broken"),
        (text.replace('"format": 1', '"format": 9'), "format 9"),
        ("[]", "is broken"),
        ('{"a":' * 100_000, "nested too deeply"),
        (text.replace('"name": "anna"', '"name": 5'), "name must be a text"),
        (text.replace('"created": "', '"created": null, "later": "'), "created must be a text"),
        (text.replace('"started_ns": 5', '"started_ns": NaN'), "started_ns must be a whole number"),
        (text.replace('"fov_deg": 62.5', '"fov_deg": "wide"'), "fov_deg must be a number"),
        (text.replace('"screen": {', '"screen": 5, "later": {'), "its screen is no object"),
        (text.replace('"started_ns": 5', '"started_ns": 1' + "0" * 400), "a number of 401 digits"),
        (text.replace('"anna"', '"\\ud800"'), "half a character"),
    ):
        path.write_text(broken)
        with pytest.raises(SessionError, match=why):
            read_info(tmp_path / "anna")


def test_names(tmp_path: Path) -> None:
    for name in ("../up", "a/b", ".hidden", "x" * 81, "..", "a\\b"):
        with pytest.raises(UsageError):
            new_folder(tmp_path, name)
    (tmp_path / "anna").mkdir()
    assert new_folder(tmp_path, "anna") == tmp_path / "anna-2"
    record(tmp_path / "bob")
    assert find_sessions(tmp_path) == [tmp_path / "bob"]
    assert find_sessions(tmp_path / "nowhere") == []


def test_areas_of_interest(tmp_path: Path) -> None:
    """Dwell, first look, visits, against numbers worked out by hand: frames 33 ms apart, the third without
    gaze."""
    record(tmp_path / "anna")
    rows = read_session(tmp_path / "anna").rows
    inside, outside = area_looks(rows, [Area("in", 500, 0, 50, 50), Area("out", 0, 0, 50, 50)])
    assert inside.dwell_s == pytest.approx(5 * 0.033)
    assert (inside.first_s, inside.visits, inside.share) == (0.0, 2, pytest.approx(1.0))
    assert (outside.dwell_s, outside.first_s, outside.visits) == (0.0, None, 0)
    with pytest.raises(UsageError, match="above 0"):
        Area("flat", 0, 0, 10, 0)
