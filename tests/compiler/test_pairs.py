"""ADD, SUB and MUL on every pair of int8 values there is, with scales whose multipliers tie and with
awkward ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from tests.compiler.build import ACTIVATIONS, Builder
from tests.compiler.host import HostBuild, compilers
from tests.compiler.oracle import Oracle
from tinytracker.compiler import compile_model

pytestmark = pytest.mark.skipif(not compilers(), reason="neither gcc nor clang is on PATH")

SHAPE = (1, 256, 256, 1)
FIRST, SECOND = (
    np.arange(-128, 128).repeat(256).reshape(SHAPE),
    np.tile(np.arange(-128, 128), 256).reshape(SHAPE),
)
# (first, second, output), scales; zero points. Halves, powers of two and equal scales make sums lie between
# two steps.
SCALES = {
    "today's SUB differs from yesterday's": ((0.03, 0.05, 0.1), (0, 0, 0)),
    "halves": ((0.5, 0.5, 1.0), (0, 0, 0)),
    "quarters": ((0.25, 0.5, 1.0), (-128, 127, -1)),
    "equal": ((0.1, 0.1, 0.1), (3, 3, 3)),
    "far apart": ((0.001, 0.9, 0.9), (-5, 17, 64)),
    "thirds": ((0.3, 0.1, 0.7), (1, -1, 0)),
}


def network(kind: str, scales: tuple[float, float, float], zeros: tuple[int, int, int]) -> bytes:
    builder = Builder()
    first, second = (builder.input(SHAPE, scales[place], zeros[place]) for place in (0, 1))
    options = getattr(schema, f"{kind.capitalize()}OptionsT")()
    options.fusedActivationFunction = ACTIVATIONS["none"]
    return builder.finish([builder.op(kind, [first, second], SHAPE, scales[2], zeros[2], options)])


@pytest.mark.parametrize("name", SCALES)
@pytest.mark.parametrize("kind", ["ADD", "SUB", "MUL"])
def test_every_pair(kind: str, name: str, tmp_path: Path) -> None:
    content = network(kind, *SCALES[name])
    sample = [FIRST.astype(np.int8), SECOND.astype(np.int8)]
    ((got,),) = HostBuild(compile_model(content), tmp_path).invoke([sample])
    expected = Oracle(content).invoke([sample])[0][0]
    assert int((got != expected).sum()) == 0
