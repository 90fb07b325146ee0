from __future__ import annotations

import pytest

from tests.training.tiny import make_dataset
from tinytracker.data.dataset import Dataset
from tinytracker.training.recipe import Geometric, Photometric, Recipe


@pytest.fixture
def dataset() -> Dataset:
    return make_dataset()


@pytest.fixture
def recipe() -> Recipe:
    """A gaze network that trains in a second, with everything switched on."""
    return Recipe(
        "tiny",
        "tinytracker_s",
        {"size_px": 32, "colour": "rgb", "position": "channels"},
        steps=8,
        batch_size=8,
        warmup_steps=2,
        scale_by_distance=True,
        auxiliary=1.0,
        ema=0.9,
        validate_every=4,
        checkpoint_every=2,
        photometric=Photometric(0.2, 0.05, 0.03, 0.2, 0.02, 0.3, 1.3, 0.1, 0.2),
        geometric=Geometric(0.5, 0.05, 0.05, 0.05, 0.05),
    )
