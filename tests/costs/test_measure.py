"""`tinytracker measure` as a user runs it: a recording, an emulated board, an emulated board beside a
replayed trace, refusals."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.costs.fakes.ppk2 import FakePpk2
from tests.costs.test_traces import eembc
from tinytracker.cli.app import run
from tinytracker.costs.blocks import LONGER
from tinytracker.costs.rows import read_cost_rows
from tinytracker.costs.traces.read import read_trace

needs_qemu = pytest.mark.skipif(
    shutil.which("qemu-system-arm") is None or shutil.which("arm-none-eabi-gcc") is None,
    reason="qemu-system-arm or arm-none-eabi-gcc is not installed",
)


def known(firmware: Path) -> list[str]:
    firmware.write_bytes(b"flashed")
    return [
        "--supply",
        "3.3",
        "--regulator",
        "LDO",
        "--clock-mhz",
        "120",
        "--compiler",
        "gcc -O2",
        "--powered",
        "chip",
        "--firmware",
        str(firmware),
    ]


def test_recording(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, rows = eembc(tmp_path, 1e3), tmp_path / "rows.csv"
    command = [
        "measure",
        "--trace",
        str(path),
        "--inferences",
        "100",
        "--meter",
        "LPM01A",
        "--model",
        "ic",
        "--platform",
        "nucleo",
    ]
    assert run([*command, "--csv", str(rows)]) == 3
    assert "supply_v, regulator, clock_mhz, compiler, firmware_sha256, powered" in capsys.readouterr().err
    assert not rows.exists()
    assert run([*command, *known(tmp_path / "fw.elf"), "--fps", "5", "--csv", str(rows)]) == 0
    values = {row.metric: row for row in read_cost_rows(rows)}
    assert values["energy_inference"].value == pytest.approx(4.8, rel=1e-3)
    assert values["inference"].value == pytest.approx(120)
    assert values["energy_inference_net"].value == pytest.approx(4.8 - 0.6, rel=1e-2)
    assert values["energy_frame"].value == pytest.approx(4.8 + 5 * 0.08, rel=1e-2)
    assert {row.platform for row in values.values()} == {"nucleo"}


def test_nothing_to_measure(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["measure"]) == 2
    assert run(["measure", "--board", "qemu-m4"]) == 2
    assert run(["measure", "--resistor", "1000"]) == 2
    assert run(["measure", "--board", "host", "--model", "tinytracker-s", "--inferences", "5"]) == 2
    assert run(["measure", "--meter", "ppk9", "--board", "host", "--model", "tinytracker-s"]) == 2
    assert "there is no meter 'ppk9'" in capsys.readouterr().err


def test_a_recording_is_not_asked_for_shorter_blocks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["measure", "--trace", str(eembc(tmp_path, 1e3)), "--shortest-s", "1"]) == 2
    assert "--shortest-s is for blocks that a --board runs" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [
        ("measure", "--board", "host", "--model", "tinytracker-s", "--csv"),
        ("measure", "--board", "host", "--model", "tinytracker-s", "--meter", "rapl", "--keep-trace"),
        ("bench", "host", "tinytracker-s", "--csv"),
        ("compare", "--html"),
        ("compare", "--markdown"),
        ("compare", "--csv"),
    ],
)
def test_outputs_are_checked_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    assert run(["-q", *command, str(tmp_path)]) == 7
    said = capsys.readouterr()
    assert "is a folder" in said.err
    assert not said.out


def test_resistor_from_a_recording(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "ohm.csv"
    path.write_text("time_s,current_ma\n" + "".join(f"{k / 1000:.3f},{3.366}\n" for k in range(3000)))
    assert run(["measure", "--trace", str(path), "--resistor", "1000", "--supply", "3.3"]) == 0
    assert "gain: +2.00 %" in capsys.readouterr().out


def test_host_without_meter(tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    command = [
        "measure",
        "--board",
        "host",
        "--model",
        "tinytracker-s",
        "--blocks",
        "2",
        "--shortest-s",
        "0.05",
    ]
    assert run([*command, "--csv", str(rows)]) == 0
    (row,) = read_cost_rows(rows)
    assert (row.platform, row.metric, row.how) == ("host", "inference", "measured")
    assert 0 < row.low <= row.value <= row.high
    assert {"cpu", "governor", "compiler", "model_sha256"} < row.conditions.keys()


@needs_qemu
def test_emulated_board_beside_a_replayed_trace(tmp_path: Path) -> None:
    """First without a meter, the marker's log against the counter; then with a recording made to these
    blocks."""
    pytest.importorskip("serial")
    rows, trace = tmp_path / "rows.csv", tmp_path / "trace.csv"
    command = [
        "measure",
        "--board",
        "qemu-m4",
        "--model",
        "tinytracker-s",
        "--blocks",
        "2",
        "--shortest-s",
        "0.02",
    ]
    assert run([*command, "--csv", str(rows)]) == 0
    (row,) = read_cost_rows(rows)
    assert (row.metric, row.how) == ("instructions", "emulated")
    assert 5e6 < row.value < 10e6
    each_s = row.value * 1e-9
    count = math.ceil(0.02 * LONGER / each_s)
    rate_hz = 100_000
    block, gap = round(count * each_s * rate_hz), rate_hz // 2
    power = np.concatenate([np.full(gap, 5.0), *([np.full(block, 40.0), np.full(gap, 5.0)] * 2)])
    marks = np.ones(len(power), int)
    for edge in (gap, gap + block, 2 * gap + block, 2 * gap + 2 * block):
        marks[edge : edge + 6] = 0
    trace.write_text(
        "Timestamp(ms),Current(uA),D0-D7\n"
        + "".join(
            f"{k / 100:.2f},{mw / 3.3e-3:.4f},{mark}0000000\n"
            for k, (mw, mark) in enumerate(zip(power, marks, strict=True))
        )
    )
    kept = tmp_path / "kept.npz"
    metered = [
        *command,
        "--meter",
        f"csv:{trace}",
        *known(tmp_path / "fw.elf"),
        "--csv",
        str(rows),
        "--keep-trace",
        str(kept),
    ]
    assert run(metered) == 0
    values = {found.metric: found.value for found in read_cost_rows(rows)}
    assert values["energy_inference"] == pytest.approx(40 * each_s, rel=2e-3)
    assert read_trace(kept).rate_hz == pytest.approx(rate_hz)
    trace.write_text(trace.read_text().replace(",00000000\n", ",10000000\n", 8))
    assert run(metered) == 3, "a marker's pulse is missing"


def test_live_meter_beside_the_host(tmp_path: Path) -> None:
    """A PPK2 in software, no marker wired: the blocks are this computer's, the energy is the fake's 36 mW
    times their time."""
    pytest.importorskip("serial")
    rows, kept = tmp_path / "rows.csv", tmp_path / "kept.npz"
    with FakePpk2(lambda times_s: np.full(len(times_s), 12e-3)) as device:
        command = [
            "measure",
            "--meter",
            f"ppk2:{device.path}",
            "--board",
            "host",
            "--model",
            "tinytracker-s",
            "--blocks",
            "2",
        ]
        options = [
            "--shortest-s",
            "0.3",
            *known(tmp_path / "fw"),
            "--csv",
            str(rows),
            "--keep-trace",
            str(kept),
        ]
        options[options.index("--supply") + 1] = "3.0"
        assert run([*command, *options]) == 0
    values = {row.metric: row for row in read_cost_rows(rows)}
    assert values["power"].value == pytest.approx(36, rel=5e-3)
    assert values["energy_inference"].value == pytest.approx(36 * values["inference"].value / 1e3, rel=1e-2)
    assert values["energy_inference"].high > 1.02 * values["energy_inference"].value, (
        "widened by the meter's gain error"
    )
    assert "9173" in values["power"].conditions["meter"]
    assert read_trace(kept).lost == 0
    assert run([*command, "--csv", str(rows)]) == 2, "without a supply voltage nothing begins"
