"""The command line in hostile places: names with markup, other encodings, full disks, kills; one line and
an exit code."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

from tinytracker.cli.console import WIDTH_IN_FILES
from tinytracker.errors import OutputError
from tinytracker.images import write_image
from tinytracker.tracking.sources import open_source
from tinytracker.tracking.video import VideoWriter


def run(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tinytracker", "--quiet", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)  # type: ignore[call-overload]


@pytest.fixture
def portraits(tmp_path: Path, portrait: np.ndarray) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(3):
        write_image(folder / f"{number}.jpg", portrait)
    return folder


def test_names_with_markup_are_written_and_told_as_they_are(portraits: Path, tmp_path: Path) -> None:
    names = [tmp_path / "[bold].csv", tmp_path / "a[" / "b].jsonl"]
    answer = run("track", portraits, "--csv", names[0], "--jsonl", names[1])
    assert answer.returncode == 0, answer.stderr
    for name in names:
        assert f"written: {name}" in answer.stdout
        assert name.exists()


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp1252"])
def test_other_encodings(encoding: str) -> None:
    others = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    answer = run("models", env={**others, "PYTHONIOENCODING": encoding})
    assert answer.returncode == 0, answer.stderr
    assert "tinytracker-eyes" in answer.stdout


def test_tables_are_not_cut_in_a_pipe() -> None:
    answer = run("models", env={name: value for name, value in os.environ.items() if name != "COLUMNS"})
    assert 80 < max(map(len, answer.stdout.splitlines())) <= WIDTH_IN_FILES
    assert "…" not in answer.stdout


def test_rows_on_standard_output_are_not_mixed_with_words(portraits: Path) -> None:
    answer = run("track", portraits, "--csv", "/dev/stdout")
    assert answer.returncode == 0, answer.stderr
    rows = list(csv.DictReader(answer.stdout.splitlines()))
    assert [row["frame"] for row in rows] == ["0", "1", "2"]
    assert "3 frames, 3 with a gaze" in answer.stderr


def test_a_bad_picture_is_a_row_and_is_counted(portraits: Path, tmp_path: Path) -> None:
    jpeg = (portraits / "1.jpg").read_bytes()
    (portraits / "1.jpg").write_bytes(jpeg[: len(jpeg) // 2] + jpeg[-2:])
    (portraits / "notes.txt").touch()
    answer = run("track", portraits, "--jsonl", tmp_path / "gaze.jsonl", "--save", tmp_path / "seen.mp4")
    assert answer.returncode == 0, answer.stderr
    assert "3 frames, 2 with a gaze (67 %), 1 unreadable picture" in answer.stdout
    assert f"not read of {portraits}: 1 .txt" in answer.stdout
    rows = [json.loads(line) for line in (tmp_path / "gaze.jsonl").read_text().splitlines()]
    assert [row["valid"] for row in rows] == [True, False, True]
    assert rows[1]["reason"].startswith("unreadable picture: 1.jpg is a ")


def test_an_upside_down_clip_gives_no_gaze(tmp_path: Path, portrait: np.ndarray) -> None:
    with VideoWriter(tmp_path / "down.mp4") as video:
        for number in range(5):
            video.write_picture(
                np.ascontiguousarray(np.roll(portrait, number, axis=1)[::-1, ::-1]), number * 40_000_000
            )
    answer = run("track", tmp_path / "down.mp4")
    assert answer.returncode == 0, answer.stderr
    assert "5 frames, 0 with a gaze" in answer.stdout


def test_mirrored_sends_the_gaze_to_the_other_side(tmp_path: Path, portrait: np.ndarray) -> None:
    write_image(tmp_path / "plain.png", portrait)
    write_image(tmp_path / "mirrored.png", np.ascontiguousarray(portrait[:, ::-1]))
    rows = []
    for arguments in (("plain.png",), ("mirrored.png", "--mirrored"), ("mirrored.png",)):
        answer = run("track", *arguments, "--jsonl", "gaze.jsonl", cwd=tmp_path)
        assert answer.returncode == 0, answer.stderr
        rows.append(json.loads((tmp_path / "gaze.jsonl").read_text()))
    assert rows[0] == rows[1]
    assert abs(rows[2]["gaze_x_cm"] - rows[0]["gaze_x_cm"]) > 1


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "save"])
def test_a_full_disk_is_one_line_and_what_was_got_is_there(
    full_disk: Path, portraits: Path, tmp_path: Path, kind: str
) -> None:
    """The disk has 64 kB, of which something takes nearly all."""
    for number in range(3, 120):
        os.link(portraits / "0.jpg", portraits / f"{number}.jpg")
    (full_disk / "ballast").write_bytes(bytes(56 << 10))
    target = full_disk / ("seen.mp4" if kind == "save" else f"gaze.{kind}")
    other = "--jsonl" if kind == "csv" else "--csv"
    answer = run("track", portraits, f"--{kind}", target, other, tmp_path / "other", "--no-eye-locator")
    assert answer.returncode == OutputError.exit_code, answer.stderr
    assert "Traceback" not in answer.stderr
    last = answer.stderr.strip().splitlines()[-1]
    assert last.startswith("error: cannot write")
    assert "No space left on device" in last
    if kind in ("csv", "jsonl"):
        rows = target.read_text().splitlines()
        assert 10 < len(rows) < 120
        assert (tmp_path / "other").stat().st_size, "the other disk's rows are kept"
    if kind == "parquet":
        assert 10 < len((full_disk / "gaze.parquet.jsonl").read_text().splitlines()) < 120


def test_kill_leaves_the_rows_and_the_next_run_keeps_them(tmp_path: Path, portrait: np.ndarray) -> None:
    with VideoWriter(tmp_path / "long.mp4") as video:
        small = cv2.resize(portrait, (256, 256))
        for number in range(2000):
            video.write_picture(small, number * 40_000_000)
    command = [
        sys.executable,
        "-m",
        "tinytracker",
        "-q",
        "track",
        "long.mp4",
        "--csv",
        "gaze.csv",
        "--parquet",
        "gaze.parquet",
    ]
    process = subprocess.Popen(command, cwd=tmp_path)
    partial = tmp_path / "gaze.csv.partial"
    deadline = time.monotonic() + 60
    while not (partial.exists() and partial.stat().st_size > 2000) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it was done before it was killed"
    rows = list(csv.DictReader(partial.read_text().splitlines()))
    assert len(rows) >= 10
    assert [int(row["frame"]) for row in rows] == list(range(len(rows)))
    answer = run("track", "long.mp4", "--max-frames", "3", "--csv", "gaze.csv", cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert "is left of a run that was killed; it is kept as" in answer.stderr
    assert len((tmp_path / "gaze.csv").read_text().splitlines()) == 4
    assert len((tmp_path / "gaze.csv.partial-1").read_text().splitlines()) == len(rows) + 1


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("track", ""), 3, "an argument is empty"),
        (("prepare", "", "out"), 3, "an argument is empty"),  # else the working directory
        (("track", "photos", "--csv", ""), 2, "--csv is empty"),
        (("convert", "photos", "--to", "bids", "--out", "out", "--subject="), 2, "--subject is empty"),
        (("track", "photos", "--csv", "x" * 300), 7, "File name too long"),
        (("track", "x" * 5000), 3, "File name too long|does not exist"),
        (("track", "photos", "--screen", "/dev/zero"), 3, "is a device"),
        (("track", "photos", "--csv", "/dev/full"), 7, "No space left on device"),
        (("evaluate", "tinytracker", "--data", "nowhere", "--csv", "."), 7, "is a folder"),
        (("export", "nope.safetensors"), 3, "nope.safetensors does not exist"),
        (("lint", "/dev/null", "--target", "coral"), 3, "no regular file"),
        pytest.param(
            ("export", "tinytracker-s", "--target", "onnx"),
            3,
            "a checkpoint is wanted",
            marks=pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed"),
        ),
        pytest.param(
            ("synth", "out", "--people", "1000000000000"),
            2,
            "people should be at most 100,000",
            marks=pytest.mark.skipif(find_spec("numba") is None, reason="numba is not installed"),
        ),
    ],
)
def test_bad_names_are_one_line(
    portraits: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    answer = run(*arguments, cwd=tmp_path)
    assert answer.returncode == code, answer.stderr
    assert re.search(message, answer.stderr), answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", "2>/dev/full", "<&- >&-"])
def test_closed_or_full_standard_streams_end_nothing(closed: str, portraits: Path, tmp_path: Path) -> None:
    """As services and cron jobs have them: the rows are there, and nothing else is among them."""
    command = [sys.executable, "-m", "tinytracker", "track", portraits, "--csv", tmp_path / "gaze.csv"]
    line = f"{shlex.join(map(str, command))} {closed}"
    answer = subprocess.run(line, shell=True, capture_output=True, text=True, timeout=120)
    assert answer.returncode == 0, answer.stderr
    assert "Traceback" not in answer.stderr
    with (tmp_path / "gaze.csv").open(newline="") as file:
        assert [row["frame"] for row in csv.DictReader(file)] == ["0", "1", "2"]


def test_a_mistake_nobody_can_read_has_its_code() -> None:
    for closed in ("2>&-", "2>/dev/full", ">&- 2>&-"):
        line = f"{sys.executable} -m tinytracker models nobody {closed}"
        assert subprocess.run(line, shell=True, timeout=60).returncode == 3


def test_words_of_every_command_leave_standard_output_to_rows(tmp_path: Path) -> None:
    answer = run("bench", "host", "tinytracker-s", "--shortest-s", 0.01, "--csv", "/dev/stdout")
    assert answer.returncode == 0, answer.stderr
    assert [row["metric"] for row in csv.DictReader(answer.stdout.splitlines())] == ["inference"]
    assert "wrote 1 rows to /dev/stdout" in answer.stderr


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows hangs nothing up")
def test_a_terminal_that_is_closed_leaves_whole_files(tmp_path: Path, portrait: np.ndarray) -> None:
    import pty

    with VideoWriter(tmp_path / "long.mp4") as video:
        for number in range(1500):
            video.write_picture(portrait[:256, 96:352], number * 33_000_000)
    child, terminal = pty.fork()
    if child == 0:
        words = ["track", "long.mp4", "--csv", "gaze.csv", "--save", "seen.mp4", "--no-window"]
        os.chdir(tmp_path)
        os.environ["TERM"] = "xterm"  # where none is said, or one of these is, no progress is drawn
        for name in ("TINYTRACKER_QUIET", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "FORCE_COLOR"):
            os.environ.pop(name, None)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup it is ignored, and rightly stays so
        os.execv(sys.executable, [sys.executable, "-m", "tinytracker", *words])
    told = b""
    while b"Tracking" not in told:
        try:
            told += os.read(terminal, 4096)
        except OSError:
            raise AssertionError(told.decode()) from None
    time.sleep(0.5)
    os.close(terminal)
    os.waitpid(child, 0)
    with (tmp_path / "gaze.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert 0 < len(rows) < 1500
    with open_source(str(tmp_path / "seen.mp4")) as seen:
        assert len(list(seen)) == len(rows)


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux")
def test_names_of_another_encoding_are_written_and_read(portraits: Path, tmp_path: Path) -> None:
    name = os.fsdecode(os.fsencode(tmp_path) + b"/m\xe9.csv")
    folder = portraits.rename(portraits.with_name(os.fsdecode(b"\xe9t\xe9")))
    answer = run("track", folder, "--csv", name)
    assert answer.returncode == 0, answer.stderr
    assert Path(name).is_file()
