"""Any .tflite of the family runs, with a card or without; anything else is refused with one clear line."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.engines.test_feed import BOX, FACE, FRAME, Stored
from tests.engines.tflite_files import write
from tinytracker import zoo
from tinytracker.cards import InputSpec, ModelCard, card_path, write_card
from tinytracker.engines.litert import LiteRTEngine
from tinytracker.engines.model import GazeModel
from tinytracker.engines.tflite_micro import TfliteMicroEngine
from tinytracker.errors import ModelError, UsageError
from tinytracker.faces.crops import crop, position_channels
from tinytracker.files import sha256


def expected(weights: np.ndarray, channels: int, height: int, width: int) -> np.ndarray:
    """What a network written by tflite_files answers for FACE, in float."""
    picture = crop(FRAME, BOX, width, height)
    if channels == 1:
        import cv2

        picture = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None]
    real = picture / 127.5 - 1
    if channels == 5:
        real = np.concatenate([real, position_channels(BOX, 64, 48, width, height)], axis=2)
    return weights @ real.reshape(-1)


@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize("side", [(12, 12), (10, 16)])
@pytest.mark.parametrize(
    ("dtype", "scale", "zero_point"),
    [("int8", 0.0081568, -5), ("int8", 0.0123, 40), ("uint8", 0.0091, 131), ("float32", 0, 0)],
)
def test_any_file_of_the_family_runs_without_a_card(tmp_path, channels, side, dtype, scale, zero_point):
    weights = write(tmp_path / "foreign.tflite", (1, *side, channels), dtype, scale, zero_point)
    model = GazeModel.load(tmp_path / "foreign.tflite", output_scale_cm=20)
    answer = model.run(FRAME, FACE)
    # The picture's own quantisation, then half a step of the output.
    slack = 1e-5 if dtype == "float32" else 0.0101 + np.abs(weights).sum(1).max() * scale / 6
    assert np.abs(answer - expected(weights, channels, *side)).max() < slack
    point = model.predict(FRAME, FACE)
    assert (point.x_cm, point.y_cm) == pytest.approx(tuple(answer * 20))


def test_float_output_behind_int8(tmp_path):
    write(tmp_path / "int8.tflite", (1, 12, 12, 3))
    write(tmp_path / "float.tflite", (1, 12, 12, 3), float_output=True)
    one, other = (
        GazeModel.load(tmp_path / f"{name}.tflite", output_scale_cm=30) for name in ("int8", "float")
    )
    assert other.engine.outputs[0].dtype == "float32"
    assert one.run(FRAME, FACE) == pytest.approx(other.run(FRAME, FACE), abs=1e-6)


def test_the_papers_network_has_its_scale_inferred_and_said(tmp_path, caplog):
    write(tmp_path / "TinyTracker.tflite", (1, 128, 128, 5))
    assert GazeModel.load(tmp_path / "TinyTracker.tflite").card.output_scale_cm == 30
    assert "30 cm" in caplog.text


@pytest.mark.parametrize(
    ("shape", "scale", "zero_point"), [((1, 96, 96, 1), 0.007, -5), ((1, 112, 112, 5), 1 / 128, 0)]
)
def test_an_unknown_scale_is_demanded(tmp_path, shape, scale, zero_point):
    write(tmp_path / "x.tflite", shape, scale=scale, zero_point=zero_point)
    with pytest.raises(ModelError, match=r"x\.tflite has no card.*--output-scale-cm"):
        GazeModel.load(tmp_path / "x.tflite")


def test_our_own_pixels_are_recognised_by_their_scale(tmp_path):
    write(tmp_path / "x.tflite", (1, 12, 12, 3), scale=1 / 128, zero_point=0)
    assert GazeModel.load(tmp_path / "x.tflite", output_scale_cm=40).card.inputs[0].pixel_scale == 1 / 128


@pytest.mark.parametrize(
    ("shape", "outputs", "message"),
    [((1, 12, 12, 4), 2, "1, 3 or 5"), ((1, 12, 12), 2, "1, 3 or 5"), ((1, 12, 12, 3), 3, "two numbers")],
)
def test_other_networks_are_refused(tmp_path, shape, outputs, message):
    write(tmp_path / "other.tflite", shape, outputs=outputs)
    with pytest.raises(ModelError, match=rf"other\.tflite.*{message}"):
        GazeModel.load(tmp_path / "other.tflite", output_scale_cm=1)


class TestBrokenFiles:
    def test_not_a_tflite(self, tmp_path):
        (tmp_path / "x.tflite").write_text("a letter, not a network")
        with pytest.raises(ModelError, match=r"x\.tflite is not a \.tflite file.*found 23 bytes"):
            GazeModel.load(tmp_path / "x.tflite")

    def test_empty(self, tmp_path):
        (tmp_path / "x.tflite").touch()
        with pytest.raises(ModelError, match=r"x\.tflite is empty"):
            GazeModel.load(tmp_path / "x.tflite")

    @pytest.mark.parametrize("share", [0.02, 0.4, 0.97])
    def test_truncated(self, tmp_path, share):
        path = tmp_path / "x.tflite"
        write(path, (1, 32, 32, 3))
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(
            ModelError, match=r"x\.tflite is a damaged \.tflite file, or cut off: .* lies outside the file"
        ):
            GazeModel.load(path, output_scale_cm=1)

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("nothing.tflite", "does not exist"),
            ("nobody", "no file or released network 'nobody'"),
            (".", "is a folder"),
        ],
    )
    def test_not_there(self, tmp_path, monkeypatch, name, message):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(ModelError, match=message):
            GazeModel.load(name)

    def test_other_suffix(self, tmp_path):
        (tmp_path / "x.pdf").write_text("%PDF")
        with pytest.raises(ModelError, match=r"\.tflite, \.onnx, \.safetensors"):
            GazeModel.load(tmp_path / "x.pdf")

    @pytest.mark.parametrize("suffix", [".onnx", ".safetensors"])
    def test_needs_its_card(self, tmp_path, suffix):
        (tmp_path / f"x{suffix}").write_bytes(b"no network")
        with pytest.raises(ModelError, match=rf"x{suffix}|x\.json"):
            GazeModel.load(tmp_path / f"x{suffix}")


class TestCards:
    @pytest.fixture
    def path(self, tmp_path) -> Path:
        write(tmp_path / "mine.tflite", (1, 12, 12, 3), scale=1 / 128, zero_point=0)
        card = ModelCard("mine", "tinytracker", (InputSpec("image", "face", 12, 12),), output_scale_cm=25)
        write_card(replace(card, sha256=sha256(tmp_path / "mine.tflite")), tmp_path / "mine.json")
        return tmp_path / "mine.tflite"

    def test_gives_the_scale_which_the_caller_may_override(self, path):
        assert GazeModel.load(path).card.output_scale_cm == 25
        assert GazeModel.load(path, output_scale_cm=7).card.output_scale_cm == 7

    @pytest.mark.parametrize("scale_cm", [0, -30, float("nan"), float("inf")])
    def test_scale_that_is_no_length_is_refused(self, path, scale_cm):
        with pytest.raises(UsageError, match="more than 0"):
            GazeModel.load(path, output_scale_cm=scale_cm)

    def test_of_another_file_is_refused(self, path):
        write(path, (1, 12, 12, 3), scale=1 / 100, zero_point=0)
        with pytest.raises(ModelError, match=r"mine\.json is the card of another file"):
            GazeModel.load(path)

    def test_that_promises_other_inputs_is_refused(self, path):
        write(path, (1, 12, 16, 3))
        card_path(path).write_text(card_path(path).read_text().replace(str(_digest(path)), sha256(path)))
        with pytest.raises(
            ModelError, match=r"promises inputs image 1x12x12x3; the network has image 1x12x16x3"
        ):
            GazeModel.load(path)

    def test_that_is_none_is_refused(self, path):
        card_path(path).write_text("{}")
        with pytest.raises(ModelError, match=r"mine\.json is not a model card"):
            GazeModel.load(path)

    def test_batches_give_what_single_frames_give(self, path):
        model = GazeModel.load(path)
        point = model.predict(FRAME, FACE)
        done = []
        batch = model.predict_batch(Stored(), np.array([2, 0, 1]), lambda *step: done.append(step))
        assert batch.shape == (3, 2)
        assert batch.dtype == np.float32
        assert np.allclose(batch, [point.x_cm, point.y_cm], atol=1e-5)
        assert done == [(3, 3)]
        assert model.predict_batch(Stored(), np.array([], int)).shape == (0, 2)

    def test_released_networks_are_found_by_name(self, path, monkeypatch):
        monkeypatch.setattr(zoo, "RELEASED", path.parent)
        path.with_suffix(".tflite").rename(path.parent / "my-own.tflite")
        card_path(path).rename(path.parent / "my-own.json")
        assert zoo.list_released() == ["my-own"]
        assert GazeModel.load("my_own").card.name == "mine"

    @pytest.mark.parametrize(
        ("engine", "message"), [("tpu", "no engine 'tpu'; expected one of litert"), ("onnx", "runs .onnx")]
    )
    def test_engines_that_do_not_fit_are_refused(self, path, engine, message):
        with pytest.raises(UsageError, match=message):
            GazeModel.load(path, engine=engine)

    def test_an_eye_locator_gives_numbers_and_no_gaze(self, tmp_path):
        weights = write(tmp_path / "eyes.tflite", (1, 12, 12, 1), outputs=14, scale=1 / 128, zero_point=0)
        card = ModelCard("eyes", "eye_locator", (InputSpec("image", "face", 12, 12, "grey"),), output="eyes")
        write_card(card, tmp_path / "eyes.json")
        model = GazeModel.load(tmp_path / "eyes.tflite")
        assert model.run(FRAME, FACE).shape == (len(weights),)
        assert model.predict_batch(Stored(), np.array([0])).shape == (1, 14)
        with pytest.raises(UsageError, match="eye locator"):
            model.predict(FRAME, FACE)


@pytest.mark.parametrize("engine", ["litert", "litert-builtin", "litert-reference", "tflite-micro"])
def test_engines_agree(tmp_path, engine):
    write(tmp_path / "x.tflite", (1, 12, 12, 3))
    model = GazeModel.load(tmp_path / "x.tflite", engine, output_scale_cm=1)
    assert model.engine.name == engine
    reference = GazeModel.load(tmp_path / "x.tflite", output_scale_cm=1)
    assert model.run(FRAME, FACE) == pytest.approx(reference.run(FRAME, FACE), abs=0.0201)


def test_answers_stay_the_callers(tmp_path):
    write(tmp_path / "x.tflite", (1, 4, 4, 3))
    for engine in (LiteRTEngine(tmp_path / "x.tflite"), TfliteMicroEngine(tmp_path / "x.tflite")):
        first = engine.invoke([np.full((1, 4, 4, 3), 90, np.int8)])[0]
        kept = first.copy()
        engine.invoke([np.full((1, 4, 4, 3), -90, np.int8)])
        assert np.array_equal(first, kept)


def test_importing_is_cheap_and_loading_is_quiet(tmp_path):
    write(tmp_path / "x.tflite", (1, 12, 12, 3))
    code = (
        "import sys; from tinytracker.engines.model import GazeModel; "
        "assert not {'ai_edge_litert', 'torch', 'onnxruntime', 'tflite_micro'} & set(sys.modules); "
        f"GazeModel.load({str(tmp_path / 'x.tflite')!r}, output_scale_cm=1)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout + answer.stderr == ""


def _digest(path: Path) -> str:
    from tinytracker.cards import read_card

    return read_card(card_path(path)).sha256
