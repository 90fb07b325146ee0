"""What a checkpoint is quantised on: faces for networks that see faces, event recordings for those that see
pupils."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tinytracker.cards import ModelCard
from tinytracker.errors import UsageError
from tinytracker.models import Network
from tinytracker.quantization.ground import FaceGround, Ground
from tinytracker.retina.estimates import PUPIL_OUTPUTS
from tinytracker.targets.target import Caller


def ground_for(data: Sequence[Path], network: Network, card: ModelCard, caller: Caller) -> Ground:
    """The datasets opened; raises DatasetError, or UsageError where several cannot be joined."""
    if card.output not in PUPIL_OUTPUTS:
        return FaceGround(caller.open_dataset(data), card)
    from tinytracker.events.dataset import EventDataset
    from tinytracker.retina.ground import PupilGround

    if len(data) > 1:
        raise UsageError("datasets of event recordings are not joined; prepare their recordings together")
    with caller.bar("Cutting windows") as update:
        update(0, 1)
        ground = PupilGround(EventDataset.open(data[0]), network, card)
        update(1, 1)
    return ground
