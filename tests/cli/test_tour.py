"""Every line of the README's tour and of the documentation's first steps runs, in their order, on small
sizes; the README's sample errors are what the commands say."""

from __future__ import annotations

import re
import shlex
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from tests.recordings import write_dataset_of_people
from tinytracker.cli import app as cli
from tinytracker.errors import DeviceError, TinytrackerError
from tinytracker.targets.imx500.making import toolchain
from tinytracker.tracking.video import VideoWriter

ROOT = Path(__file__).parents[2]
TIME = re.compile(r"(\d+ to )?\d+ (s|min|h)\b|until|less than|at once")
FIRST_TRAINED = "tinytracker train tinytracker-eyes --data dataset --out runs/eyes"

# What is added to a line so that it is small: of an option given twice, the last counts.
SMALL = {
    "tinytracker demo": "--seconds 1",
    "tinytracker live --demo": "--help",  # stays until its page is closed; tests/web sits before it
    "tinytracker track 0": "--max-frames 1 --no-window",
    "tinytracker track me.mp4 --csv gaze.csv": "--no-window",
    "tinytracker synth people --people 1000": "--people 4 --frames 2",
    FIRST_TRAINED: "--steps 1",
    "tinytracker export runs/eyes/best.safetensors --data dataset": "--calibration-samples 4 --qat-steps 0",
    "tinytracker track me.mp4 --model tinytracker-s --board qemu-m4": "--max-frames 2 --no-window",
    "tinytracker train tinytracker-imx --data dataset --out runs/imx": "--steps 1",
    "tinytracker export runs/imx/best.safetensors --target imx500 --data dataset --out exported": (
        "--calibration-samples 4 --qat-steps 0"
    ),
    "tinytracker demo events": "--seconds 0.5 --sensor speck",
    "tinytracker reproduce --quick": "--help",  # minutes; tests/study runs its parts
}
CAMERAS = ("tinytracker track 0",)


@dataclass(frozen=True)
class Line:
    command: str
    comment: str


def _block(page: str, heading: str, number: int = 0) -> str:
    """A code block of a page below a heading."""
    below = (ROOT / page).read_text().split(f"## {heading}\n", 1)[1]
    return below.split("```", 2 * number + 2)[2 * number + 1].split("\n", 1)[1]


def _lines(page: str, heading: str) -> list[Line]:
    parts = (line.partition("#") for line in _block(page, heading).splitlines() if line.strip())
    return [Line(command.strip(), comment.strip()) for command, _, comment in parts]


def _errors() -> list[tuple[str, str]]:
    """Command and what it says, of the README's sample errors."""
    told = _block("README.md", "A tour", 1)
    return [
        (one.partition("\n")[0], one.partition("\n")[2].strip()) for one in told.split("$ ") if one.strip()
    ]


TOUR, FIRST_STEPS, ERRORS = _lines("README.md", "A tour"), _lines("docs/index.md", "First steps"), _errors()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, portrait: np.ndarray) -> Path:
    """Where the tour is made: two short videos of a real face lie there, as a newcomer's own would."""
    folder = tmp_path_factory.mktemp("tour")
    for name in ("clip.mp4", "me.mp4"):
        with VideoWriter(folder / name) as writer:
            for index in range(6):
                writer.write_picture(portrait, index * 50_000_000)
    return folder


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    return folder


def _missing(command: str) -> str | None:
    """What a line needs that is not on this computer."""
    if "train" in command or "export runs" in command:
        for module in ("torch", "litert_torch"):
            if find_spec(module) is None:
                return f"{module} is not installed"
    if ("bench mcu" in command or "qemu" in command) and not all(
        map(shutil.which, ("arm-none-eabi-gcc", "qemu-system-arm"))
    ):
        return "gcc-arm-none-eabi and qemu-system-arm are not installed (make toolchain)"
    if "exported" in command:
        try:
            toolchain.require()
        except TinytrackerError as error:
            return str(error)
    return None


def _run(command: str) -> int:
    assert command.startswith("tinytracker ")
    return cli.run(shlex.split(command)[1:])


@pytest.mark.parametrize("line", [*TOUR, *FIRST_STEPS], ids=lambda line: line.command)
def test_every_line_runs(line: Line, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if line.command.startswith("make "):
        assert f"\n{line.command.removeprefix('make ')}:" in (ROOT / "Makefile").read_text()
        return
    if (missing := _missing(line.command)) is not None:
        pytest.skip(missing)
    code = _run(f"{line.command} {SMALL.get(line.command, '')}")
    err = capsys.readouterr().err
    assert code in ((0, DeviceError.exit_code) if line.command in CAMERAS else (0,)), err
    assert "Traceback" not in err


@pytest.mark.parametrize("line", [*TOUR, *FIRST_STEPS], ids=lambda line: line.command)
def test_every_line_says_how_long_it_takes(line: Line) -> None:
    assert TIME.match(line.comment), f"{line.command}: expected a time first, got {line.comment!r}"


def test_every_small_size_is_of_a_line() -> None:
    assert set(SMALL) <= {line.command for line in (*TOUR, *FIRST_STEPS)}


@pytest.mark.parametrize(("command", "told"), ERRORS, ids=[command for command, _ in ERRORS])
def test_the_sample_errors_are_what_is_said(
    command: str, told: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if not Path("dataset").exists():  # this test was chosen alone
        write_dataset_of_people(here, people=4, frames=1)
    assert _run(command) > 0
    assert capsys.readouterr().err.strip() == told
