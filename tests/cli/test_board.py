"""`tinytracker track --board`: a real mp4, an emulated board, a real serial link."""

from __future__ import annotations

import shutil
from pathlib import Path

import av
import numpy as np
import pytest

from tests.targets.mcu.stub_board import stub_files
from tinytracker.cli.app import run
from tinytracker.domain import Box, FaceBox
from tinytracker.engines.board_link import BoardLink, open_port
from tinytracker.engines.model import GazeModel
from tinytracker.engines.serial_board import SerialBoardEngine
from tinytracker.errors import DeviceError
from tinytracker.targets.mcu import compile_model
from tinytracker.targets.mcu.machines import MACHINES
from tinytracker.targets.mcu.qemu import Emulator
from tinytracker.targets.tflite_model import find_tflite

TOOLS = ("arm-none-eabi-gcc", "qemu-system-arm")
emulated = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in TOOLS), reason=f"{' or '.join(TOOLS)} is not there (make toolchain)"
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


def gaze_columns(path: Path) -> list[str]:
    return path.read_text().splitlines()


@emulated
def test_track_on_an_emulated_board_gives_the_hosts_gaze(video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Over a pseudo terminal, from mp4 to CSV. int8 outputs differ by 2 at most, so gaze by 2 * 40 / 128 cm."""
    rows = {}
    for name, board in (("host", []), ("board", ["--board", "qemu-m4"])):
        csv = tmp_path / f"{name}.csv"
        assert run(["-q", "track", str(video), "--model", MODEL, "--csv", str(csv), "--no-filter", *board]) == 0
        rows[name] = np.genfromtxt(csv, delimiter=",", names=True, usecols=("gaze_x_cm", "gaze_y_cm", "valid"))
    assert rows["host"]["valid"].tolist() == rows["board"]["valid"].tolist() == [1, 1, 1]
    for axis in ("gaze_x_cm", "gaze_y_cm"):
        assert np.abs(rows["host"][axis] - rows["board"][axis]).max() <= 2 * 40 / 128 + 0.01
    told = " ".join(capsys.readouterr().out.split())
    assert "qemu-m4: 3 frames, median" in told
    assert "instructions each, as the board counts" in told


@emulated
def test_board_over_tcp_is_tflm_byte_by_byte_until_it_dies(portrait: np.ndarray) -> None:
    path = find_tflite(Path(MODEL), "this test")
    compiled = compile_model(path.read_bytes(), MODEL, MACHINES["qemu-m7"].cpu)
    with Emulator(compiled.files, MACHINES["qemu-m7"], over="tcp") as board:
        link = BoardLink(open_port(board.url), "the board", timeout_s=20.0, tries=3)
        engine = SerialBoardEngine(link, path)
        model = GazeModel(GazeModel.load(path).card, engine)
        oracle = GazeModel.load(path, engine="tflite-micro")
        height, width = portrait.shape[:2]
        for shift in (0, 20, 40):
            face = FaceBox(Box(width * 0.3 + shift, height * 0.1, width * 0.4, width * 0.4))
            assert model.run(portrait, face).tolist() == oracle.run(portrait, face).tolist()
        assert len(engine.counts) == 3
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
            SerialBoardEngine(link, find_tflite(Path(MODEL), "this test"))
        link.close()


@pytest.mark.parametrize(
    ("board", "code", "message"),
    [
        ("nothing", 2, "expected serial:PORT"),
        ("serial:/dev/ttyNONE9", 5, "cannot open /dev/ttyNONE9"),
    ],
)
def test_refusals(video: Path, capsys: pytest.CaptureFixture[str], board: str, code: int, message: str) -> None:
    assert run(["track", str(video), "--model", MODEL, "--board", board]) == code
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1
