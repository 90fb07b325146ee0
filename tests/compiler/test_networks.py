"""Every kind of network we have, through our own exporter and compiler, byte by byte against TensorFlow Lite
Micro.

Small here; TINYTRACKER_FULL=1 builds them full size and tries 1000 inputs each (iTracker, of a billion
products: 3, and 1000 on its small form).
"""

from __future__ import annotations

import os
import shutil
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from tests.compiler.host import SANITIZERS, HostBuild, compilers
from tests.compiler.oracle import Oracle, random_samples
from tinytracker.compiler import compile_model
from tinytracker.targets.mcu.machines import MACHINES
from tinytracker.targets.mcu.qemu import measure

pytestmark = pytest.mark.skipif(
    find_spec("litert_torch") is None, reason="the exporter (extra export) is not installed"
)

FULL = bool(os.environ.get("TINYTRACKER_FULL"))
# Model, options, options of the small one.
NETWORKS = {
    "rgb": ("tinytracker_s", {"colour": "rgb", "position": "none"}, {"size_px": 32}),
    "grey": ("tinytracker_s", {"position": "none"}, {"size_px": 33}),
    "grid channels": ("tinytracker_s", {"colour": "rgb", "position": "channels"}, {"size_px": 32}),
    "grid baked": ("tinytracker_s", {}, {"size_px": (32, 48)}),
    "squeeze-excite": ("tinytracker_s", {"squeeze_excite": True}, {"size_px": 32}),
    "tinytracker 128": ("tinytracker", {"size_px": 128, "padding": "same"}, {"size_px": 48}),
    "itracker": ("itracker", {}, {"size_px": 67}),
}
if FULL:
    NETWORKS["itracker 67"] = ("itracker", {"size_px": 67}, {})
ON_BOARDS = [name for name, (model, *_) in NETWORKS.items() if model != "itracker"]
emulated = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in ("arm-none-eabi-gcc", "qemu-system-arm")),
    reason="arm-none-eabi-gcc or qemu-system-arm is not there (make toolchain)",
)


@cache
def content(name: str) -> bytes:
    from tinytracker.quantization.untrained import untrained_int8

    model, options, small = NETWORKS[name]
    return untrained_int8(model, **(options if FULL else {**options, **small}))


def answers(name: str, samples: list[list[np.ndarray]]) -> np.ndarray:
    return np.stack(
        [
            np.concatenate([o.reshape(-1) for o in outputs])
            for outputs in Oracle(content(name)).invoke(samples)
        ]
    )


@pytest.mark.skipif(not compilers(), reason="neither gcc nor clang is on PATH")
@pytest.mark.parametrize("name", NETWORKS)
def test_on_the_host(name: str, tmp_path: Path) -> None:
    model = compile_model(content(name), name)
    samples = random_samples(model.graph, (3 if name == "itracker" else 1000) if FULL else 4)
    expected = answers(name, samples)
    assert len(np.unique(expected)) > 2, "the answers say something"
    builds = [(compilers()[0], ("-O2",), len(samples))]
    if FULL:
        levels = ("-O2",) if name == "itracker 67" else ("-O0", "-O1", "-O2", "-O3", "-Os")
        builds = [(compiler, (level,), len(samples)) for compiler in compilers() for level in levels]
        builds += [(compiler, ("-O1", *SANITIZERS), min(100, len(samples))) for compiler in compilers()]
    for place, (compiler, flags, count) in enumerate(builds):
        got = HostBuild(model, tmp_path / str(place), compiler, flags).invoke(samples[:count])
        assert np.array_equal(np.stack([outputs[0].reshape(-1) for outputs in got]), expected[:count]), (
            compiler,
            flags,
        )


@emulated
@pytest.mark.parametrize("machine", ["qemu-m4", "qemu-m7"] if FULL else ["qemu-m4"])
@pytest.mark.parametrize("name", ON_BOARDS)
def test_on_emulated_boards(name: str, machine: str) -> None:
    board = MACHINES[machine]
    model = compile_model(content(name), name, board.cpu)
    samples = random_samples(model.graph, 20 if FULL else 3)
    assert np.array_equal(measure(model.files, board, samples).outputs, answers(name, samples))
