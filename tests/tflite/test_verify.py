"""No damaged .tflite ends in a traceback, a long wait or a dead process: each is refused in one line, or it
works.

Seeded mutants of the released networks and of small graphs. TINYTRACKER_FULL tries twenty times as many.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from tests.compiler.build import Builder
from tests.engines.load_mutants import whole_files
from tests.tflite_mutants import mutants
from tinytracker.compiler import compile_model
from tinytracker.compiler.check import check
from tinytracker.compiler.passes import opened
from tinytracker.engines.litert import LiteRTEngine
from tinytracker.errors import ModelError, TargetError
from tinytracker.targets.coral.lint import lint_graph
from tinytracker.targets.coral.rewrite import rewrite
from tinytracker.tflite.read import read_graph
from tinytracker.tflite.schema import operator_name, pack, unpack
from tinytracker.tflite.verify import verify
from tinytracker.zoo import find, list_released

FULL = bool(os.environ.get("TINYTRACKER_FULL"))
LONGEST_S = 20.0  # of one file, of the processor: a network that is whole takes a second
SMALL_BYTES = 20_000  # files that are compiled, all of them; of the larger ones every fortieth
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("seed", range(20 if FULL else 1))
def test_a_thousand_damaged_files(seed: int, tmp_path: Path) -> None:
    tried, refused, longest_s = 0, 0, 0.0
    faults: list[str] = []
    for index, content in enumerate(mutants(whole_files(), 1000, seed)):
        begun = time.process_time()
        for work in (
            _lint_mcu,
            _lint_coral,
            *((_compile,) if len(content) < SMALL_BYTES or index % 40 == 0 else ()),
        ):
            tried += 1
            try:
                refused += _is_refused(work, content)
            except Exception as error:
                faults.append(f"mutant {index}, {work.__name__}: {type(error).__name__}: {error}")
                (tmp_path / f"{index}.tflite").write_bytes(content)
        took_s = time.process_time() - begun
        longest_s = max(longest_s, took_s)
        if took_s > LONGEST_S:
            faults.append(f"mutant {index} takes {took_s:.0f} s")
    print(f"seed {seed}: {tried} readings, {refused} refused, the longest file {longest_s:.1f} s")
    assert not faults, f"seed {seed}, kept in {tmp_path}:\n" + "\n".join(faults)
    assert refused > 500, "the mutants are damaged"


def _is_refused(work: Callable[[bytes], None], content: bytes) -> bool:
    try:
        work(content)
    except (ModelError, TargetError) as error:
        if len(str(error).splitlines()) != 1:
            raise
        return True
    return False


def _lint_mcu(content: bytes) -> None:
    list(check(opened(read_graph(content, "mutant"), verified=True)))


def _lint_coral(content: bytes) -> None:
    lint_graph(read_graph(rewrite(content, "mutant").content, "mutant"))


def _compile(content: bytes) -> None:
    compile_model(content, "mutant", "cortex-m4")


@pytest.mark.parametrize("seed", range(100, 120 if FULL else 101))
def test_what_is_not_refused_can_be_loaded(seed: int) -> None:
    """By LiteRT with two kinds of kernels and by TFLM, in a process that would die of it."""
    count = 1000 if FULL else 200
    loaded: list[str] = []
    deaths: list[str] = []
    first = 0
    while True:  # a death costs the mutant it died of, not those that come after it
        command = [sys.executable, "-m", "tests.engines.load_mutants", str(seed), str(count), str(first)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        loaded += done.stdout.split()
        if done.returncode == 0:
            break
        deaths.append(f"mutant {loaded[-1]} ends with {done.returncode}: {done.stderr[-300:]}")
        assert len(deaths) < 20, "\n".join(deaths)
        first = int(loaded[-1]) + 1
    print(f"seed {seed}: {len(loaded) - 1} of {count} loaded and run, {len(deaths)} deaths")
    assert not deaths, f"seed {seed}:\n" + "\n".join(deaths)
    assert loaded[-1] == "end"
    assert len(loaded) > count / 10


@pytest.mark.parametrize("name", list_released())
def test_whole_files_are_whole(name: str) -> None:
    assert verify(find(name).path.read_bytes(), name) is not None


def small() -> bytes:
    builder = Builder()
    source = builder.input((1, 4, 4, 2), 0.05, 0)
    return builder.finish(
        [builder.weighted("CONV_2D", source, np.ones((3, 1, 1, 2)), np.zeros(3), [0.1] * 3, 0.5, 0)]
    )


class TestNames:
    """They are optional in the format; LiteRT runs such files, and so does everything here."""

    @staticmethod
    def nameless() -> bytes:
        model = unpack(small())
        for tensor in model.subgraphs[0].tensors:
            tensor.name = None
        return pack(model)

    def test_a_network_without_any_is_read_and_compiled(self) -> None:
        graph = read_graph(self.nameless())
        assert graph[graph.inputs[0]].name == "tensor 0"
        assert (
            '#define GAZE_MODEL_INPUT_0_NAME "tensor 0"'
            in compile_model(self.nameless()).files["gaze_model.h"]
        )
        assert not list(check(opened(graph)))

    def test_and_linted_rewritten_and_run(self) -> None:
        _lint_coral(self.nameless())
        picture = np.random.default_rng(0).integers(-128, 128, (1, 4, 4, 2)).astype(np.int8)
        np.testing.assert_array_equal(
            LiteRTEngine(self.nameless()).invoke([picture])[0], LiteRTEngine(small()).invoke([picture])[0]
        )


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda main: setattr(main.tensors[0].quantization, "scale", [float("nan")]), "has the scale nan"),
        (lambda main: setattr(main.tensors[0].quantization, "scale", [0.0]), "has the scale 0"),
        (lambda main: setattr(main.operators[0].builtinOptions, "strideH", 0), "strideH of 0"),
        (lambda main: setattr(main.operators[0], "inputs", [0, 9, 2]), "reads tensor 9, which is not there"),
        (lambda main: setattr(main.operators[0], "inputs", [3, 1, 2]), "reads what nothing has computed yet"),
        (lambda main: setattr(main.operators[0], "builtinOptions", None), "lacks its options"),
        (lambda main: setattr(main, "outputs", [-1]), "begins or ends in tensor -1"),
        (lambda main: setattr(main.tensors[1], "shape", [3, 1, 1, 3]), "takes 9 bytes, and 6 are stored"),
        (lambda main: setattr(main.tensors[0], "shape", [1, 1 << 20, 1 << 20, 2]), "has the shape"),
    ],
)
def test_what_makes_no_sense_is_named(damage, message: str) -> None:
    model = unpack(small())
    damage(model.subgraphs[0])
    with pytest.raises(ModelError, match=f"cut.tflite is a damaged .*{message}"):
        verify(pack(model), "cut.tflite")


def test_a_shape_of_many_axes_is_refused() -> None:
    """LiteRT's kernels take eight at most, and end the process over more."""
    model = unpack(whole_files()[-2])
    main = model.subgraphs[0]
    (reshape,) = (one for one in main.operators if operator_name(model, one) == "RESHAPE")
    biases = next(
        number
        for number, tensor in enumerate(main.tensors)
        if tensor.shape is not None and len(tensor.shape) == 1 and tensor.shape[0] > 8
    )
    reshape.inputs = [reshape.inputs[0], biases]
    with pytest.raises(ModelError, match=r"takes a shape of \d+ axes from a tensor"):
        verify(pack(model), "cut.tflite")


def test_what_only_running_shows_is_one_line() -> None:
    """A kernel that is there for the operator, but not for these numbers."""
    builder = Builder()
    source = builder.input((1, 8), 0.05, 0)
    made = builder.op("SOFTMAX", [source], (1, 8), 1 / 256, -128, softmax())
    model = unpack(builder.finish([made]))
    for tensor in model.subgraphs[0].tensors:
        tensor.type, tensor.quantization = schema.TensorType.BOOL, None
    engine = LiteRTEngine(pack(model))
    with pytest.raises(ModelError, match="cannot be run: LiteRT says: Only "):
        engine.invoke([np.zeros((1, 8), bool)])


def test_a_sum_of_what_has_no_scale_is_refused() -> None:
    """XNNPACK ends the process over it, and over a sum of two types."""
    builder = Builder()
    source = builder.input((1, 4), 0.05, 0)
    content = builder.finish([builder.op("ADD", [source, source], (1, 4), 0.1, 0, schema.AddOptionsT())])
    for damage, message in (
        (lambda tensor: setattr(tensor.quantization, "scale", []), "gives int8 of which no scale is known"),
        (lambda tensor: setattr(tensor, "type", schema.TensorType.FLOAT32), "gives float32 and int8"),
    ):
        model = unpack(content)
        damage(model.subgraphs[0].tensors[1])
        with pytest.raises(ModelError, match=message):
            verify(pack(model), "cut.tflite")


def softmax() -> schema.SoftmaxOptionsT:
    options = schema.SoftmaxOptionsT()
    options.beta = 1.0
    return options
