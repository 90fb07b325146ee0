"""States that this version cannot go on from are refused in a line."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from tinytracker.errors import CheckpointError
from tinytracker.training import state
from tinytracker.training.average import MovingAverage
from tinytracker.training.validation import Score


def test_a_state_of_another_versions_network_is_refused(tmp_path: Path) -> None:
    path, identity = tmp_path / "state.safetensors", {"seed": 0}

    def run(width: int) -> tuple[nn.Module, MovingAverage, torch.optim.Optimizer]:
        network = nn.Linear(2, width)
        return network, MovingAverage(network, 0.9), torch.optim.AdamW(network.parameters())

    state.save_run(path, identity, 3, Score(1.0, {}), *run(4))
    assert state.restore_run(path, identity, *run(4))[0] == 3
    with pytest.raises(CheckpointError, match="does not fit the network that its recipe makes"):
        state.restore_run(path, identity, *run(5))


def test_a_state_that_does_not_say_whose_it_is_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    state.save_state(path, {"a": torch.zeros(1)}, {"step": 3})
    with pytest.raises(CheckpointError, match=r"is of another run: seed .* was nothing and is 1"):
        state.refuse_another(path, {"seed": 1})
