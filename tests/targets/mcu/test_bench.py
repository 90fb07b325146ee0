"""What `tinytracker bench mcu` and benchmarks/mcu.py count."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.compiler.graphs import OPERATORS, RandomGraph
from tinytracker.targets.mcu.bench import CHANNEL_BYTES, bench, instructions_by_step
from tinytracker.targets.mcu.machines import MACHINES

pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in ("arm-none-eabi-gcc", "qemu-system-arm")),
    reason="arm-none-eabi-gcc or qemu-system-arm is not there (make toolchain)",
)


@pytest.fixture(scope="module")
def two_blocks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    graph = RandomGraph(np.random.default_rng(12), 0)
    for _ in range(2):
        added = OPERATORS["residual"](graph, graph.values[-1])
        assert added is not None
        graph.values.append(added)
    path = tmp_path_factory.mktemp("bench") / "blocks.tflite"
    path.write_bytes(graph.finish())
    return path


def test_the_steps_add_up(two_blocks: Path) -> None:
    board = MACHINES["qemu-m4"]
    steps = instructions_by_step(two_blocks, "blocks", board)
    assert len(steps) >= 2
    assert all(count > 100 for _, count in steps)
    total = bench(two_blocks, "blocks", board, samples=1).instructions
    assert sum(count for _, count in steps) == pytest.approx(total, abs=80)  # two ticks of the counter


def test_portable_code_runs_on_any_core(two_blocks: Path) -> None:
    own, portable = (bench(two_blocks, "blocks", MACHINES["qemu-m4"], 2, cpu) for cpu in (None, "portable"))
    assert (own.compiled_for, portable.compiled_for) == ("cortex-m4", "portable")
    assert (own.same_bytes, portable.same_bytes) == (2, 2)
    assert own.weights_bytes == portable.weights_bytes
    assert (own.parameters_bytes - own.weights_bytes) % CHANNEL_BYTES == 0
