"""`tinytracker bench mcu`: real runs on emulated cores, and every board's estimate made of them."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from tinytracker.cli.app import run
from tinytracker.targets.mcu.board import CYCLES_PER_INSTRUCTION, fit
from tinytracker.targets.mcu.boards import find_boards
from tinytracker.zoo import find

TOOLS = ("arm-none-eabi-gcc", "qemu-system-arm")
emulated = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in TOOLS),
    reason=f"{' or '.join(TOOLS)} is not there (make toolchain)",
)
MODEL = "tinytracker-s"


def read(path: Path) -> dict[tuple[str, str], tuple[float, str]]:
    """(platform, metric) -> value, how."""
    with path.open(newline="") as file:
        return {
            (row["platform"], row["metric"]): (float(row["value"]), row["how"])
            for row in csv.DictReader(file)
        }


@emulated
def test_one_core(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "costs.csv"
    assert run(["-q", "bench", "mcu", MODEL, "--board", "qemu-m4", "--csv", str(out)]) == 0
    rows = read(out)
    macs = find(MODEL).require_card().counts["macs"]
    instructions, how = rows["qemu-m4", "instructions"]
    assert how == "emulated"
    assert macs < instructions < 4 * macs
    assert rows["qemu-m4", "instructions_per_mac"][0] == pytest.approx(instructions / macs, abs=1e-3)
    assert "3 of 3" in capsys.readouterr().out, "the bytes of TensorFlow Lite Micro"


@emulated
def test_every_board(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "fit.csv"
    assert run(["-q", "bench", "mcu", MODEL, "--boards", "--csv", str(out)]) == 0
    rows = read(out)
    for name, board in find_boards().items():
        instructions = rows[name, "instructions"][0]
        cycles, how = rows[name, "cycles"]
        assert how == "estimated"
        assert cycles == pytest.approx(instructions * CYCLES_PER_INSTRUCTION[board.cpu], rel=1e-4)
        assert rows[name, "inference"][0] == pytest.approx(cycles / board.clock_mhz / 1000, rel=1e-3)
        fits = fit(board, int(rows[name, "flash"][0]), int(rows[name, "ram"][0])).fits
        assert rows[name, "fits"][0] == fits
        assert fits, "82,000 weights fit everywhere"
    lines = capsys.readouterr().out.splitlines()
    assert sum(MODEL in line for line in lines) == len(find_boards()), (
        "a line each, 80 columns wide, nothing cut"
    )


def test_mistakes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "mcu", MODEL, "--boards", "--board", "qemu-m4"]) == 2
    assert run(["bench", "mcu", MODEL, "--board", "qemu-m9"]) == 2
    assert "expected one of qemu-m0plus" in capsys.readouterr().err
