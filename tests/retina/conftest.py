"""A dataset of discs, and networks with statistics of their own, once a session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.retina.discs import write_dataset
from tinytracker.events.dataset import EventDataset
from tinytracker.events.windows import Window
from tinytracker.models import Network, create_model
from tinytracker.retina.sequences import Track, tracks_of


@pytest.fixture(scope="session")
def eyes(tmp_path_factory: pytest.TempPathFactory) -> EventDataset:
    return write_dataset(tmp_path_factory.mktemp("discs") / "eyes", train=3, val=1, test=2, seconds=0.4)


@pytest.fixture(scope="session")
def tracks(eyes: EventDataset) -> list[Track]:
    return tracks_of(eyes.recordings("test"), Window(cells=300))


@pytest.fixture(scope="session")
def settled(tracks: list[Track]) -> Callable[[str], Network]:
    """A network by its name with random weights and batch-norm statistics of windows of events."""

    def made(name: str) -> Network:
        torch.manual_seed(3)
        network = create_model(name).train()
        windows = torch.from_numpy(tracks[0].planes(slice(0, 32)).astype(np.float32))
        inputs = (windows, torch.rand(32, 16)) if name == "pupil" else (windows,)
        with torch.no_grad():
            for module in network.modules():
                if isinstance(module, torch.nn.BatchNorm2d):
                    module.momentum = 0.5
                    torch.nn.init.normal_(module.bias, std=0.3)  # a shift that must not get lost
            for _ in range(4):
                network(*inputs)
        return network.eval()

    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
