"""This computer as a platform: what is known of it, and its bench with and without a meter of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinytracker.cli.app import run
from tinytracker.costs.meters.pmic import Pmic
from tinytracker.costs.rows import read_cost_rows
from tinytracker.targets.host import target
from tinytracker.targets.host.run import describe_host


def test_what_the_system_tells(tmp_path: Path) -> None:
    (tmp_path / "scaling_cur_freq").write_text("2400000\n")
    (tmp_path / "scaling_governor").write_text("ondemand\n")
    (tmp_path / "cpuinfo").write_text("processor : 0\nmodel name : A Processor\ncpu MHz : 1234.5\n")
    told = describe_host(tmp_path, tmp_path / "cpuinfo")
    assert (told["cpu"], told["clock_mhz"], told["governor"]) == ("A Processor", "2400", "ondemand")
    told = describe_host(tmp_path / "none", tmp_path / "cpuinfo")
    assert (told["clock_mhz"], told["governor"]) == ("1234.5", "not told")
    assert describe_host(tmp_path / "none", tmp_path / "none")["clock_mhz"] == ""


def test_bench_without_a_meter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target, "own_meter", lambda: None)
    rows = tmp_path / "rows.csv"
    assert run(["-q", "bench", "host", "tinytracker-s", "--shortest-s", "0.03", "--csv", str(rows)]) == 0
    (row,) = read_cost_rows(rows)
    assert (row.platform, row.metric, row.how) == ("host", "inference", "measured")
    assert 0 < row.low <= row.value <= row.high
    assert {"cpu", "governor", "compiler", "model_sha256"} < row.conditions.keys()


def test_bench_with_a_pis_power_chip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """2 W on one rail the whole time: energy is the plug's power, by the fit, times the time; net of idle
    nothing is left."""
    text = "VDD_CORE_A current(7)=2.0A\nVDD_CORE_V volt(15)=1.0V\n"
    monkeypatch.setattr(target, "own_meter", lambda: Pmic(lambda: text))
    rows = tmp_path / "rows.csv"
    assert run(["-q", "bench", "host", "tinytracker-s", "--shortest-s", "1.2", "--csv", str(rows)]) == 0
    values = {row.metric: row.value for row in read_cost_rows(rows)}
    assert values["power"] == pytest.approx(1.1451 * 2000 + 587.9, rel=1e-3)
    assert values["energy_inference"] == pytest.approx(values["power"] * values["inference"] / 1e3, rel=1e-2)
    assert values["energy_inference_net"] == pytest.approx(0, abs=0.01 * values["energy_inference"])
