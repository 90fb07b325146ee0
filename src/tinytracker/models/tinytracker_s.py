"""TinyTracker-S (Bonazzi et al., arXiv 2308.12313): the microcontroller's network, on one small face crop."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from tinytracker.cards import Position
from tinytracker.models.layers import BakedGrid, ConvBN, FlattenNHWC, InvertedResidual, Size
from tinytracker.models.network import CropOptions, Network, NetworkSpec
from tinytracker.models.registry import register

STEM_CHANNELS = 8
# Expanded channels, output channels, stride. The authors expand to 6 times the *output's* channels (once in
# the first block), and the first block keeps its 1x1 convolution though it widens nothing.
BLOCKS = ((8, 8, 2), (96, 16, 2), (144, 24, 1), (192, 32, 2), (384, 64, 1))
LAST_CHANNELS = 128


class TinyTrackerS(Network):
    """See the builder `tinytracker_s`. The embedding is the last map, (128, H, W)."""

    def __init__(self, crop: CropOptions, squeeze_excite: bool, output_scale_cm: float) -> None:
        super().__init__()
        self.spec = NetworkSpec("tinytracker_s", (crop.face(),), output_scale_cm=output_scale_cm)
        self.options = {}
        self.grid = BakedGrid(size=crop.size) if crop.position == "baked" else nn.Identity()
        layers, size = _backbone(crop.network_channels, crop.size, squeeze_excite)
        self.backbone = nn.Sequential(*layers)
        self.embedding_shape = (LAST_CHANNELS, *size)
        self.head = nn.Sequential(
            nn.AvgPool2d(size),
            FlattenNHWC(),
            nn.Linear(LAST_CHANNELS, 64),
            nn.ReLU(inplace=True),
            nn.Linear(64, 2),
            nn.Tanh(),
        )

    def forward(self, face: Tensor) -> Tensor:
        return self.head(self.embed(face))

    def embed(self, face: Tensor) -> Tensor:
        return self.backbone(self.grid(face))


def _backbone(in_channels: int, size: Size, squeeze_excite: bool) -> tuple[list[nn.Module], Size]:
    stem = ConvBN(in_channels, STEM_CHANNELS, 3, size=size, stride=2)
    layers: list[nn.Module] = [stem]
    channels, size = STEM_CHANNELS, stem.out_size
    for expanded, out_channels, stride in BLOCKS:
        block = InvertedResidual(
            channels,
            expanded,
            out_channels,
            size=size,
            stride=stride,
            squeeze_excite=squeeze_excite,
            always_expand=True,
        )
        layers.append(block)
        channels, size = out_channels, block.out_size
    layers.append(ConvBN(channels, LAST_CHANNELS, size=size))
    return layers, size


@register
def tinytracker_s(
    size_px: int | tuple[int, int] = 96,
    colour: Literal["rgb", "grey"] = "grey",
    position: Position = "baked",
    squeeze_excite: bool = False,
    output_scale_cm: float = 40.0,
    low_pass_px: float = 0.0,
) -> Network:
    """The Spresense network: grey 96x96 with the grid baked in, 5,229,184 MAC and 81,946 weights and biases
    (batch norm folded), as in the file the authors released.

    squeeze_excite: as in their Python source, which the released file was not made from. The authors clip
    activations at 6 (ReLU6) and scale by 10 cm; we have plain ReLU, whose range quantisation chooses, and 40
    cm.
    """
    return TinyTrackerS(CropOptions(size_px, colour, position, low_pass_px), squeeze_excite, output_scale_cm)
