"""Pictures made where the training is: the same as OpenCV's, within interpolation and rounding. The device is
a CPU here; a GPU runs the same operations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.training.tiny import add_eye_bands
from tinytracker.models import create_model
from tinytracker.training.batches import BatchMaker
from tinytracker.training.on_device import PixelsOnDevice
from tinytracker.training.recipe import Geometric, Photometric, Recipe
from tinytracker.training.samples import load_samples

NO_LIGHT = Photometric()
GEOMETRY = Geometric(0.5, 0.08, 0.08, 0.08, 0.08, 0.05, 0.05, 8.0, cut=0.4)
STEPS = {
    "as it is": (NO_LIGHT, Geometric(flip=0.0)),
    "boxes": (NO_LIGHT, GEOMETRY),
    "curves": (Photometric(contrast=0.3, brightness=0.1, colour=0.05, gamma=0.4), GEOMETRY),
    "cameras": (Photometric(low_resolution=1.0), GEOMETRY),
    "ramps": (Photometric(ramp=0.4), GEOMETRY),
    "noise": (Photometric(noise=0.05), GEOMETRY),
    "grey": (Photometric(grey=0.5), GEOMETRY),
    "all": (Photometric(0.3, 0.08, 0.03, 0.35, 0.04, 0.5, 1.3, 0.35, 0.3), GEOMETRY),
}
NETWORKS = {
    "tinytracker_s": {"size_px": 32, "colour": "rgb", "position": "channels"},
    "tinytracker_eyes": {"eye_low_pass_px": 2.0, "face_blank_rows": 32},
    "eye_locator": {"size_px": 64},
    "tinytracker_imx_band": {},
}


def pictures(dataset, model: str, recipe: Recipe):
    """(OpenCV's, the device's) of one batch, by kind: float (n, H, W, C)."""
    if "band" in model:
        add_eye_bands(dataset)
    spec = create_model(model, **NETWORKS[model]).spec
    samples = load_samples(dataset, "train", spec, margin=True)
    maker = BatchMaker(samples, spec, recipe, seed=5)
    there = PixelsOnDevice(samples, spec, recipe, maker, torch.device("cpu"))
    numbers = {name: torch.from_numpy(array) for name, array in there.numbers(maker.draw(2)).items()}
    made = {kind: crops.permute(0, 2, 3, 1).numpy() for kind, crops in there.crops(numbers).items()}
    return maker.training(2).crops, made


@pytest.mark.parametrize("model", NETWORKS)
@pytest.mark.parametrize("step", STEPS)
def test_the_device_makes_what_opencv_makes(dataset, model: str, step: str) -> None:
    photometric, geometric = STEPS[step]
    recipe = Recipe(
        "tiny", model, batch_size=24, face_dropout=0.2, photometric=photometric, geometric=geometric
    )
    here, there = pictures(dataset, model, recipe)
    assert here.keys() == there.keys()
    for kind in here:
        difference = np.abs(here[kind].astype(float) - there[kind])
        # Rounding to whole levels after each step, and weights of 1/32 px in OpenCV's warps.
        assert difference.mean() < 0.8, kind
        assert np.percentile(difference, 99) < 3.0, kind


def test_another_draw_is_another_picture(dataset) -> None:
    """The bounds above are far below what augmentation does."""
    recipe = Recipe("tiny", "tinytracker_s", batch_size=24, geometric=GEOMETRY)
    here, _ = pictures(dataset, "tinytracker_s", recipe)
    other, _ = pictures(dataset, "tinytracker_s", replace(recipe, geometric=Geometric(flip=0.0)))
    assert np.abs(here["face"].astype(float) - other["face"]).mean() > 8
