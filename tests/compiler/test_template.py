"""The kernel to copy works, so that whoever copies it begins with one that does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.compiler.build import Builder
from tests.compiler.host import HostBuild, compilers
from tests.compiler.oracle import Oracle
from tinytracker.compiler import compile_model
from tinytracker.compiler.kernels.all import KERNELS
from tinytracker.compiler.kernels.TEMPLATE import Template


def network() -> bytes:
    builder = Builder()
    source = builder.input((1, 16, 16, 1), 0.05, -10)
    return builder.finish([builder.op("RELU6", [source], (1, 16, 16, 1), 0.05, -10)])


@pytest.mark.skipif(not compilers(), reason="neither gcc nor clang is on PATH")
def test_it_is_exact_for_every_value(tmp_path: Path) -> None:
    model = compile_model(network(), kernels=(Template(), *KERNELS))
    assert [step.kernel.name for step in model.schedule.steps] == ["template"], "it is cheaper than a table"
    every_value = np.arange(-128, 128, dtype=np.int8).reshape(1, 16, 16, 1)
    (got,) = HostBuild(model, tmp_path).invoke([[every_value]])
    np.testing.assert_array_equal(got[0], Oracle(network()).invoke([[every_value]])[0][0])


def test_no_network_is_compiled_with_it_unless_asked() -> None:
    assert "template" not in {kernel.name for kernel in KERNELS}
