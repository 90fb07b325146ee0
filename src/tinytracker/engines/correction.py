"""What the host adds to a network that cannot know where its picture lies: y * scale(box) + offset(box).

The card's `correction` (written by `models.sensor`) holds the numbers. {}: nothing is corrected. {"input":
"", "scale": {"bias": [2]}, "offset": {"bias": [2]}}: constants. {"input": kind of the box, "hidden", "scale",
"offset": {"weight", "bias"}}: hidden = ReLU(weight x + bias) of the box's four numbers x
(`faces.crops.face_box_numbers`), scale and offset are linear in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinytracker.errors import ModelError
from tinytracker.inputs import BOX_NUMBERS


class Correction:
    """A card's correction, ready to use. Raises ModelError if it is not of the form above."""

    def __init__(self, correction: Mapping[str, Any]) -> None:
        self.box_kind: str = correction.get("input", "")
        try:
            self._layers = {
                name: tuple(np.array(layer[part], np.float32) for part in ("weight", "bias") if part in layer)
                for name, layer in correction.items()
                if name != "input"
            }
            shapes = {name: [part.shape for part in layer] for name, layer in self._layers.items()}
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise ModelError(f"the card's correction is broken: {error}; export the network again") from error
        if not correction:
            expected: dict[str, list[tuple[int, ...]]] = {}
        elif not self.box_kind:
            expected = {"scale": [(2,)], "offset": [(2,)]}
        else:
            hidden = len(self._layers.get("hidden", ((),))[0])
            outer = [(2, hidden), (2,)]
            expected = {"hidden": [(hidden, BOX_NUMBERS), (hidden,)], "scale": outer, "offset": outer}
        if shapes != expected:
            raise ModelError(
                f"the card's correction has layers of shapes {shapes}, expected {expected}; export again"
            )

    @property
    def hidden_units(self) -> int:
        """How many there are between the box and scale and offset; 0 where these are constant."""
        return len(self._layers["hidden"][1]) if self.box_kind else 0

    def arrays(self) -> dict[tuple[str, str], np.ndarray]:
        """(layer, "weight" or "bias") -> its numbers, float32; without any correction a scale of 1 and an
        offset of 0."""
        if not self._layers:
            return {("scale", "bias"): np.ones(2, np.float32), ("offset", "bias"): np.zeros(2, np.float32)}
        parts = ("weight", "bias") if self.box_kind else ("bias",)
        return {
            (layer, part): values
            for layer, both in self._layers.items()
            for part, values in zip(parts, both, strict=True)
        }

    def apply(self, outputs: np.ndarray, boxes: np.ndarray | None = None) -> np.ndarray:
        """Corrected outputs, float32 (n, 2); boxes: (n, 4), the numbers of each sample's box, where
        `box_kind` names one."""
        outputs = np.asarray(outputs, np.float32)
        if not self._layers:
            return outputs
        if not self.box_kind:
            return outputs * self._layers["scale"][0] + self._layers["offset"][0]
        weight, bias = self._layers["hidden"]
        hidden = np.maximum(np.asarray(boxes, np.float32) @ weight.T + bias, 0)
        scale, offset = (
            hidden @ weight.T + bias for weight, bias in (self._layers["scale"], self._layers["offset"])
        )
        return np.asarray(outputs * scale + offset, np.float32)
