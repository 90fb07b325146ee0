"""Networks for the Edge TPU: the documented limits, a baked grid rewritten and measured, the compiler
called."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from tests.compiler.build import Builder
from tests.compiler.oracle import Oracle, random_samples
from tests.targets.coral.baked import bake
from tinytracker.cards import card_path
from tinytracker.cli.app import run
from tinytracker.domain import Box
from tinytracker.engines.model import GazeModel
from tinytracker.findings import Severity, has_errors
from tinytracker.targets.coral.lint import lint, lint_graph
from tinytracker.targets.coral.rewrite import constant_part, rewrite
from tinytracker.tflite.graph import Graph
from tinytracker.tflite.read import read_graph
from tinytracker.zoo import find, list_released

FRAME_PX, BOX = (320, 240), Box(64, 24, 192, 192)


def baked(name: str = "tinytracker-s", **options) -> bytes:
    return bake(find(name).path.read_bytes(), BOX, FRAME_PX, **options)


def stem(seed: int, kernel: int, stride: int, padding: str, grid_first: bool, activation: str) -> bytes:
    """Picture and grid joined, a convolution, nothing else: how the rewriting changes one layer."""
    rng = np.random.default_rng(seed)
    builder = Builder()
    scale, zero_point = float(np.float32(rng.uniform(0.004, 0.02))), int(rng.integers(-20, 20))
    picture = builder.input((1, 13, 17, 2), scale, zero_point)
    grid = builder.constant(rng.integers(-128, 128, (1, 13, 17, 3)), scale, zero_point)
    parts = [grid, picture] if grid_first else [picture, grid]
    options = builder_options("ConcatenationOptionsT", axis=3)
    joined = builder.op("CONCATENATION", parts, (1, 13, 17, 5), scale, zero_point, options)
    weights = rng.integers(-127, 128, (7, kernel, kernel, 5))
    weights[3] = 0  # a dead channel
    scales = rng.uniform(0.001, 0.004, 7)
    bias = rng.integers(-5000, 5000, 7)
    reach = np.abs(weights).sum((1, 2, 3)).max() * 128 * scale * 0.004
    out_zero = -128 if activation == "relu" else 5
    out = builder.weighted(
        "CONV_2D",
        joined,
        weights,
        bias,
        scales,
        float(np.float32(reach / 500)),
        out_zero,
        stride=(stride, stride),
        padding=padding,
        activation=activation,
    )
    return builder.finish([out])


def builder_options(kind: str, **fields):
    options = getattr(schema, kind)()
    for name, value in fields.items():
        setattr(options, name, value)
    return options


def graph_of(content: bytes) -> Graph:
    return read_graph(content, "test")


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "grid_first", "activation"),
    [
        (3, 2, "SAME", False, "relu"),
        (3, 1, "VALID", True, "none"),
        (1, 1, "SAME", False, "none"),
        (2, 2, "SAME", True, "relu6"),
    ],
)
def test_one_layer_moves_by_three_steps_at_most(kernel, stride, padding, grid_first, activation) -> None:
    """Picture and map are rounded to half a step of ranges up to twice the output's, then the sum to half
    a step."""
    for seed in range(5):
        original = stem(seed, kernel, stride, padding, grid_first, activation)
        rewritten = rewrite(original, "test")
        assert [op.kind for op in graph_of(rewritten.content).ops] == ["CONV_2D", "ADD"]
        samples = random_samples(graph_of(original), 4, seed)
        for first, second in zip(
            Oracle(original).invoke(samples), Oracle(rewritten.content).invoke(samples), strict=True
        ):
            apart = np.abs(first[0].astype(int) - second[0])
            assert apart.max() <= 3
            assert apart.mean() < 0.7
            assert first[0].std() > 3, "the outputs say something"


def test_the_constant_part_is_exact() -> None:
    """With a picture of zeros, the original's sums are the constant part and the bias: nothing else is in
    the outputs."""
    content = stem(1, 3, 2, "SAME", False, "none")
    graph = graph_of(content)
    concat, conv = graph.ops
    part, bias = constant_part(graph, concat, conv), graph.constant(conv.inputs[2])
    source, weights, output = graph[graph.inputs[0]], graph[conv.inputs[1]], graph[conv.outputs[0]]
    picture = np.full(source.shape, source.zero_point, np.int8)
    real = (part + bias) * np.asarray(weights.quantization.scales) * source.scale
    expected = np.clip(np.rint(real / output.scale + output.zero_point), -128, 127)
    assert np.abs(Oracle(content).invoke([[picture]])[0][0][0] - expected).max() <= 1, (
        "halves may round the other way"
    )


def test_float_ends_are_left_out() -> None:
    builder = Builder()
    real = builder.tensor((1, 4, 4, 2), None, dtype=schema.TensorType.FLOAT32)
    builder._inputs.append(real.number)
    stored = builder.op("QUANTIZE", [real], (1, 4, 4, 2), 0.05, 3)
    conv = builder.weighted("CONV_2D", stored, np.arange(1, 7).reshape(3, 1, 1, 2), None, [0.01], 0.02, -7)
    (given,) = builder.ops("DEQUANTIZE", [conv], [((1, 4, 4, 3), None, 0, None, schema.TensorType.FLOAT32)])
    before, after = (
        graph_of(builder.finish([given])),
        graph_of(rewrite(builder.finish([given]), "test").content),
    )
    assert [op.kind for op in after.ops] == ["CONV_2D"]
    assert [after[number].dtype for number in (*after.inputs, *after.outputs)] == ["int8", "int8"]
    assert after[after.inputs[0]].name == before[before.inputs[0]].name, "as the card has it"
    assert (after[after.outputs[0]].scale, after[after.outputs[0]].zero_point) == (pytest.approx(0.02), -7)


class TestLint:
    @pytest.mark.parametrize("name", list_released())
    def test_released_networks_map_whole(self, name: str) -> None:
        assert not has_errors(lint(Path(name)))

    def test_a_baked_grid_is_told_and_rewritten(self, tmp_path: Path) -> None:
        path = tmp_path / "grid.tflite"
        path.write_bytes(baked())
        assert has_errors(lint_graph(graph_of(baked()))), "as it is it does not map"
        findings = lint(path)
        assert [finding.severity for finding in findings] == [Severity.NOTE]
        assert (
            "layer 0 (CONCATENATION) of constant channels becomes an ADD behind layer 1"
            in findings[0].message
        )

    def test_what_does_not_map_is_named(self, tmp_path: Path) -> None:
        builder = Builder()
        source = builder.input((1, 8, 8, 4), 0.05, 0)
        swished = builder.op("HARD_SWISH", [source], (1, 8, 8, 4), 0.05, 0)
        axes = builder.integers([1, 2, 3])
        mean = builder.op(
            "MEAN", [swished, axes], (1, 1, 1, 1), 0.05, 0, builder_options("ReducerOptionsT", keepDims=True)
        )
        path = tmp_path / "odd.tflite"
        path.write_bytes(builder.finish([mean]))
        errors = {finding.layer: finding for finding in lint(path) if finding.severity is Severity.ERROR}
        assert "ReLU" in errors["layer 0 (HARD_SWISH)"].remedy
        assert "averages over the axes (1, 2, 3)" in errors["layer 1 (MEAN)"].message

    def test_command(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert run(["lint", "tinytracker", "--target", "coral"]) == 0
        assert "coral can run tinytracker" in capsys.readouterr().out


STAND_IN = """#!/bin/sh
# Stands in for edgetpu_compiler: takes its options, answers in its words.
[ "$1 $2" = "--show_operations --out_dir" ] || exit 9
cp "$4" "$3/$(basename "$4" .tflite)_edgetpu.tflite"
echo "Edge TPU Compiler version 16.0.384591198"
echo "Model compiled successfully in 97 ms."
echo "On-chip memory used for caching model parameters: 151.25KiB"
echo "Number of Edge TPU subgraphs: 1"
echo "Total number of operations: 21"
"""


def put_on_path(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    folder.mkdir()
    (folder / "edgetpu_compiler").write_text(script)
    (folder / "edgetpu_compiler").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def write_model(folder: Path) -> Path:
    """The baked network with a card."""
    path = folder / "grid.tflite"
    path.write_bytes(baked(float_output=True))
    card = json.loads(card_path(find("tinytracker-s").path).read_text())
    card["inputs"][0].update(position="baked", name="picture")
    card["sha256"] = ""
    card_path(path).write_text(json.dumps(card))
    return path


class TestExport:
    def test_without_the_compiler(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        path, out = write_model(tmp_path), tmp_path / "out"
        assert (
            run(["export", str(path), "--target", "coral-edgetpu", "--out", str(out), "--name", "mine"]) == 0
        )
        told = capsys.readouterr().out
        assert "not compiled: edgetpu_compiler is not on PATH" in told
        assert f"edgetpu_compiler --show_operations --out_dir {out} {out / 'mine.tflite'}" in told
        assert "layer 22 (DEQUANTIZE) is left out: the output is int8" in told
        assert {item.name for item in out.iterdir()} == {"mine.tflite", "mine.json"}
        original, ready = GazeModel.load(path), GazeModel.load(out / "mine.tflite")
        assert ready.card.results["edge_tpu"]["changes"], "the card tells what was done"
        rng = np.random.default_rng(0)
        face = rng.integers(0, 256, (1, 96, 96, 1)).astype(np.float32)
        gaze_cm = [
            model.engine.outputs[0].dequantize(
                model.engine.invoke([model.engine.inputs[0].quantize(face / 128 - 1)])[0]
            )
            * 40
            for model in (original, ready)
        ]
        assert np.abs(gaze_cm[0] - gaze_cm[1]).max() < 6 * 40 / 128

    def test_a_file_without_a_card(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
        """As the authors' is: grey, its grid baked in, a float output, no card. To the Edge TPU, and to
        the M7."""
        put_on_path(tmp_path / "bin", monkeypatch, STAND_IN)
        path = tmp_path / "theirs.tflite"
        path.write_bytes(baked(float_output=True))
        out, app = tmp_path / "out", tmp_path / "app"
        assert run(["export", str(path), "--target", "coralmicro", "--out", str(app)]) == 3
        assert "give --output-scale-cm" in capsys.readouterr().err
        scale = ["--output-scale-cm", "10"]
        assert run(["export", str(path), "--target", "coralmicro", "--out", str(app), *scale]) == 0
        assert "#define GAZE_REGION_OUTPUT_CM 10.0f" in (app / "tinytracker" / "gaze_region.h").read_text()
        assert run(["export", str(path), "--target", "coral-edgetpu", "--out", str(out), *scale]) == 0
        assert GazeModel.load(out / "theirs.tflite").card.output_scale_cm == 10
        assert (
            run(
                [
                    "export",
                    str(out / "theirs_edgetpu.tflite"),
                    "--target",
                    "coralmicro",
                    "--out",
                    str(tmp_path / "tpu"),
                ]
            )
            == 0
        )

    def test_with_the_compiler(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
        put_on_path(tmp_path / "bin", monkeypatch, STAND_IN)
        path, out = write_model(tmp_path), tmp_path / "out"
        assert run(["export", str(path), "--target", "coral-edgetpu", "--out", str(out)]) == 0
        told = capsys.readouterr().out
        assert "21 operations on the Edge TPU, 0 on the processor" in told
        assert "On-chip memory used for caching model parameters: 151.25KiB" in told
        assert (
            run(
                [
                    "export",
                    str(out / "grid_edgetpu.tflite"),
                    "--target",
                    "coralmicro",
                    "--out",
                    str(tmp_path / "app"),
                ]
            )
            == 0
        )
        assert (tmp_path / "app" / "tinytracker" / "grid_edgetpu.tflite").is_file()

    @pytest.mark.parametrize(
        ("script", "said"),
        [
            (
                "#!/bin/sh\necho one\necho Invalid model: stem.tflite\necho two\nexit 1\n",
                "Invalid model: stem.tflite",
            ),
            ("#!/bin/sh\necho nothing to do\n", "nothing to do"),
            ("not a program\n", "made no stem_edgetpu.tflite|does not run"),
        ],
    )
    def test_a_compiler_that_fails(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys, script, said
    ) -> None:
        put_on_path(tmp_path / "bin", monkeypatch, script)
        path = tmp_path / "stem.tflite"
        path.write_bytes(stem(0, 1, 1, "SAME", False, "none"))
        assert run(["export", str(path), "--target", "coral-edgetpu", "--out", str(tmp_path / "out")]) == 6
        error = capsys.readouterr().err
        assert len(error.splitlines()) == 1
        assert any(words in error for words in said.split("|"))
        assert (tmp_path / "out" / "stem.tflite").is_file(), "what is ready stays"

    def test_a_network_that_it_cannot_run(self, tmp_path: Path, capsys) -> None:
        builder = Builder()
        source = builder.input((1, 8, 8, 4), 0.05, 0)
        path = tmp_path / "swish.tflite"
        path.write_bytes(builder.finish([builder.op("HARD_SWISH", [source], (1, 8, 8, 4), 0.05, 0)]))
        assert run(["export", str(path), "--target", "coral-edgetpu", "--out", str(tmp_path / "out")]) == 6
        assert "layer 0 (HARD_SWISH) is not supported; train with ReLU" in capsys.readouterr().err
        assert not (tmp_path / "out").exists()


def test_bench_estimates_from_the_papers_chain(tmp_path: Path) -> None:
    """The released networks are mapped whole: the paper's 34.4 ms and 34.2 mJ, and users' transfer times
    as the upper end."""
    from tinytracker.cli.app import run
    from tinytracker.costs.rows import read_cost_rows

    rows = tmp_path / "rows.csv"
    assert run(["bench", "coral", "tinytracker-s", "--csv", str(rows)]) == 0
    found = {row.metric: row for row in read_cost_rows(rows)}
    assert found["fits"].value == 1
    assert found["end_to_end"].low == pytest.approx(34.4, abs=0.1), "smaller than the paper's: a little less"
    assert found["end_to_end"].high == pytest.approx(found["end_to_end"].low + 83 - 7.6)
    assert found["energy_chain"].low == pytest.approx(34.2, abs=0.1)
    assert (found["transfer"].low, found["transfer"].high) == (7.6, 83)
    assert 0 < found["inference"].low < found["inference"].high < 0.2
    assert found["energy_chain"].conditions["transfer_ms_measured_by_users"] == "83"


def test_operators_by_how_full_the_array_is() -> None:
    """A convolution fills as much of the array as its channels do, a depthwise one a 64th at most."""
    from tinytracker.targets.coral.operators import ROOF_MACS_PER_S, fill, network_ms
    from tinytracker.tflite.file import read_tflite
    from tinytracker.tflite.read import read_graph
    from tinytracker.zoo import find

    graph = read_graph(read_tflite(find("tinytracker").path), "tinytracker")
    for op in graph.ops:
        if op.kind == "CONV_2D":
            out_channels, *_, in_channels = graph[op.inputs[1]].shape
            if max(out_channels, in_channels) <= 64:
                assert fill(graph, op) == pytest.approx(out_channels / 64 * in_channels / 64)
        elif op.kind == "DEPTHWISE_CONV_2D":
            assert 0 < fill(graph, op) <= 1 / 64
    roof_ms, filled_ms = network_ms(graph)
    assert roof_ms == pytest.approx(11_839_208 / ROOF_MACS_PER_S * 1e3)
    assert filled_ms > 5 * roof_ms
