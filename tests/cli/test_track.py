"""`tinytracker track`, from the command line's end: files, options, errors, Ctrl-C."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest

from tinytracker.cli import app
from tinytracker.domain import Face, GazePoint
from tinytracker.engines.model import GazeModel
from tinytracker.images import write_image
from tinytracker.tracking.video import VideoWriter
from tinytracker.zoo import list_released


class StubModel:
    def refuse_unless_gaze(self) -> None:
        pass

    def predict(self, image: np.ndarray, face: Face) -> GazePoint:
        return GazePoint(2.0, -6.0)


@pytest.fixture
def stub_model(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float | None]]:
    """Puts a network in place that always looks at (2, -6) cm; the list says what was asked for."""
    asked: list[tuple[str, float | None]] = []

    def load(
        name: str, engine: str | None = None, output_scale_cm: float | None = None, **_: object
    ) -> StubModel:
        asked.append((name, output_scale_cm))
        return StubModel()

    monkeypatch.setattr(GazeModel, "load", load)
    return asked


@pytest.fixture
def video(tmp_path: Path, portrait: np.ndarray) -> Path:
    """Six frames of a face; nobody is there in the third."""
    path = tmp_path / "me.mp4"
    nobody = np.full_like(portrait, 100)
    with VideoWriter(path) as writer:
        for index, image in enumerate((portrait, portrait, nobody, portrait, portrait, portrait)):
            writer.write_picture(image, index * 50_000_000)
    return path


def track(*arguments: object) -> int:
    return app.run(["--quiet", "track", *map(str, arguments), "--no-eye-locator"])


def test_every_output_at_once(
    video: Path, tmp_path: Path, stub_model: list, capsys: pytest.CaptureFixture[str]
) -> None:
    screen = tmp_path / "screen.json"
    size = {"screen_width_cm": 30, "screen_height_cm": 20, "width_points": 1500, "height_points": 1000}
    screen.write_text(json.dumps(size))
    outputs = {kind: tmp_path / f"out/gaze.{kind}" for kind in ("csv", "jsonl", "parquet", "mp4")}
    code = track(
        video,
        *(
            "--csv",
            outputs["csv"],
            "--jsonl",
            outputs["jsonl"],
            "--parquet",
            outputs["parquet"],
            "--save",
            outputs["mp4"],
        ),
        *("--screen", screen, "--output-scale-cm", 30, "--no-filter", "--model", "some"),
    )
    assert code == 0
    assert stub_model == [("some", 30.0)]
    with outputs["csv"].open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["valid"] for row in rows] == ["1", "1", "0", "1", "1", "1"]
    assert (rows[0]["gaze_x_cm"], rows[0]["gaze_y_cm"]) == ("2.000", "-6.000")
    assert (rows[0]["screen_x_px"], rows[0]["screen_y_px"]) == (
        "850.0",
        "250.0",
    )  # 50 px per cm; camera 1 cm above (15, 0)
    assert [int(row["t_ns"]) for row in rows] == pytest.approx(
        [index * 50_000_000 for index in range(6)], abs=20_000
    )
    assert rows[2]["reason"] == "no face"
    lines = [json.loads(line) for line in outputs["jsonl"].read_text().splitlines()]
    assert [line["valid"] for line in lines] == [True, True, False, True, True, True]
    import pyarrow.parquet

    assert pyarrow.parquet.read_table(outputs["parquet"])["valid"].to_pylist() == [
        line["valid"] for line in lines
    ]
    with av.open(str(outputs["mp4"])) as container:
        assert len(list(container.decode(video=0))) == 6
    out = capsys.readouterr().out
    assert "6 frames, 5 with a gaze (83 %), 1 no face" in out
    assert "frames/s" in out
    assert str(outputs["csv"]) in out.replace("\n", "")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "gaze.csv",
        "gaze.jsonl",
        "gaze.mp4",
        "gaze.parquet",
    ]


def test_folder_of_pictures(tmp_path: Path, portrait: np.ndarray, stub_model: list) -> None:
    for index in (1, 2, 10):
        write_image(tmp_path / "photos" / f"{index}.jpg", portrait)
    assert track(tmp_path / "photos", "--csv", tmp_path / "gaze.csv", "--max-frames", 2) == 0
    assert len((tmp_path / "gaze.csv").read_text().splitlines()) == 3


def test_one_picture_is_printed(
    tmp_path: Path, portrait: np.ndarray, stub_model: list, capsys: pytest.CaptureFixture[str]
) -> None:
    write_image(tmp_path / "me.png", portrait)
    assert track(tmp_path / "me.png") == 0
    assert stub_model == [("tinytracker-eyes", None)]
    assert capsys.readouterr().out.startswith("0  gaze +2.0 -6.0 cm")


@pytest.mark.parametrize(("option", "moved"), [((), True), (("--filter",), False), (("--no-filter",), True)])
def test_pictures_stand_for_themselves_unless_filtered(
    tmp_path: Path,
    portrait: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
    option: tuple[str, ...],
    moved: bool,
) -> None:
    """Two photos of different gazes: a filter would mix them."""
    gazes = iter([GazePoint(0.0, 0.0), GazePoint(4.0, 0.0)])

    class Changing(StubModel):
        def predict(self, image: np.ndarray, face: Face) -> GazePoint:
            return next(gazes)

    monkeypatch.setattr(GazeModel, "load", lambda *arguments, **options: Changing())
    for index in range(2):
        write_image(tmp_path / "photos" / f"{index}.png", portrait)
    assert track(tmp_path / "photos", "--csv", tmp_path / "gaze.csv", *option) == 0
    with (tmp_path / "gaze.csv").open(newline="") as file:
        last = float(list(csv.DictReader(file))[-1]["gaze_x_cm"])
    assert (last == pytest.approx(4.0)) is moved


def test_camera_that_falls_silent_keeps_what_it_gave(
    tmp_path: Path,
    portrait: np.ndarray,
    stub_model: list,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from tinytracker.tracking import sources
    from tinytracker.tracking.sources import camera

    class Unplugged:
        given = 0

        def isOpened(self) -> bool:
            return True

        def read(self) -> tuple[bool, np.ndarray | None]:
            self.given += 1
            time.sleep(0.1)
            return (True, portrait[..., ::-1]) if self.given <= 4 else (False, None)

        def release(self) -> None:
            pass

    source = camera.CameraSource(3, timeout_s=1.0, open_capture=lambda device: Unplugged())
    monkeypatch.setattr(sources, "open_source", lambda place, pace: source)
    assert track("3", "--csv", tmp_path / "gaze.csv") == 5
    error = capsys.readouterr().err
    assert "tracking camera 3; Ctrl-C ends it" in error
    assert "camera 3 gave no frame for 1 s" in error
    assert 1 < len((tmp_path / "gaze.csv").read_text().splitlines()) <= 5


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("nothing.mp4",), 3, "nothing.mp4 does not exist"),
        (("me.mp4", "--csv", "same", "--jsonl", "same"), 2, "two outputs"),
        (("me.mp4", "--csv", "."), 7, "is a folder"),
        (("me.mp4", "--csv", "me.mp4"), 2, "would be overwritten"),
        (("me.mp4", "--save", "seen.avi"), 2, "expected a name that ends in .mp4"),
        (("me.mp4", "--screen", "gone.json"), 3, "gone.json does not exist; expected a screen's JSON"),
        (("me.mp4", "--face-model", "gone.onnx"), 3, "gone.onnx does not exist"),
        (("me.mp4", "--fov-deg", "500"), 2, "field of view"),
        (("me.mp4", "--max-frames", "0"), 2, "max-frames"),
        (("me.mp4", "--roi", "0,0,640,480"), 2, "for the AI Camera"),
        (("me.mp4", "--sensor-mode", "full"), 2, "for the AI Camera"),
        (("broken.mp4", "--csv", "gaze.csv"), 3, "broken.mp4 does not open as a video"),
        (("/dev/video98", "--csv", "gaze.csv"), 5, "/dev/video98 does not open"),
        (("me.mp4", "--window", "--csv", "gaze.csv"), 2, "no window"),
    ],
)
def test_bad_input_is_one_line_and_leaves_no_file(
    video: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stub_model: list,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.mp4").write_text("no video")
    if "--window" in arguments:
        import cv2

        if "GUI:                           NONE" not in cv2.getBuildInformation():
            pytest.skip("this OpenCV has windows")
    before = sorted(tmp_path.iterdir())
    assert track(*arguments) == code
    error = capsys.readouterr().err.strip()
    assert message in error
    assert len(error.splitlines()) == 1
    assert sorted(tmp_path.iterdir()) == before


def test_unknown_model(video: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert track(video, "--model", "no-such-network") == 3
    assert "no-such-network" in capsys.readouterr().err


def test_an_eye_locator_is_refused_before_the_first_frame(
    video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert track(video, "--model", "eye-locator", "--csv", tmp_path / "gaze.csv") == 2
    assert "is an eye locator and gives no gaze" in capsys.readouterr().err
    assert not (tmp_path / "gaze.csv").exists()


def test_change_of_size_keeps_what_came_before_it(
    tmp_path: Path, stub_model: list, capsys: pytest.CaptureFixture[str]
) -> None:
    joined = tmp_path / "joined.h264"
    content = b""
    for size in ((48, 64), (96, 128)):
        part = tmp_path / "part.h264"
        with av.open(str(part), "w") as container:
            stream = container.add_stream("libx264", rate=10)
            stream.height, stream.width = size
            stream.pix_fmt = "yuv420p"
            for _ in range(3):
                container.mux(
                    stream.encode(av.VideoFrame.from_ndarray(np.zeros((*size, 3), np.uint8), format="rgb24"))
                )
            container.mux(stream.encode(None))
        content += part.read_bytes()
    joined.write_bytes(content)
    assert track(joined, "--csv", tmp_path / "gaze.csv", "--save", tmp_path / "seen.mp4") == 3
    said = capsys.readouterr()
    assert "changes its size at frame 3" in said.err
    assert "3 frames, 0 with a gaze" in said.out
    assert len((tmp_path / "gaze.csv").read_text().splitlines()) == 4
    with av.open(str(tmp_path / "seen.mp4")) as container:
        assert len(list(container.decode(video=0))) == 3


# A run that lasts: a finder that takes its time, a network that needs no file.
SLOW_RUN = """
import sys, time
from tinytracker.cli import app
from tinytracker.domain import GazePoint
from tinytracker.engines.model import GazeModel
from tinytracker.faces.finder import HaarFinder

class Stub:
    def refuse_unless_gaze(self):
        pass

    def predict(self, image, face):
        return GazePoint(1.0, 2.0)

find = HaarFinder.find
def slowly(*arguments):
    time.sleep(0.02)
    return find(*arguments)

GazeModel.load = lambda *arguments, **options: Stub()
HaarFinder.find = slowly
app.main(sys.argv[1:])
"""


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_run_closes_its_files_whole(
    tmp_path: Path, portrait: np.ndarray, which: signal.Signals
) -> None:
    video = tmp_path / "long.mp4"
    with VideoWriter(video) as writer:
        for index in range(1500):
            writer.write_picture(portrait[:256, 96:352], index * 33_000_000)
    names = {kind: tmp_path / f"gaze.{kind}" for kind in ("csv", "jsonl", "parquet", "mp4")}
    arguments = [
        "--csv",
        names["csv"],
        "--jsonl",
        names["jsonl"],
        "--parquet",
        names["parquet"],
        "--save",
        names["mp4"],
    ]
    command = [sys.executable, "-c", SLOW_RUN, "track", video, "--no-eye-locator", *arguments]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".gaze.mp4*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.7)
    process.send_signal(which)
    out, error = process.communicate(timeout=60)
    assert process.returncode == 130, error
    assert error.splitlines()[-1] == "interrupted"
    assert "with a gaze" in out
    with names["csv"].open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert 0 < len(rows) < 1500
    assert [int(row["frame"]) for row in rows] == list(range(len(rows)))
    assert len(names["jsonl"].read_text().splitlines()) == len(rows)
    import pyarrow.parquet

    assert pyarrow.parquet.read_table(names["parquet"]).num_rows == len(rows)
    with av.open(str(names["mp4"])) as container:
        assert len(list(container.decode(video=0))) == len(rows)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "gaze.csv",
        "gaze.jsonl",
        "gaze.mp4",
        "gaze.parquet",
        "long.mp4",
    ]


@pytest.mark.parametrize("name", list_released("gaze"))
def test_released_networks_on_the_portrait(tmp_path: Path, portrait: np.ndarray, name: str) -> None:
    """A real face: it is found, and the gaze is finite and within 20 cm of the camera."""
    write_image(tmp_path / "portrait.png", portrait)
    arguments = [
        "track",
        str(tmp_path / "portrait.png"),
        "--model",
        name,
        "--csv",
        str(tmp_path / "gaze.csv"),
    ]
    assert app.run(["--quiet", *arguments]) == 0
    with (tmp_path / "gaze.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["valid"], row["faces"]) == ("1", "1")
    assert np.hypot(float(row["gaze_x_cm"]), float(row["gaze_y_cm"])) < 20
