"""Our network of pupils: a window of events and what it said last -> where the pupil is, whether the eye is
closed, and how sure that is. A tenth of Retina's multiply-accumulates."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tinytracker.cards import InputSpec
from tinytracker.inputs import KINDS
from tinytracker.models.layers import ConvBN, FlattenNHWC, InvertedResidual, Size
from tinytracker.models.network import Network, NetworkSpec, event_window
from tinytracker.models.registry import register

# Whole convolutions while maps are large: per multiply-accumulate they take half the instructions of
# depthwise ones, on microcontrollers (docs/events.md) and in training.
# output channels, kernel, stride
CONVOLUTIONS = ((8, 5, 2), (16, 3, 2), (16, 3, 1), (32, 3, 2))
EXPANDED, DEPTHWISE = 60, 5  # channels and kernel of the last block: it sees nearly all of the window
MAP_CHANNELS = 8
# Of a cell of the last map, along each side: its first PARTS * PARTS channels point, one at each part.
PARTS = 2
SHARPNESS = 4.0  # of these channels as logits
JOINED, HIDDEN = 16, 24
BYTES = 256.0  # steps from 0 to 1
CENTRE = 2  # of the numbers that it says, the first: x and y


class Pupil(Network):
    """See the builder `pupil`. The embedding is the last map, (8, H, W), whose first channels point at where
    the pupil is (`pointing`).

    What the network said last goes in as sixteen numbers, beside what the window shows: no plane and no
    convolution is spent on it. They are bytes of one scale, in and out, so a board hands them on as they are.
    """

    def __init__(self, size_px: int, window_events: int, window_among: int) -> None:
        super().__init__()
        events = event_window(size_px, window_events, window_among)
        last = InputSpec("last", "last_output")
        self.spec = NetworkSpec("pupil", (events, last), output="pupil", output_scale_cm=1.0)
        self.options = {}
        layers: list[nn.Module] = []
        channels, size = events.channels, (size_px, size_px)
        for out_channels, kernel, stride in CONVOLUTIONS:
            layer = ConvBN(channels, out_channels, kernel, size=size, stride=stride)
            layers.append(layer)
            channels, size = out_channels, layer.out_size
        layers.append(InvertedResidual(channels, EXPANDED, channels, size=size, kernel=DEPTHWISE))
        layers.append(ConvBN(channels, MAP_CHANNELS, size=size, relu=False))
        self.backbone = nn.Sequential(*layers)
        self.embedding_shape = (MAP_CHANNELS, *size)
        self.head = _Joined(size)

    def forward(self, events: Tensor, last: Tensor) -> Tensor:
        return self.head(self.embed(events), last)

    def embed(self, events: Tensor) -> Tensor:
        """(B, 8, H, W), whatever was said last: of many windows at once, as training does."""
        return self.backbone(events)


def pointing(embedding: Tensor) -> Tensor:
    """How strongly maps (B, 8, H, W) point at each of the `places` of a window, as logits, (B, H * W * 4)."""
    points = embedding.permute(0, 2, 3, 1)[..., : PARTS * PARTS]  # channels last, as files have them
    return SHARPNESS * points.flatten(1)


def places(size: Size) -> Tensor:
    """The middles of the parts of a map's cells, in the order of `pointing`, (H * W * 4, 2), x and y from 0
    to 1.

    >>> (places((1, 2)) * 8).tolist()[:3]
    [[1.0, 2.0], [3.0, 2.0], [1.0, 6.0]]
    """
    rows, columns, down, right = torch.meshgrid(
        *(torch.arange(length) for length in (*size, PARTS, PARTS)), indexing="ij"
    )
    x = (columns + (right + 0.5) / PARTS) / size[1]
    y = (rows + (down + 0.5) / PARTS) / size[0]
    return torch.stack([x.flatten(), y.flatten()], 1)


class _Joined(nn.Module):
    """What the window shows and what was said last -> sixteen numbers from 0 to 1: what was said last, moved
    towards what is said anew by a share of the way that each number has for itself (a gate, as in gated
    recurrent units: Cho et al. 2014, arXiv 1406.1078). So in a fixation, whose windows are noise, it can hold
    what it knows, in bytes exactly: a share of 0 moves nothing.

    The centre that is said anew is the mean of where the map points, weighted by how strongly (a soft argmax:
    Luvizon et al. 2017, arXiv 1710.02322), so it need not be learnt that what shifts in the window shifts the
    centre as far."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        numbers, at = KINDS["last_output"].numbers, places(size)
        # Fixed, about the middle: so int8's steps are half as large.
        self.centre = nn.Linear(len(at), CENTRE).requires_grad_(False)
        self.centre.weight.copy_(at.T - 0.5)
        self.centre.bias.fill_(0.5)
        self.seen = nn.Sequential(
            nn.ReLU(),
            FlattenNHWC(),
            nn.Linear(MAP_CHANNELS * size[0] * size[1], JOINED),
            nn.ReLU(inplace=True),
        )
        self.said = nn.Sequential(nn.Linear(numbers, JOINED), nn.ReLU(inplace=True))
        self.join = nn.Sequential(nn.Linear(JOINED, HIDDEN), nn.ReLU(inplace=True))
        self.anew = nn.Sequential(nn.Linear(HIDDEN, numbers - CENTRE), nn.Sigmoid())
        self.share = nn.Sequential(nn.Linear(HIDDEN, numbers), nn.Sigmoid())

    def forward(self, embedding: Tensor, last: Tensor) -> Tensor:
        joined = self.join(self.seen(embedding) + self.said(last))
        share, weights = self.share(joined), pointing(embedding).softmax(1)
        if self.training:  # as bytes will round them: many small weights are none
            weights = _rounded(weights, BYTES)
        anew = torch.cat([self.centre(weights), self.anew(joined)], 1)
        if not self.training:
            return last + share * (anew - last)
        # As bytes will round them, so that it learns which steps are too small to be made.
        way = _rounded(_rounded(anew, BYTES) - last, BYTES / 2)
        return _rounded(last + _rounded(_rounded(share, BYTES) * way, BYTES / 2), BYTES)


def _rounded(x: Tensor, steps: float) -> Tensor:
    """To whole steps of 1 / `steps`; gradients pass as if it were not."""
    return x + ((x * steps).round() / steps - x).detach()


@register
def pupil(size_px: int = 64, window_events: int = 300, window_among: int = 32) -> Network:
    """A window of events and the last output (zeros at first) -> (B, 16) as `inputs.OUTPUTS` names them: the
    pupil's centre in the window, whether the eye is closed, how sure that is, and a memory of twelve numbers
    that mean something to the network alone."""
    return Pupil(size_px, window_events, window_among)
