"""A network quantised for Sony's IMX500, run on the CPU: the quantised ONNX, then the host's correction.

The file's own operators (Sony's quantisers) come from the package mct_quantizers. How far the chip's rounding
differs from them nobody has published.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tinytracker.cards import card_path, read_card
from tinytracker.engines.correction import Correction
from tinytracker.engines.onnx import open_session
from tinytracker.engines.protocol import TensorSpec
from tinytracker.errors import ModelError
from tinytracker.extras import need
from tinytracker.inputs import BOX_NUMBERS


class Imx500Engine:
    """A quantised .onnx as `tinytracker export --target imx500` writes it, with its card beside it.

    Takes the picture channels last, any batch, and the box's numbers where the card's correction needs them;
    gives the corrected numbers. Raises ModelError if the file or the card is another, MissingExtraError
    without Sony's packages.
    """

    name = "imx500"
    batch = None

    def __init__(self, path: Path, threads: int = 1) -> None:
        need("mct_quantizers", "imx500")
        from mct_quantizers import get_ort_session_options

        card = read_card(card_path(path))
        self._correction = Correction(card.correction)
        self._session = open_session(path, get_ort_session_options(), threads, "a quantised ONNX file")
        arguments = self._session.get_inputs()
        if len(arguments) != 1 or len(arguments[0].shape) != 4:
            raise ModelError(
                f"{path} takes {[argument.shape for argument in arguments]}; expected one picture"
            )
        self._argument = arguments[0].name
        channels, height, width = arguments[0].shape[1:]
        picture = next((spec.name for spec in card.inputs if spec.height_px), self._argument)
        boxes = [spec.name for spec in card.inputs if spec.kind == self._correction.box_kind]
        self.inputs = (
            TensorSpec(picture, (1, height, width, channels), "float32"),
            *(TensorSpec(name, (1, BOX_NUMBERS), "float32") for name in boxes),
        )
        self.outputs = (TensorSpec("output", (1, 2), "float32"),)

    def invoke(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        picture = np.ascontiguousarray(np.asarray(inputs[0], np.float32).transpose(0, 3, 1, 2))
        outputs = self._session.run(None, {self._argument: picture})[0].reshape(len(picture), -1)
        return [self._correction.apply(outputs, inputs[1] if len(inputs) > 1 else None)]
