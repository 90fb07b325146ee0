"""The C that is exported for microcontrollers as an engine: TFLM's bytes, and plain words where it cannot
be."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tinytracker.domain import Box, Face
from tinytracker.engines.generated_c import COMPILERS, GeneratedCEngine
from tinytracker.engines.model import GazeModel
from tinytracker.engines.tflite_micro import TfliteMicroEngine
from tinytracker.errors import ModelError, TargetError, UsageError
from tinytracker.targets.mcu.target import export_c
from tinytracker.targets.target import Caller
from tinytracker.zoo import find

NAMES = ("tinytracker-s", "tinytracker-eyes")

pytestmark = pytest.mark.skipif(
    not any(map(shutil.which, COMPILERS)), reason="there is no C compiler on PATH"
)


@pytest.fixture(scope="module", params=NAMES)
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A released network's name and the C it was exported to."""
    out = tmp_path_factory.mktemp(request.param)
    export_c(Path(request.param), out, Caller())
    return request.param, out / "gaze_model.c"


def test_gives_tflms_bytes(exported: tuple[str, Path]) -> None:
    name, path = exported
    engine, oracle = GeneratedCEngine(path), TfliteMicroEngine(find(name).path)
    assert (engine.inputs, [spec.shape for spec in engine.outputs]) == (
        oracle.inputs,
        [spec.shape for spec in oracle.outputs],
    )
    rng = np.random.default_rng(0)
    for _ in range(3):
        sample = [rng.integers(-128, 128, spec.shape).astype(np.int8) for spec in engine.inputs]
        ours, theirs = engine.invoke(sample), oracle.invoke(sample)
        assert all(map(np.array_equal, ours, theirs))
    assert engine.invoke(sample)[0].tolist() == ours[0].tolist(), "an answer depends on nothing before"


def test_is_a_gaze_model_like_any(exported: tuple[str, Path], portrait: np.ndarray) -> None:
    name, path = exported
    face = Face(Box(150, 40, 150, 150), Box(225, 80, 45, 45), Box(175, 80, 45, 45))
    ours, theirs = GazeModel.load(path), GazeModel.load(name, engine="tflite-micro")
    assert ours.engine.name == "generated-c"
    assert ours.predict(portrait, face) == theirs.predict(portrait, face)


def test_code_for_a_board_is_refused(tmp_path: Path) -> None:
    export_c(Path("tinytracker-s"), tmp_path, Caller(), cpu="m4")
    with pytest.raises(ModelError, match="assembly for a microcontroller; export it with --cpu portable"):
        GeneratedCEngine(tmp_path / "gaze_model.c")


def test_mistakes_are_said_plainly(
    exported: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = exported[1]
    lonely = tmp_path / "gaze_model.c"
    lonely.write_text(source.read_text())
    with pytest.raises(ModelError, match="expected both files"):
        GeneratedCEngine(lonely)
    lonely.with_suffix(".h").write_text(source.with_suffix(".h").read_text())
    lonely.write_text("#error broken\n")
    with pytest.raises(TargetError, match=r"refused .*broken"):
        GeneratedCEngine(lonely)
    lonely.with_suffix(".h").write_text("#define GAZE_MODEL_INPUTS 1\n")
    with pytest.raises(ModelError, match="was not written by this tinytracker"):
        GeneratedCEngine(lonely)
    with pytest.raises(UsageError, match=r"engine generated-c runs \.c files"):
        GazeModel.load("tinytracker-s", engine="generated-c")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TargetError, match="there is no C compiler"):
        GeneratedCEngine(source)
