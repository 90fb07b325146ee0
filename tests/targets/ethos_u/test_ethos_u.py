"""Arm's Vela on real networks: what it estimates, what it leaves to the processor, how its failures read."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.targets.coral.baked import bake
from tinytracker.cli.app import run
from tinytracker.domain import Box
from tinytracker.findings import Severity, has_errors
from tinytracker.targets.ethos_u import vela
from tinytracker.targets.ethos_u.lint import lint
from tinytracker.tflite.schema import operator_name, unpack
from tinytracker.zoo import find

pytest.importorskip("ethosu.vela", reason="Vela (the extra ethos-u) is not installed")


def test_a_released_network_maps_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = [
        "export",
        "tinytracker-s",
        "--target",
        "ethos-u",
        "--accelerator",
        "ethos-u55-64",
        "--out",
        str(tmp_path),
    ]
    assert run(command) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "for ethos-u55-64" in told
    assert "0 on the processor" in told
    assert "estimated by Vela" in told
    model = unpack((tmp_path / "tinytracker-s_vela.tflite").read_bytes())
    assert [operator_name(model, operator) for operator in model.subgraphs[0].operators] == ["CUSTOM"], (
        "one command stream"
    )
    rows = [line for line in (tmp_path / "report.md").read_text().splitlines() if line.startswith("| ")]
    assert len(rows) > 15


def test_estimates_are_of_this_network(tmp_path: Path) -> None:
    card, path = find("tinytracker-s").card, find("tinytracker-s").path
    small, large = (vela.estimate(path, name, tmp_path / name) for name in ("ethos-u55-32", "ethos-u55-256"))
    for made in (small, large):
        assert card.counts["macs"] <= made.macs < 1.01 * card.counts["macs"]  # Vela counts the pooling too
        assert sum(layer.macs for layer in made.layers) == made.macs
        assert 50_000 < made.weight_bytes < 200_000
        assert made.milliseconds == pytest.approx(1000 * made.cycles / made.clock_hz, rel=0.01)
    assert large.cycles < small.cycles


def test_what_falls_to_the_processor_is_named(tmp_path: Path) -> None:
    path = tmp_path / "float_end.tflite"
    content = find("tinytracker-s").path.read_bytes()
    path.write_bytes(bake(content, Box(64, 24, 192, 192), (320, 240), float_output=True))
    findings = lint(path)
    assert not has_errors(findings)
    warnings = [finding for finding in findings if finding.severity is Severity.WARNING]
    assert [finding.layer for finding in warnings] == ["layer 22 (DEQUANTIZE)"]
    assert "end the network in int8" in warnings[0].remedy
    assert "1 on the processor" in findings[-1].message


def test_mistakes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = str(tmp_path / "out")
    assert (
        run(["export", "tinytracker-s", "--target", "ethos-u", "--accelerator", "ethos-u99", "--out", out])
        == 2
    )
    assert "expected one of ethos-u55-32" in capsys.readouterr().err
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes(b"\0\0\0\0TFL3" + bytes(100))
    assert run(["export", str(damaged), "--target", "ethos-u", "--out", out]) == 3
    assert len(capsys.readouterr().err.splitlines()) == 1
    monkeypatch.setattr(vela.importlib.util, "find_spec", lambda name: None)
    assert run(["lint", "tinytracker-s", "--target", "ethos-u"]) == 4
    assert "pip install 'tinytracker[ethos-u]'" in capsys.readouterr().err


def test_velas_own_failure_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """A stand-in for an interpreter whose Vela ends in an error."""
    broken = tmp_path / "python"
    broken.write_text(
        "#!/bin/sh\necho Traceback\necho 'RuntimeError: Compilation failed: no such operator'\nexit 1\n"
    )
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    assert run(["lint", "tinytracker-s", "--target", "ethos-u"]) == 6
    error = capsys.readouterr().err
    assert "Vela cannot compile" in error
    assert "no such operator" in error
    assert len(error.splitlines()) == 1


def test_bench_gives_velas_figures_as_rows(tmp_path: Path) -> None:
    pytest.importorskip("ethosu", reason="Vela, the extra `ethos-u`, is not installed")
    from tinytracker.cli.app import run
    from tinytracker.costs.rows import read_cost_rows

    rows = tmp_path / "rows.csv"
    assert (
        run(["bench", "ethos-u", "tinytracker-s", "--accelerator", "ethos-u55-128", "--csv", str(rows)]) == 0
    )
    found = {row.metric: row for row in read_cost_rows(rows)}
    assert {row.how for row in found.values()} == {"estimated"}
    assert found["inference"].value == pytest.approx(found["cycles"].value / 500e6 * 1e3, rel=0.01)
    assert found["inference"].conditions["clock_mhz"] == "500"
