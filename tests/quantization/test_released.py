"""The weights in the package are what their cards say, integer throughout, and the same on a
microcontroller."""

from __future__ import annotations

import numpy as np
import pytest

from tinytracker.cards import ModelCard
from tinytracker.engines.litert import LiteRTEngine
from tinytracker.files import sha256
from tinytracker.inputs import KINDS
from tinytracker.quantization.compare import agreement
from tinytracker.tflite.integer import check_integer
from tinytracker.zoo import find, list_released

SAMPLES = 200
LOSS_CM, DRIFT_OF_EYES, LOSS_PX = 0.03, 0.01, 0.05


def samples(card: ModelCard):
    """Faces of a kind: smooth pictures with a little noise, real-valued, one by one."""
    rng = np.random.default_rng(8)
    for _ in range(SAMPLES):
        sample = []
        for spec in card.inputs:
            if KINDS[spec.kind].planes:
                sample.append((rng.random((1, *spec.shape)) < 0.04).astype(np.float32))
                continue
            if spec.kind == "last_output":
                sample.append(rng.uniform(0, 1, (1, *spec.shape)).astype(np.float32))
                continue
            if spec.kind == "face_box":
                sample.append(rng.uniform(-0.9, 0.9, (1, 4)).astype(np.float32))
                continue
            y, x = np.mgrid[: spec.height_px, : spec.width_px][..., None] / max(spec.height_px, spec.width_px)
            level = rng.uniform(60, 190) + 50 * np.sin(
                rng.uniform(2, 14) * x + rng.uniform(2, 14) * y + rng.uniform(0, 6)
            )
            pixels = np.rint(
                np.clip(level + rng.normal(0, 6, (spec.height_px, spec.width_px, spec.channels)), 0, 255)
            )
            sample.append((pixels * spec.pixel_scale + spec.pixel_offset)[None].astype(np.float32))
        yield sample


@pytest.mark.parametrize("name", list_released())
class TestReleased:
    def test_card_and_weights_belong_together(self, name):
        card, weights = find(name).card, find(name).path
        assert card.sha256 == sha256(weights)
        assert card.counts["bytes"] == weights.stat().st_size
        assert card.number_format == "int8"
        assert card.caution
        for tensor, spec in zip(LiteRTEngine(weights).inputs, card.inputs, strict=True):
            assert (tensor.name, tensor.shape) == (spec.name, (1, *spec.shape))

    def test_is_integer_from_end_to_end(self, name):
        check_integer(find(name).path.read_bytes(), name)

    def test_lost_little_by_quantisation(self, name):
        card = find(name).card
        figures = card.results["quantization"]["test"]
        if card.output == "pupil":
            assert figures["loss_px"] <= LOSS_PX
            return
        assert figures["loss_cm"] <= LOSS_CM if card.output == "gaze" else figures["drift"] <= DRIFT_OF_EYES

    def test_litert_and_tflm_agree_within_2_steps(self, name):
        card, weights = find(name).card, find(name).path
        worst = agreement(weights, samples(card))
        # On windows of mere noise pupil's map points at several places: a step there is many behind it.
        assert worst["reference"] <= (12 if card.output == "pupil" else 2), worst
        # The fast kernels round otherwise within the network, which shows most on pictures that are no faces.
        assert max(worst.values()) <= (32 if card.output == "pupil" else 16), worst
