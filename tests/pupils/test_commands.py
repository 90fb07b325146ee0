"""`track-events` and `calibrate events`, from files to files, by a real network (as it is before
training)."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pyarrow.parquet as parquet
import pytest

from tests.pupils.eyes import at_dots, circling, random_network
from tinytracker.cli.app import run
from tinytracker.errors import INTERRUPTED
from tinytracker.events.files.streams import write_stream
from tinytracker.events.recordings import write_recording
from tinytracker.images import read_image
from tinytracker.pupils.drawing import FELL, PUPIL, ROSE, picture_of
from tinytracker.pupils.follow import PupilSample
from tinytracker.pupils.rows import COLUMNS


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(random_network(tmp_path_factory.mktemp("network") / "pupil.safetensors"))


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text())))


def test_rows_picture_and_video(tmp_path: Path, network: str, capsys: pytest.CaptureFixture[str]) -> None:
    recording = circling(0.5)
    write_recording(tmp_path / "eye", recording)
    out = {kind: tmp_path / f"pupil.{kind}" for kind in ("csv", "jsonl", "parquet", "mp4", "png")}
    command = ["-q", "track-events", str(tmp_path / "eye"), "--model", network, "--slow", "4"]
    for option, kind in (("--csv", "csv"), ("--jsonl", "jsonl"), ("--parquet", "parquet")):
        command += [option, str(out[kind])]
    assert run([*command, "--save", str(out["mp4"]), "--picture", str(out["png"])]) == 0
    said = capsys.readouterr().out
    assert "99 estimates" in said
    assert "px of the sensor, by" in said
    rows = rows_of(out["csv"])
    assert list(rows[0]) == list(COLUMNS)
    first_us = int(recording.events.t_us[0])
    assert [int(row["t_us"]) - first_us for row in rows] == [5000 * k for k in range(1, 100)]
    lines = [json.loads(line) for line in out["jsonl"].read_text().splitlines()]
    table = parquet.read_table(out["parquet"])
    assert [line["t_us"] for line in lines] == table["t_us"].to_pylist() == [int(row["t_us"]) for row in rows]
    valid = [row for row in rows if row["valid"] == "1"]
    assert all(-13 <= float(row["pupil_x_px"]) <= 346 + 13 for row in valid)
    with av.open(str(out["mp4"])) as video:
        frames = sum(1 for _ in video.decode(video=0))
    assert frames == pytest.approx(0.5 * 30 * 4, abs=2)
    assert read_image(out["png"]).shape == (520, 692, 3)


def test_every_kind_of_file_is_followed_alike(tmp_path: Path, network: str) -> None:
    events = circling(0.1).events
    got = []
    for suffix in (".aedat4", ".raw", ".h5", ".npz", ".txt"):
        write_stream(tmp_path / f"eye{suffix}", events)
        rows = tmp_path / f"{suffix[1:]}.csv"
        command = ["-q", "track-events", str(tmp_path / f"eye{suffix}"), "--model", network]
        assert run([*command, "--crop", "13,-30,5", "--csv", str(rows)]) == 0
        got.append(rows.read_text())
    assert len(set(got)) == 1


def test_calibrated_gaze_is_a_column(
    tmp_path: Path, network: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A network that knows nothing still sees other windows at other dots, so a map can be fitted."""
    recording, dots = at_dots(0.5)
    write_stream(tmp_path / "dots.aedat4", recording.events)
    table = "start_s,end_s,x_deg,y_deg\n" + "".join(f"{a},{b},{x},{y}\n" for a, b, x, y in dots)
    (tmp_path / "dots.csv").write_text(table)
    me = str(tmp_path / "me.json")
    where = ["--model", network, "--dots", str(tmp_path / "dots.csv"), "--out", me]
    assert run(["-q", "calibrate", "events", str(tmp_path / "dots.aedat4"), *where]) == 0
    assert "9 dots used" in capsys.readouterr().out
    rows = tmp_path / "gaze.csv"
    command = ["-q", "track-events", str(tmp_path / "dots.aedat4"), "--model", network, "--calibration", me]
    assert run([*command, "--csv", str(rows)]) == 0
    told = rows_of(rows)
    with_gaze = [row for row in told if row["gaze_x"]]
    assert len(with_gaze) > len(told) / 2
    assert {row["gaze_unit"] for row in told} == {"deg"}


def test_dots_that_are_left_out_are_named_with_why(
    tmp_path: Path, network: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It said how many there were."""
    recording, dots = at_dots(0.5)
    write_stream(tmp_path / "dots.aedat4", recording.events)
    dots = [*dots, (0.0, 0.2, 1.0, 1.0), (90.0, 91.0, 2.0, 2.0), (4.0, 4.31, 3.0, 3.0)]

    def calibrate(rows: list[tuple[float, float, float, float]]) -> int:
        lines = [f"{a},{b},{x},{y}\n" for a, b, x, y in rows]
        (tmp_path / "dots.csv").write_text("start_s,end_s,x_deg,y_deg\n" + "".join(lines))
        options = [
            "--model",
            network,
            "--dots",
            str(tmp_path / "dots.csv"),
            "--out",
            str(tmp_path / "me.json"),
        ]
        return run(["-q", "calibrate", "events", str(tmp_path / "dots.aedat4"), *options])

    assert calibrate(dots) == 0
    told = capsys.readouterr().out
    assert "9 dots used, 3 in which the pupil was not seen" in told
    assert "left out dot 10 at 1, 1 deg: shown no longer than the 0.3 s" in told
    assert "left out dot 11 at 2, 2 deg: not within the recording, which lasts 4.5 s" in told
    assert "left out dot 12 at 3, 3 deg: the pupil was seen in 2 of 2 estimates; 5 are needed" in told
    assert calibrate(dots[5:]) == 3
    told = capsys.readouterr().err
    assert "the pupil was seen in 4 of the 7 dots to fit; a map needs 6, better nine. dot 5 at 1, 1" in told


def test_what_is_no_file_of_events_is_told_all_that_would_do(
    tmp_path: Path, network: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_recording(tmp_path / "eyes" / "disc", circling(0.05))
    for source, told in (
        ("nothing", "nothing does not exist; expected a file of events (.aedat4"),
        ("eyes/disc/recording.json", "but of the recording"),
        ("eyes", "it holds some, such as"),
    ):
        assert run(["-q", "track-events", str(tmp_path / source), "--model", network]) == 3
        said = capsys.readouterr().err
        assert told in said
        assert "or a recording's folder (laid out as tinytracker, ini-30" in said


def test_the_events_own_speed(tmp_path: Path, network: str, capsys: pytest.CaptureFixture[str]) -> None:
    write_stream(tmp_path / "eye.npz", circling(0.2).events)
    command = [
        "-q",
        "track-events",
        str(tmp_path / "eye.npz"),
        "--model",
        network,
        "--realtime",
        "--hz",
        "50",
    ]
    assert run([*command, "--csv", str(tmp_path / "a.csv")]) == 0
    assert "at real speed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "code", "reason"),
    [
        (["--crop", "1,2"], 2, "expected three whole numbers"),
        (["--hz", "0"], 2, "expected more than 0"),
        (["--hz", "2e6"], 2, "at most 1e+06"),
        (["--hz", "9", "--every-events", "5"], 2, "--hz means nothing beside --every-events"),
        (["--slow", "9"], 2, "--slow means nothing without --save"),
        (["--slow", "0", "--save", "a.mp4"], 2, "plays 0 times slower; expected 0.01 to 10000"),
        (["--crop", "1000,0,4"], 2, "lies outside of the sensor of 346 x 260"),
        (["--csv", "eye.npz"], 2, "is read from, and would be overwritten"),
        (["--csv", "a.rows", "--jsonl", "a.rows"], 2, "is given for two outputs"),
        (["--picture", "a.jpg"], 2, "ends in .png"),
        (["--save", "a.avi"], 2, "ends in .mp4"),
        (["--start", "9"], 2, "there are no events from 9 s on"),
        (["--calibration", "nobody.json"], 3, "cannot be read"),
        (["--model", "tinytracker"], 2, "expected a network of pupils"),
    ],
)
def test_mistakes_are_told(
    tmp_path: Path,
    network: str,
    options: list[str],
    code: int,
    reason: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_stream(tmp_path / "eye.npz", circling(0.05).events)
    options = [str(tmp_path / word) if word.startswith(("a.", "eye.")) else word for word in options]
    assert run(["-q", "track-events", str(tmp_path / "eye.npz"), "--model", network, *options]) == code
    assert reason in capsys.readouterr().err
    (tmp_path / "no.raw").write_bytes(b"nothing")
    assert run(["-q", "track-events", str(tmp_path / "no.raw"), "--model", network]) == 3


def test_what_is_drawn_lies_where_it_was() -> None:
    recording = circling(0.01)
    sample = PupilSample(0, 5, 4, 3, 2, x_px=100.0, y_px=50.0)
    picture = picture_of(recording.events, sample, recording.labels[0])
    scale = 2
    assert picture.shape == (260 * scale, 346 * scale, 3)
    last = recording.events.rows(len(recording.events) - 1, len(recording.events))
    colour = ROSE if last.on[0] else FELL
    assert tuple(picture[int(last.y_px[0]) * scale + 1, int(last.x_px[0]) * scale + 1]) == colour
    assert tuple(picture[50 * scale, 100 * scale]) == PUPIL
    assert np.array_equal(picture, picture_of(recording.events, sample, recording.labels[0]))


def test_the_option_says_the_kind_of_file(tmp_path: Path, network: str) -> None:
    """--csv writes CSV, whatever the name: devices and FIFOs have no suffix."""
    write_stream(tmp_path / "eye.npz", circling(0.05).events)
    command = ["-q", "track-events", str(tmp_path / "eye.npz"), "--model", network]
    for name in ("a.txt", "a.jsonl"):
        assert run([*command, "--csv", str(tmp_path / name)]) == 0
    assert rows_of(tmp_path / "a.txt") == rows_of(tmp_path / "a.jsonl") != []


def test_ctrl_c_leaves_the_rows_until_then(tmp_path: Path) -> None:
    write_stream(tmp_path / "eye.npz", circling(5.0).events)
    command = ["-q", "track-events", str(tmp_path / "eye.npz"), "--realtime", "--hz", "20", "--csv"]
    process = subprocess.Popen(
        [sys.executable, "-m", "tinytracker", *command, str(tmp_path / "a.csv")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    partial = tmp_path / "a.csv.partial"
    try:
        deadline = time.monotonic() + 300
        while not (partial.exists() and partial.stat().st_size > 400):
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=300)
    finally:
        process.kill()
    assert process.returncode == INTERRUPTED, err
    assert f"{len(rows_of(tmp_path / 'a.csv'))} estimates" in out
    assert not partial.exists()
