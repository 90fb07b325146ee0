"""A network ready to say where a face looks: its card, an engine that runs it and the feed between."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from tinytracker.cards import InputSpec, ModelCard, card_path, read_card
from tinytracker.domain import FaceBox, GazePoint
from tinytracker.engines.feed import CropSource, Feed, read_crops
from tinytracker.engines.infer import infer_card
from tinytracker.engines.protocol import Engine, TensorSpec
from tinytracker.errors import ModelError, UsageError
from tinytracker.files import sha256
from tinytracker.released import find_released, list_released

# Engine -> the suffix of what it runs; the first one of a suffix is its default.
ENGINES = {
    "litert": ".tflite",
    "litert-builtin": ".tflite",
    "litert-reference": ".tflite",
    "tflite-micro": ".tflite",
    "onnx": ".onnx",
    "imx500": ".onnx",
    "torch": ".safetensors",
    "generated-c": ".c",
}
SAMPLES_AT_ONCE = 64
OUTPUT_NUMBERS = {"gaze": 2, "eyes": 14}


class GazeModel:
    """A card and an engine. Not for several threads at once."""

    def __init__(self, card: ModelCard, engine: Engine, source: str = "") -> None:
        """source: what messages call it. Raises ModelError if the card and the engine's tensors disagree."""
        self.card = card
        self.engine = engine
        self.source = source or card.name
        self._output = _only_output(engine, card, self.source)
        tensors = _match(card.inputs, engine.inputs, self.source)
        self._feed = Feed(card.inputs, tensors)
        self._order = [card.inputs.index(spec) for spec in _in_tensor_order(card.inputs, tensors, engine.inputs)]

    @classmethod
    def load(cls, name: str | Path, engine: str | None = None, output_scale_cm: float | None = None) -> GazeModel:
        """Loads a released network by its name, or a .tflite, .onnx, .safetensors or generated .c file.

        A file's card lies beside it (NAME.json); a .tflite without one gets it inferred (`engines.infer`).
        engine: a key of ENGINES; None takes the one for the file's suffix ("imx500" for an .onnx whose card says int8).
        output_scale_cm: overrides the card's.

        Raises ModelError naming the file, UsageError for an unknown engine or a scale that is no length, MissingExtraError
        for an engine that is not installed.
        """
        if output_scale_cm is not None and not 0 < output_scale_cm < math.inf:
            raise UsageError(f"an output of 1 must stand for some centimetres, more than 0, not {output_scale_cm}")
        path = _find(name)
        has_card = card_path(path).exists()
        card = read_card(card_path(path)) if has_card else None
        if engine is None and path.suffix == ".onnx" and card is not None and card.number_format == "int8":
            engine = "imx500"  # no other target writes such a file
        engine_name = _engine_for(path, engine)
        if card is not None and card.sha256 and card.sha256 != sha256(path):
            raise ModelError(f"{card_path(path)} is the card of another file (its sha256 is not {path.name}'s); export again")
        opened = open_engine(path, engine_name)
        if card is None:
            if path.suffix != ".tflite":
                raise ModelError(f"{path} has no card; expected {card_path(path).name} beside it, as tinytracker writes it")
            card = infer_card(path, opened.inputs, opened.outputs, output_scale_cm)
        elif output_scale_cm is not None:
            card = replace(card, output_scale_cm=output_scale_cm)
        return cls(card, opened, str(path))

    def run(self, image: np.ndarray, face: FaceBox) -> np.ndarray:
        """What the network gives for a face in a frame, real values, float32 (2,), or (14,) for an eye locator.

        image: uint8 (height, width, 3) RGB. Raises UsageError if the network sees eyes and the face has no eye boxes.
        """
        return self._invoke(self._feed.from_frame(image, face))[0]

    def refuse_unless_gaze(self) -> None:
        """Raises UsageError if this is an eye locator."""
        if self.card.output != "gaze":
            raise UsageError(f"{self.source} is an eye locator and gives no gaze; choose a gaze network")

    def predict(self, image: np.ndarray, face: FaceBox) -> GazePoint:
        """Where the person looks, in cm in GazeCapture's prediction space; raises UsageError for an eye locator."""
        self.refuse_unless_gaze()
        x_cm, y_cm = self.run(image, face) * self.card.output_scale_cm
        return GazePoint(float(x_cm), float(y_cm))

    def predict_batch(
        self, source: CropSource, indices: np.ndarray, progress: Callable[[int, int], None] | None = None
    ) -> np.ndarray:
        """What the network gives for samples of a dataset: float32 (n, 2) in cm, or (n, 14) for an eye locator."""
        indices = np.asarray(indices)
        parts = [np.empty((0, OUTPUT_NUMBERS[self.card.output]), np.float32)]
        for start in range(0, len(indices), SAMPLES_AT_ONCE):
            chosen = indices[start : start + SAMPLES_AT_ONCE]
            parts.append(self._invoke(self._feed.from_crops(read_crops(source, chosen, self._feed.kinds))))
            if progress is not None:
                progress(start + len(chosen), len(indices))
        outputs = np.concatenate(parts)
        return outputs * np.float32(self.card.output_scale_cm) if self.card.output == "gaze" else outputs

    def _invoke(self, arrays: Sequence[np.ndarray]) -> np.ndarray:
        """arrays: in the card's order, n samples first. Returns float32 (n, numbers)."""
        ordered = [arrays[index] for index in self._order]
        samples = len(ordered[0])
        if self.engine.batch is None or self.engine.batch == samples:
            stored = self.engine.invoke(ordered)[0].reshape(samples, -1)
        else:
            each = [self.engine.invoke([array[k : k + 1] for array in ordered])[0].reshape(1, -1) for k in range(samples)]
            stored = np.concatenate(each)
        return self._output.dequantize(stored)


def open_engine(path: Path, name: str) -> Engine:
    """Opens a weight file with an engine of ENGINES; raises ModelError, CheckpointError or MissingExtraError."""
    if name == "onnx":
        from tinytracker.engines.onnx import OnnxEngine

        return OnnxEngine(path)
    if name == "imx500":
        from tinytracker.engines.imx500 import Imx500Engine

        return Imx500Engine(path)
    if name == "torch":
        from tinytracker.engines.torch import TorchEngine

        return TorchEngine.load(path)
    if name == "tflite-micro":
        from tinytracker.engines.tflite_micro import TfliteMicroEngine

        return TfliteMicroEngine(path)
    if name == "generated-c":
        from tinytracker.engines.generated_c import GeneratedCEngine

        return GeneratedCEngine(path)
    from tinytracker.engines.litert import LiteRTEngine

    if name == "litert-builtin":
        return LiteRTEngine(path, kernels="builtin")
    return LiteRTEngine(path, kernels="reference" if name == "litert-reference" else "xnnpack")


def _find(name: str | Path) -> Path:
    path = Path(name)
    if path.is_file():
        return path
    if path.is_dir():
        raise ModelError(f"{path} is a folder; expected a .tflite, .onnx, .safetensors or .c file, or a released network's name")
    if isinstance(name, str) and not path.suffix and len(path.parts) == 1:
        return find_released(name)[1]
    released = ", ".join(list_released()) or "none yet"
    raise ModelError(f"{name} does not exist; expected a network's file or a released name ({released})")


def _engine_for(path: Path, engine: str | None) -> str:
    suffixes = dict.fromkeys(ENGINES.values())
    if engine is None:
        if path.suffix not in suffixes:
            raise ModelError(f"{path} is no network: expected a file that ends in {', '.join(suffixes)}")
        return next(name for name, suffix in ENGINES.items() if suffix == path.suffix)
    if engine not in ENGINES:
        raise UsageError(f"there is no engine {engine!r}; expected one of {', '.join(ENGINES)}")
    if ENGINES[engine] != path.suffix:
        raise UsageError(f"engine {engine} runs {ENGINES[engine]} files, not {path.name}; leave the engine out")
    return engine


def _only_output(engine: Engine, card: ModelCard, source: str) -> TensorSpec:
    expected = OUTPUT_NUMBERS.get(card.output)
    sizes = [int(np.prod(tensor.shape)) for tensor in engine.outputs]
    if sizes != [expected]:
        raise ModelError(f"{source}: its card promises {expected} numbers ({card.output}), the network gives {sizes}")
    return engine.outputs[0]


def _match(inputs: Sequence[InputSpec], tensors: Sequence[TensorSpec], source: str) -> list[TensorSpec]:
    """The tensor of each input: by name, or in order where the names are others."""
    by_name = {tensor.name: tensor for tensor in tensors}
    same_names = set(by_name) == {spec.name for spec in inputs}
    matched = [by_name[spec.name] for spec in inputs] if same_names else list(tensors)
    if [tensor.shape for tensor in matched] != [(1, *spec.shape) for spec in inputs]:
        expected = ", ".join(f"{spec.name} {'x'.join(map(str, (1, *spec.shape)))}" for spec in inputs)
        found = ", ".join(f"{tensor.name} {'x'.join(map(str, tensor.shape))}" for tensor in tensors)
        raise ModelError(f"{source}: its card promises inputs {expected}; the network has {found}")
    return matched


def _in_tensor_order(
    inputs: Sequence[InputSpec], matched: Sequence[TensorSpec], tensors: Sequence[TensorSpec]
) -> list[InputSpec]:
    """The inputs in the order in which the engine takes them."""
    return [inputs[next(k for k, tensor in enumerate(matched) if tensor is wanted)] for wanted in tensors]
