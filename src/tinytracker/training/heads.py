"""Heads that only training has: they read the renderer's truth and a teacher's embedding off a network's
embedding."""

from __future__ import annotations

from torch import Tensor, nn

from tinytracker.models import Network
from tinytracker.models.layers import FlattenNHWC

MAP_CHANNELS = 32


class WithHeads(nn.Module):
    """forward(*inputs) -> (the network's output, truth (B, truths) or None, lesson (B, lessons) or None).

    truths, lessons: numbers of outputs of the two heads; 0 leaves one out.
    """

    def __init__(self, network: Network, truths: int, lessons: int) -> None:
        super().__init__()
        self.network = network
        self.truth = _head(network.embedding_shape, truths) if truths else None
        self.lesson = _head(network.embedding_shape, lessons) if lessons else None

    def forward(self, *inputs: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
        embedding = self.network.embed(*inputs)
        return (
            self.network.head(embedding),
            None if self.truth is None else self.truth(embedding),
            None if self.lesson is None else self.lesson(embedding),
        )


def _head(shape: tuple[int, ...], outputs: int) -> nn.Sequential:
    """A small head on a vector, or on a map, whose places it keeps apart: eye centres need them."""
    if len(shape) == 1:
        return nn.Sequential(nn.Linear(shape[0], outputs))
    channels, height, width = shape
    return nn.Sequential(
        nn.Conv2d(channels, MAP_CHANNELS, 1),
        FlattenNHWC(),
        nn.ReLU(inplace=True),
        nn.Linear(MAP_CHANNELS * height * width, outputs),
    )
