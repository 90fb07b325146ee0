"""`tinytracker track --board`: a real mp4, an emulated board, a real serial link."""

from __future__ import annotations

import re
import shutil
import time
from csv import DictReader
from pathlib import Path

import av
import numpy as np
import pytest

from tests.link.stub_board import CBoard, PtyBoard, build_real_board, stub_files
from tinytracker.calibration.calibration import Calibration
from tinytracker.calibration.conditions import Conditions, NetworkUsed
from tinytracker.calibration.dots import Dot
from tinytracker.cli.app import run
from tinytracker.compiler import compile_model
from tinytracker.domain import Box, Face
from tinytracker.engines.model import GazeModel
from tinytracker.engines.serial_board import SerialBoardEngine
from tinytracker.errors import DeviceError
from tinytracker.geometry import point_at_angle_cm, visual_angle_deg
from tinytracker.link.link import BoardLink, open_port
from tinytracker.link.messages import POINT, Kind, Parser
from tinytracker.targets.mcu.machines import MACHINES
from tinytracker.targets.mcu.qemu import Emulator
from tinytracker.tracking import pipeline
from tinytracker.tracking.assemble import build_pipeline
from tinytracker.tracking.sinks import CsvSink
from tinytracker.tracking.sources import open_source
from tinytracker.zoo import find

TOOLS = ("arm-none-eabi-gcc", "qemu-system-arm")
emulated = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in TOOLS),
    reason=f"{' or '.join(TOOLS)} is not there (make toolchain)",
)
MODEL = "tinytracker-s"


@pytest.fixture
def video(tmp_path: Path, portrait: np.ndarray) -> Path:
    """Three frames of a portrait that moves."""
    path = tmp_path / "clip.mp4"
    height, width = portrait.shape[0] // 2 * 2, portrait.shape[1] // 2 * 2
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for shift in (0, 3, 6):
            image = np.ascontiguousarray(np.roll(portrait, shift, 1)[:height, :width])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return path


def gaze(csv: Path) -> list[tuple[str, str]]:
    """What was written, character by character."""
    with csv.open(newline="") as file:
        rows = list(DictReader(file))
    assert [row["valid"] for row in rows] == ["1", "1", "1"]
    return [(row["gaze_x_cm"], row["gaze_y_cm"]) for row in rows]


@pytest.fixture
def expected(video: Path, tmp_path: Path) -> dict[str, list[tuple[str, str]]]:
    """The host's gaze: `track` itself with LiteRT, and the same pipeline with TensorFlow Lite Micro's
    interpreter."""
    litert, micro = tmp_path / "litert.csv", tmp_path / "micro.csv"
    assert run(["-q", "track", str(video), "--model", MODEL, "--csv", str(litert), "--no-filter"]) == 0
    network = GazeModel.load(MODEL, engine="tflite-micro")
    with open_source(str(video)) as source, CsvSink(micro) as sink:
        pipeline.run(build_pipeline(network), source, [sink])
    return {"litert": gaze(litert), "tflite-micro": gaze(micro)}


def check_gaze(csv: Path, expected: dict[str, list[tuple[str, str]]]) -> None:
    """The bytes of TensorFlow Lite Micro, and LiteRT's within four steps of the output."""
    assert gaze(csv) == expected["tflite-micro"]
    step_cm = GazeModel.load(MODEL).engine.outputs[0].scale * 40
    apart = np.array(gaze(csv), float) - np.array(expected["litert"], float)
    assert np.abs(apart).max() <= 4 * step_cm + 0.001


@emulated
@pytest.mark.parametrize(("machine", "over"), [("qemu-m4", "pty"), ("qemu-m7", "tcp")])
def test_track_on_an_emulated_board(
    machine: str, over: str, video: Path, tmp_path: Path, expected, capsys
) -> None:
    """From mp4 to CSV through the real firmware: over a pseudo terminal, and over TCP."""
    csv = tmp_path / "board.csv"
    command = ["-q", "track", str(video), "--model", MODEL, "--csv", str(csv), "--no-filter", "--board"]
    if over == "pty":
        assert run([*command, machine]) == 0
    else:
        compiled = compile_model(find(MODEL).path.read_bytes(), MODEL, MACHINES[machine].cpu)
        with Emulator(compiled.files, MACHINES[machine], over="tcp") as board:
            assert run([*command, f"serial:{board.url}"]) == 0
    check_gaze(csv, expected)
    said = capsys.readouterr()
    told = " ".join(said.out.split())
    assert ("is emulated, which is slow" in said.err) == (over == "pty")
    assert f"{machine}: 3 frames, median" in told
    assert "instructions each, as the board counts" in told


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The firmware's link and the network, built for this machine."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not there to compile the firmware's link")
    return build_real_board(tmp_path_factory.mktemp("native"), MODEL)


def test_track_over_a_bad_wire_that_restarts(
    native: Path, video: Path, tmp_path: Path, expected, capsys
) -> None:
    """Lost bytes and a restart of the board on the way: the same gaze, and the summary tells what
    happened."""
    board = CBoard(native)
    reads = 0

    def trouble(data: bytes) -> bytes:
        nonlocal reads
        reads += 1
        if reads == 40:
            board.reset()
        return data[:-7] if reads in (12, 25) else data

    wire = PtyBoard(board, to_board=trouble)
    csv = tmp_path / "board.csv"
    command = [
        "-q",
        "track",
        str(video),
        "--model",
        MODEL,
        "--csv",
        str(csv),
        "--no-filter",
        "--board",
        f"serial:{wire.path}",
    ]
    assert run(command) == 0
    wire.unplug()
    check_gaze(csv, expected)
    told = " ".join(capsys.readouterr().out.split())
    assert "a stub: 3 frames" in told
    assert "1 restarts of the board" in told
    assert "asked again" in told


def test_a_board_that_falls_silent_leaves_the_rows_so_far(
    native: Path, video: Path, tmp_path: Path, monkeypatch, capsys
) -> None:
    """One line, the exit code of a device, and what was tracked before. The port is opened at another
    rate."""
    monkeypatch.setattr("tinytracker.targets.mcu.open.TIMEOUT_S", 0.5)
    dead = False

    def dying(data: bytes) -> bytes:
        nonlocal dead
        if dead:
            return b""
        dead = data[3:4] == bytes([Kind.RESULT])
        return data

    wire = PtyBoard(CBoard(native), to_host=dying)
    csv = tmp_path / "board.csv"
    board = f"serial:{wire.path}@230400"
    assert (
        run(["-q", "track", str(video), "--model", MODEL, "--csv", str(csv), "--no-filter", "--board", board])
        == 5
    )
    wire.unplug()
    error = capsys.readouterr().err
    assert "is silent" in error
    assert len(error.strip().splitlines()) == 1
    assert len(csv.read_text().splitlines()) == 1 + 1, "the header and the first frame"


class FastCamera:
    """200 frames/s of a portrait, for ever."""

    def __init__(self, image: np.ndarray) -> None:
        self.image = np.ascontiguousarray(image[:, :, ::-1])

    def isOpened(self) -> bool:
        return True

    def read(self) -> tuple[bool, np.ndarray]:
        time.sleep(0.005)
        return True, self.image

    def release(self) -> None:
        pass


def test_a_slow_board_drops_old_frames_and_says_so(
    native: Path, portrait: np.ndarray, monkeypatch, capsys
) -> None:
    """Back-pressure: the board takes its time, the camera goes on; each answer is of a fresh frame, the
    rest is counted."""

    def slowly(data: bytes) -> bytes:
        time.sleep(0.01)
        return data

    monkeypatch.setattr(
        "tinytracker.tracking.sources.camera._open_capture", lambda *given: FastCamera(portrait)
    )
    wire = PtyBoard(CBoard(native), to_board=slowly)
    began_ns = time.monotonic_ns()
    assert (
        run(
            [
                "-q",
                "track",
                "0",
                "--model",
                MODEL,
                "--board",
                f"serial:{wire.path}",
                "--max-frames",
                "4",
                "--no-window",
            ]
        )
        == 0
    )
    frames_came = (time.monotonic_ns() - began_ns) / 5e6
    wire.unplug()
    told = " ".join(capsys.readouterr().out.split())
    found = re.search(r"a stub: 4 frames, .*; (\d+) camera frames came faster and were dropped", told)
    assert found is not None, told
    assert 4 < int(found[1]) < frames_came


@emulated
def test_a_board_that_dies_is_said(portrait: np.ndarray) -> None:
    path = find(MODEL).path
    compiled = compile_model(path.read_bytes(), MODEL, MACHINES["qemu-m7"].cpu)
    height, width = portrait.shape[:2]
    face = Face(Box(width * 0.3, height * 0.1, width * 0.4, width * 0.4))
    with Emulator(compiled.files, MACHINES["qemu-m7"], over="tcp") as board:
        link = BoardLink(open_port(board.url), "the board", timeout_s=20.0, tries=3)
        engine = SerialBoardEngine(link, path)
        model = GazeModel(GazeModel.load(path).card, engine)
        for _ in range(2):
            model.run(portrait, face)
        assert len(set(engine.counts)) <= 2
        assert max(engine.counts) - min(engine.counts) < 0.02 * max(engine.counts)
        board.kill()
        link.timeout_s = 0.2
        with pytest.raises(DeviceError, match=r"unplugged|is silent"):
            model.run(portrait, face)
        link.close()


@emulated
def test_board_with_another_network() -> None:
    with Emulator(stub_files(), MACHINES["qemu-m4"], over="tcp") as board:
        link = BoardLink(open_port(board.url), "the board", timeout_s=20.0)
        with pytest.raises(DeviceError, match="runs another network"):
            SerialBoardEngine(link, find(MODEL).path)
        link.close()


@pytest.mark.parametrize(
    ("board", "code", "message"),
    [
        ("nothing", 2, "expected serial:PORT"),
        ("serial:/dev/ttyNONE9", 5, "cannot open /dev/ttyNONE9"),
        ("serial:/dev/ttyNONE9@fast", 2, "expected PORT or PORT@BAUD"),
    ],
)
def test_refusals(
    video: Path, capsys: pytest.CaptureFixture[str], board: str, code: int, message: str
) -> None:
    assert run(["track", str(video), "--model", MODEL, "--board", board]) == code
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1


def test_a_board_is_given_the_persons_calibration(
    native: Path, video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every answer brings the board's own point: at the distance of the calibration, what the host's formula
    says."""
    dots = [Dot.of_angles((x, y), [(x - 1.0, y + 3.0)] * 15) for x, y in ((0, -8), (-12, -2), (12, -14))]
    used = Conditions(NetworkUsed(MODEL, find(MODEL).sha256))
    calibration = Calibration.fit(dots, conditions=used)
    calibration.save(tmp_path / "me.json")
    told: list[bytes] = []

    def overheard(data: bytes) -> bytes:
        told.append(data)
        return data

    wire = PtyBoard(CBoard(native), to_host=overheard)
    command = ["-q", "track", str(video), "--model", MODEL, "--no-filter", "--board", f"serial:{wire.path}"]
    assert run([*command, "--calibration", str(tmp_path / "me.json")]) == 0
    wire.unplug()
    assert "gave calibrated points of its own" in capsys.readouterr().out
    (output,) = GazeModel.load(MODEL).engine.outputs
    distance_cm = calibration.dots[0].distance_cm
    results = [message for message in Parser().feed(b"".join(told)) if message.kind == Kind.RESULT]
    assert len(results) == 3
    for result in results:
        raw = np.frombuffer(result.payload[8:10], np.int8).astype(float)
        raw_cm = (raw - output.zero_point) * output.scale * 40
        calibrated_deg = calibration.apply(*visual_angle_deg(*raw_cm, distance_cm))
        expected_cm = point_at_angle_cm(*calibrated_deg, distance_cm)
        np.testing.assert_allclose(POINT.unpack(result.payload[10:]), expected_cm, atol=2e-5, rtol=2e-6)
