"""The released networks as C, byte by byte against TensorFlow Lite Micro.

TINYTRACKER_FULL=1 tries 1000 inputs each with every compiler, and the sanitizers on all of them.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tests.compiler.host import SANITIZERS, HostBuild, compilers
from tests.compiler.oracle import Oracle, random_samples
from tinytracker.compiler import CompiledModel, compile_model
from tinytracker.zoo import find, list_released

FULL = bool(os.environ.get("TINYTRACKER_FULL"))
SAMPLES = 1000 if FULL else 8
NAMES = [name for name in list_released() if find(name).require_card().number_format == "int8"]

pytestmark = pytest.mark.skipif(not compilers(), reason="neither gcc nor clang is on PATH")


@cache
def content(name: str) -> bytes:
    return find(name).path.read_bytes()


@cache
def compiled(name: str, cpu: str = "portable", keep_input: bool = True) -> CompiledModel:
    return compile_model(content(name), name, cpu, keep_input=keep_input)


@cache
def answers(name: str, count: int) -> list[list[np.ndarray]]:
    """TFLM's, once for all builds."""
    graph = compiled(name).graph
    return Oracle(content(name)).invoke(random_samples(graph, count), len(graph.outputs))


def check(name: str, count: int, folder: Path, compiler: str, *flags: str, **options) -> None:
    model = compiled(name, **options)
    got = HostBuild(model, folder, compiler, flags).invoke(random_samples(model.graph, count))
    for index, (mine, theirs) in enumerate(zip(got, answers(name, count), strict=True)):
        for ours, expected in zip(mine, theirs, strict=True):
            assert np.array_equal(ours, expected), f"input {index}: {ours} instead of {expected}"


@pytest.mark.parametrize("compiler", compilers() if FULL else compilers()[:1])
@pytest.mark.parametrize("name", NAMES)
def test_same_bytes_as_tflm(name: str, compiler: str, tmp_path: Path) -> None:
    check(name, SAMPLES, tmp_path, compiler, "-O2")


@pytest.mark.parametrize("level", ["-O0", "-O1", "-O3", "-Os"])
@pytest.mark.parametrize("name", NAMES if FULL else ["eye-locator"])
def test_at_every_level_of_optimisation(name: str, level: str, tmp_path: Path) -> None:
    for compiler in compilers():
        check(name, SAMPLES, tmp_path, compiler, level)


@pytest.mark.parametrize("name", NAMES if FULL else ["tinytracker-s"])
def test_sanitizers_find_nothing(name: str, tmp_path: Path) -> None:
    for compiler in compilers() if FULL else ["gcc"]:
        check(name, 100 if FULL else 2, tmp_path, compiler, "-O1", *SANITIZERS)


@pytest.mark.parametrize("name", NAMES)
def test_a_core_without_long_multiplication_computes_the_same(name: str, tmp_path: Path) -> None:
    check(name, SAMPLES if FULL else 2, tmp_path, "gcc", "-O2", cpu="cortex-m0plus")


@pytest.mark.parametrize("name", NAMES)
def test_overwriting_the_input_changes_nothing_else(name: str, tmp_path: Path) -> None:
    kept, overwritten = compiled(name), compiled(name, keep_input=False)
    assert overwritten.plan.arena_bytes < kept.plan.arena_bytes
    check(name, SAMPLES if FULL else 2, tmp_path, "gcc", "-O2", keep_input=False)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_file_gives_the_same_text(name: str) -> None:
    again = compile_model(content(name), name)
    assert again.files == compiled(name).files
    assert all(len(line) <= 170 for text in again.files.values() for line in text.splitlines())


def test_memory_stays_small() -> None:
    """Of what the networks need beside their pictures: a layer that falls out of a run would show here."""
    assert compiled("tinytracker-s").plan.work_bytes <= 18_000
    assert compiled("tinytracker").plan.work_bytes <= 27_000
    assert "#define GAZE_MODEL_ROWS 1" in compiled("tinytracker").files["gaze_model.h"]
