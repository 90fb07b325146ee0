"""Our network of pupils: a window of events and what it said last -> where the pupil is, whether the eye is
closed, and how sure that is. A tenth of Retina's multiply-accumulates."""

from __future__ import annotations

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
EXPANDED = 64
MAP_CHANNELS = 8
JOINED, HIDDEN = 18, 24
BYTES = 256.0  # steps from 0 to 1


class Pupil(Network):
    """See the builder `pupil`. The embedding is the last map, (8, H, W).

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
        layers.append(InvertedResidual(channels, EXPANDED, channels, size=size))
        layers.append(ConvBN(channels, MAP_CHANNELS, size=size))
        self.backbone = nn.Sequential(*layers)
        self.embedding_shape = (MAP_CHANNELS, *size)
        self.head = _Joined(size)

    def forward(self, events: Tensor, last: Tensor) -> Tensor:
        return self.head(self.embed(events), last)

    def embed(self, events: Tensor) -> Tensor:
        """(B, 8, H, W), whatever was said last: of many windows at once, as training does."""
        return self.backbone(events)


class _Joined(nn.Module):
    """What the window shows and what was said last -> sixteen numbers from 0 to 1: what was said last, moved
    towards what is said anew by a share of the way that each number has for itself (a gate, as in gated
    recurrent units: Cho et al. 2014, arXiv 1406.1078). So in a fixation, whose windows are noise, it can hold
    what it knows, in bytes exactly: a share of 0 moves nothing."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        numbers = KINDS["last_output"].numbers
        self.seen = nn.Sequential(
            FlattenNHWC(), nn.Linear(MAP_CHANNELS * size[0] * size[1], JOINED), nn.ReLU(inplace=True)
        )
        self.said = nn.Sequential(nn.Linear(numbers, JOINED), nn.ReLU(inplace=True))
        self.join = nn.Sequential(nn.Linear(JOINED, HIDDEN), nn.ReLU(inplace=True))
        self.anew = nn.Sequential(nn.Linear(HIDDEN, numbers), nn.Sigmoid())
        self.share = nn.Sequential(nn.Linear(HIDDEN, numbers), nn.Sigmoid())

    def forward(self, embedding: Tensor, last: Tensor) -> Tensor:
        joined = self.join(self.seen(embedding) + self.said(last))
        share, anew = self.share(joined), self.anew(joined)
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
