"""An engine, a sink and a filter that tinytracker has never heard of: a class and a row, and the commands
know them.

Boards and targets need no row at all: tests/targets/test_plugins.py.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinytracker.cards import InputSpec, ModelCard, write_card
from tinytracker.cli import app as cli
from tinytracker.domain import Box, Face, Frame, GazeSample
from tinytracker.engines.model import GazeModel
from tinytracker.engines.protocol import TensorSpec
from tinytracker.engines.registry import ENGINES, EngineKind
from tinytracker.images import write_image
from tinytracker.tracking import filters, sinks
from tinytracker.tracking.sinks import FileSink


class AbacusEngine:
    """Says how bright the picture is, to the right and up."""

    name = "abacus"
    batch = 1

    def __init__(self, path: Path) -> None:
        self.inputs = (TensorSpec("image", (1, 8, 8, 3), "float32"),)
        self.outputs = (TensorSpec("gaze", (1, 2), "float32"),)

    def invoke(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        return [np.full((1, 2), inputs[0].mean(), np.float32)]


class NoteSink(FileSink):
    """A line of prose per frame."""

    def _open(self, aside: Path, stack: object) -> None:
        self._file = stack.enter_context(aside.open("w"))

    def write(self, frame: Frame, sample: GazeSample) -> None:
        self._file.write(f"frame {frame.index}: {sample.reason or 'a gaze'}\n")


class Twice:
    """Doubles every angle."""

    def apply(self, x_deg: float, y_deg: float, t_ns: int) -> tuple[float, float]:
        return 2 * x_deg, 2 * y_deg

    def reset(self) -> None: ...


def test_an_engine_runs_its_files_by_their_suffix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENGINES, "abacus", EngineKind(".beads", f"{__name__}:AbacusEngine"))
    (tmp_path / "mine.beads").touch()
    write_card(ModelCard("mine", "abacus", (InputSpec("image", "face", 8, 8),)), tmp_path / "mine.json")
    model = GazeModel.load(tmp_path / "mine.beads")
    gaze = model.predict(np.full((40, 40, 3), 192, np.uint8), Face(Box(0, 0, 40, 40)))
    assert gaze.x_cm == gaze.y_cm == pytest.approx(0.5 * 40)


def test_a_sink_and_a_filter_are_known_to_track(
    tmp_path: Path, portrait: np.ndarray, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_image(tmp_path / "me.png", portrait)
    monkeypatch.setitem(sinks.SINKS, ".txt", f"{__name__}:NoteSink")
    monkeypatch.setitem(filters.FILTERS, "twice", Twice)
    angles = {}
    for smoothing in ("default", "twice"):
        told = ["--out", str(tmp_path / f"{smoothing}.txt"), "--out", str(tmp_path / f"{smoothing}.csv")]
        assert (
            cli.run(["-q", "track", str(tmp_path / "me.png"), "--filter", "--smoothing", smoothing, *told])
            == 0
        )
        assert (tmp_path / f"{smoothing}.txt").read_text() == "frame 0: a gaze\n"
        header, row = (line.split(",") for line in (tmp_path / f"{smoothing}.csv").read_text().splitlines())
        angles[smoothing] = float(row[header.index("x_deg")])
    assert angles["twice"] == pytest.approx(2 * angles["default"], abs=0.01)
    assert cli.run(["track", str(tmp_path / "me.png"), "--out", str(tmp_path / "gaze.pdf")]) == 2
    assert "expected a file that ends in .csv, .jsonl, .parquet, .mp4, .txt" in capsys.readouterr().err
