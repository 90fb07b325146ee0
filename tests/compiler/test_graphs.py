"""Random small graphs over the whole op set, byte by byte against TensorFlow Lite Micro.

TINYTRACKER_FULL=1 tries 500 of them and every operator 20 times; TINYTRACKER_GRAPHS=N tries N. A fifth as
many run on emulated boards.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.compiler.graphs import OPERATORS, RandomGraph
from tests.compiler.host import SANITIZERS, HostBuild, compilers, refuse_warnings
from tests.compiler.oracle import Oracle, random_samples
from tinytracker.compiler import compile_model
from tinytracker.compiler.kernels.all import KERNELS
from tinytracker.compiler.kernels.rows import Rows
from tinytracker.targets.mcu.machines import MACHINES
from tinytracker.targets.mcu.qemu import measure

FULL = bool(os.environ.get("TINYTRACKER_FULL"))
GRAPHS = int(os.environ.get("TINYTRACKER_GRAPHS", "500" if FULL else "25"))

pytestmark = pytest.mark.skipif(not compilers(), reason="neither gcc nor clang is on PATH")


def check(content: bytes, folder: Path, seed: int, *flags: str, **options) -> None:
    model = compile_model(content, "random", **options)
    refuse_warnings(model, folder)
    samples = random_samples(model.graph, 8, seed)
    theirs = Oracle(content).invoke(samples, len(model.graph.outputs))
    ours = HostBuild(model, folder, flags=flags or ("-O1",)).invoke(samples)
    for mine, expected in zip(ours, theirs, strict=True):
        for got, wanted in zip(mine, expected, strict=True):
            np.testing.assert_array_equal(got, wanted)


@settings(
    max_examples=GRAPHS,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**32 - 1), steps=st.integers(1, 7))
def test_random_graphs(seed: int, steps: int, tmp_path: Path) -> None:
    check(RandomGraph(np.random.default_rng(seed), steps).finish(), tmp_path, seed)


@pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in ("arm-none-eabi-gcc", "qemu-system-arm")),
    reason="arm-none-eabi-gcc or qemu-system-arm is not there (make toolchain)",
)
@pytest.mark.parametrize("seed", range(GRAPHS // 5))
def test_random_graphs_on_an_emulated_board(seed: int, tmp_path: Path) -> None:
    """With the kernels for Cortex-M4 and M7, whose limits these graphs cross all the time."""
    graph = RandomGraph(np.random.default_rng(seed), 1 + seed % 7)
    content = graph.finish()
    board = MACHINES["qemu-m7" if seed % 5 == 4 else "qemu-m4"]
    model = compile_model(content, "random", board.cpu)
    refuse_warnings(model, tmp_path)
    samples = random_samples(model.graph, 6, seed)
    expected = [
        np.concatenate([output.reshape(-1) for output in answer])
        for answer in Oracle(content).invoke(samples, len(model.graph.outputs))
    ]
    assert np.array_equal(measure(model.files, board, samples).outputs, np.stack(expected))


@pytest.mark.parametrize("kind", OPERATORS)
def test_every_operator(kind: str, tmp_path: Path) -> None:
    tried, seed = 0, 0
    while tried < (20 if FULL else 1):
        seed += 1
        graph = RandomGraph(np.random.default_rng(seed), 0)
        added = OPERATORS[kind](graph, graph.values[-1])
        if added is not None:
            graph.values.append(added)
            check(graph.finish(), tmp_path, seed)
            tried += 1


@pytest.mark.parametrize("seed", range(40 if FULL else 2))
def test_sanitizers_find_nothing(seed: int, tmp_path: Path) -> None:
    check(RandomGraph(np.random.default_rng(1000 + seed), 6).finish(), tmp_path, seed, "-O1", *SANITIZERS)


@pytest.mark.parametrize("seed", range(100 if FULL else 4))
def test_plain_kernels_and_rows_agree_with_tflm_on_blocks(seed: int, tmp_path: Path) -> None:
    """Residual blocks in a row: runs of layers, in-place sums, odd sizes; and the same without runs."""
    graph = RandomGraph(np.random.default_rng(seed), 0)
    for _ in range(3):
        added = OPERATORS["residual"](graph, graph.values[-1])
        assert added is not None
        graph.values.append(added)
    content = graph.finish()
    check(content, tmp_path, seed, keep_input=bool(seed % 2))
    if seed % 4 == 0:
        check(content, tmp_path, seed, kernels=[kernel for kernel in KERNELS if not isinstance(kernel, Rows)])
