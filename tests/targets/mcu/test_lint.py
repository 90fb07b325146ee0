"""`tinytracker lint --target mcu | spresense` on the released networks and on ones that cannot run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from tests.compiler.build import Builder
from tinytracker.cli.app import run
from tinytracker.findings import Severity, has_errors
from tinytracker.targets.mcu.boards import find_boards
from tinytracker.targets.mcu.lint import lint, lint_board
from tinytracker.zoo import list_released

BOARDS = find_boards()


@pytest.mark.parametrize("name", list_released())
def test_released_networks_run_and_every_board_is_told(name: str) -> None:
    findings = lint(Path(name))
    assert not has_errors(findings)
    for board in BOARDS.values():
        told = [finding.message for finding in findings if finding.layer == board.title]
        assert len(told) == 1
        assert told[0].startswith(("fits: ", "does not fit: "))
        assert "estimated" in told[0]


def test_spresense_default_memory() -> None:
    """The main core's 768 kB hold tinytracker-s with room to spare; two eyes and a face need another
    setting."""
    small = lint_board(Path("tinytracker-s"), BOARDS["spresense"])
    assert [finding.severity for finding in small if finding.layer == BOARDS["spresense"].title] == [
        Severity.NOTE
    ]
    eyes = lint_board(Path("tinytracker-eyes"), BOARDS["spresense"])
    assert not has_errors(eyes)
    assert any("4 inputs, the board's camera gives one picture" in finding.message for finding in eyes)
    assert any("Tools > Memory" in finding.remedy for finding in eyes)


def test_a_size_that_the_hardware_does_not_scale_to(tmp_path: Path) -> None:
    """An odd side: the camera's graphics engine gives even ones."""
    builder = Builder()
    value = builder.input((1, 97, 97, 1), 0.05, 0)
    path = tmp_path / "odd.tflite"
    path.write_bytes(
        builder.finish([builder.weighted("CONV_2D", value, np.ones((2, 1, 1, 1)), None, [0.01], 0.05, 0)])
    )
    warnings = [
        finding for finding in lint_board(path, BOARDS["spresense"]) if finding.severity is Severity.WARNING
    ]
    assert any(
        "does not scale to 97 x 97" in finding.message and "96 px" in finding.remedy for finding in warnings
    )


def too_large(channels: int) -> bytes:
    rng = np.random.default_rng(0)
    builder = Builder()
    source = builder.input((1, 1, channels), 0.05, 0)
    weights = rng.integers(-127, 128, (channels, channels))
    return builder.finish([builder.weighted("FULLY_CONNECTED", source, weights, None, [0.01], 0.5, 0)])


def test_what_does_not_fit_says_which_layer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """1.6 MB of weights: more than the Spresense has, less than the Coral board's flash."""
    path = tmp_path / "large.tflite"
    path.write_bytes(too_large(1280))
    assert not has_errors(lint(path))
    assert run(["lint", str(path), "--target", "spresense"]) == 6
    told = " ".join(capsys.readouterr().out.split())
    assert "does not fit" in told
    assert "layer 0 (FULLY_CONNECTED) has 1,6" in told
    assert "use fewer channels" in told


def test_every_layer_that_cannot_be_compiled_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    builder = Builder()
    value = builder.input((1, 8, 8, 4), 0.05, 0)
    value = builder.op("FLOOR", [value], (1, 8, 8, 4), 0.05, 0)
    value = builder.op("LOGISTIC", [value], (1, 8, 8, 4), 0.05, 0)
    options = schema.Pool2DOptionsT()
    options.filterHeight = options.filterWidth = options.strideH = options.strideW = 2
    value = builder.op("MAX_POOL_2D", [value], (1, 4, 4, 4), 0.05, 0, options)
    path = tmp_path / "odd.tflite"
    path.write_bytes(builder.finish([value]))
    findings = lint(path)
    assert [(finding.layer, finding.severity) for finding in findings] == [
        ("layer 0 (FLOOR)", Severity.ERROR),
        ("layer 1 (LOGISTIC)", Severity.ERROR),
    ]
    assert findings[0].remedy.startswith("use only CONV_2D")
    assert findings[1].message == "has an output scale of 0.05 and zero point 0"
    assert run(["lint", str(path), "--target", "mcu"]) == 6
    assert "2 of the remarks above" in capsys.readouterr().err


def test_slow_layers_are_told(tmp_path: Path) -> None:
    """A pooling over much, behind a convolution of little."""
    builder = Builder()
    value = builder.input((1, 64, 64, 3), 0.05, 0)
    value = builder.weighted("CONV_2D", value, np.ones((16, 1, 1, 3)), None, [0.01], 0.05, 0)
    options = schema.Pool2DOptionsT()
    options.filterHeight = options.filterWidth = 3
    options.strideH = options.strideW = 1
    value = builder.op("MAX_POOL_2D", [value], (1, 64, 64, 16), 0.05, 0, options)
    path = tmp_path / "pool.tflite"
    path.write_bytes(builder.finish([value]))
    slow = [finding for finding in lint(path) if finding.layer == "layer 1 (MAX_POOL_2D)"]
    assert slow
    assert "stride" in slow[0].remedy
