"""A network ready to say where a face looks: its card, an engine that runs it and the feed between."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from tinytracker.cards import InputSpec, ModelCard
from tinytracker.domain import Face, GazePoint, Image
from tinytracker.engines.feed import CropSource, Feed, read_crops
from tinytracker.engines.fit import matched, only_output
from tinytracker.engines.infer import Positions, grid_of, infer_card
from tinytracker.engines.protocol import Engine, TensorSpec
from tinytracker.engines.registry import ENGINES, open_engine
from tinytracker.errors import UsageError
from tinytracker.inputs import KINDS
from tinytracker.progress import Progress
from tinytracker.zoo import find

SAMPLES_AT_ONCE = 64


class GazeModel:
    """A card and an engine. Not for several threads at once.

    >>> model = GazeModel.load("tinytracker-s")
    >>> model.card.family, [spec.kind for spec in model.card.inputs]
    ('tinytracker_s', ['face'])
    """

    def __init__(self, card: ModelCard, engine: Engine, source: str = "") -> None:
        """source: what messages call it. Raises ModelError if the card and the engine's tensors disagree,
        UsageError for a network that sees no faces."""
        self.card = card
        self.engine = engine
        self.source = source or card.name
        if any(KINDS[spec.kind].planes for spec in card.inputs):
            raise UsageError(
                f"{self.source} sees an event camera's windows, no faces: `tinytracker track-events` follows "
                f"pupils with it, `tinytracker evaluate` measures it on a dataset of event recordings"
            )
        self._output = only_output(card, engine.outputs, self.source)
        tensors = matched(card.inputs, engine.inputs, self.source)
        self._feed = Feed(card.inputs, tensors)
        self._order = [
            card.inputs.index(spec) for spec in _in_tensor_order(card.inputs, tensors, engine.inputs)
        ]

    @classmethod
    def load(
        cls,
        name: str | Path,
        engine: str | None = None,
        output_scale_cm: float | None = None,
        positions: Positions = "exact",
    ) -> GazeModel:
        """Loads a released network by its name, or a .tflite, .onnx, .safetensors or generated .c file.

        A file's card lies beside it (NAME.json); a .tflite without one gets it inferred (`engines.infer`).
        engine: a key of ENGINES; None takes the one for the file's suffix ("imx500" for an .onnx whose card
        says int8).
        output_scale_cm: overrides the card's. positions: "grid-25" for TinyTracker as its authors released
        it, which was trained on positions of GazeCapture's face grid; "exact": as the card says.

        Raises ModelError naming the file, UsageError for an unknown engine or a scale that is no length,
        MissingExtraError for an engine that is not installed.
        """
        if output_scale_cm is not None and not 0 < output_scale_cm < math.inf:
            raise UsageError(
                f"an output of 1 must stand for some centimetres, more than 0, not {output_scale_cm}"
            )
        weights = find(name, tuple(dict.fromkeys(kind.suffix for kind in ENGINES.values())))
        path, card = weights.path, weights.card
        if engine is None and path.suffix == ".onnx" and card is not None and card.number_format == "int8":
            engine = "imx500"  # no other target writes such a file
        opened = open_engine(path, engine)
        if card is None and path.suffix == ".tflite":
            card = infer_card(path, opened.inputs, opened.outputs, output_scale_cm, positions)
        card = card or weights.require_card()
        if output_scale_cm is not None:
            card = replace(card, output_scale_cm=output_scale_cm)
        if positions != "exact":
            card = replace(card, inputs=tuple(_on_grid(spec, positions) for spec in card.inputs))
        return cls(card, opened, str(path))

    def run(self, image: Image, face: Face) -> np.ndarray:
        """What the network gives for a face in a frame, real values, float32 (2,), or (14,) for an eye
        locator.

        image: uint8 (height, width, 3) RGB. Raises UsageError if the network sees eyes and the face has no
        eye boxes.
        """
        return np.asarray(self._invoke(self._feed.from_frame(image, face))[0])

    def refuse_unless_gaze(self) -> None:
        """Raises UsageError if this is an eye locator."""
        if self.card.output != "gaze":
            raise UsageError(f"{self.source} is an eye locator and gives no gaze; choose a gaze network")

    def predict(self, image: Image, face: Face) -> GazePoint:
        """Where the person looks, in cm in GazeCapture's prediction space; raises UsageError for an eye
        locator."""
        self.refuse_unless_gaze()
        x_cm, y_cm = self.run(image, face) * self.card.output_scale_cm
        return GazePoint(float(x_cm), float(y_cm))

    def predict_batch(
        self, source: CropSource, indices: np.ndarray, progress: Progress | None = None
    ) -> np.ndarray:
        """What the network gives for samples of a dataset: float32 (n, 2) in cm, or (n, 14) for an eye
        locator."""
        indices = np.asarray(indices)
        parts = [np.empty((0, len(self.card.outputs)), np.float32)]
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
            each = [
                self.engine.invoke([array[k : k + 1] for array in ordered])[0].reshape(1, -1)
                for k in range(samples)
            ]
            stored = np.concatenate(each)
        return self._output.dequantize(stored)


def _on_grid(spec: InputSpec, positions: Positions) -> InputSpec:
    return replace(spec, position_grid=grid_of(positions, spec.position == "channels"))


def _in_tensor_order(
    inputs: Sequence[InputSpec], matched: Sequence[TensorSpec], tensors: Sequence[TensorSpec]
) -> list[InputSpec]:
    """The inputs in the order in which the engine takes them."""
    return [inputs[next(k for k, tensor in enumerate(matched) if tensor is wanted)] for wanted in tensors]
