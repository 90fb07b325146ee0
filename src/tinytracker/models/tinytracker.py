"""TinyTracker (Bonazzi et al., arXiv 2307.07813): MobileNetV3-Small, minimalistic, on one face crop."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from tinytracker.cards import Position
from tinytracker.models.layers import BakedGrid, ConvBN, FlattenNHWC, InvertedResidual, Padding, Size
from tinytracker.models.network import CropOptions, Network, NetworkSpec
from tinytracker.models.registry import register

STEM_CHANNELS = 16
# Expanded channels, output channels, stride (Howard et al., ICCV 2019, table 2, without squeeze-excite and
# h-swish and with 3x3 kernels only: Keras calls it minimalistic).
BLOCKS = (
    (16, 16, 2),
    (72, 24, 2),
    (88, 24, 1),
    (96, 40, 2),
    (240, 40, 1),
    (240, 40, 1),
    (120, 48, 1),
    (144, 48, 1),
    (288, 96, 2),
    (576, 96, 1),
    (576, 96, 1),
)
LAST_CHANNELS = 576


class TinyTracker(Network):
    """See the builder `tinytracker`. The embedding is the backbone's last map, (576, H, W)."""

    def __init__(
        self, crop: CropOptions, padding: Padding, head_channels: int, output_scale_cm: float
    ) -> None:
        super().__init__()
        self.spec = NetworkSpec("tinytracker", (crop.face(),), output_scale_cm=output_scale_cm)
        self.options = {}
        self.grid = BakedGrid(size=crop.size) if crop.position == "baked" else nn.Identity()
        self.mix = nn.Conv2d(
            crop.network_channels, 3, 1
        )  # so that the backbone stays the one of three-channel pictures
        layers, (height, width) = backbone(crop.size, padding)
        self.backbone = nn.Sequential(*layers)
        self.embedding_shape = (LAST_CHANNELS, height, width)
        self.head = nn.Sequential(
            nn.Conv2d(LAST_CHANNELS, head_channels, 1),
            FlattenNHWC(),
            nn.Linear(head_channels * height * width, 128),
            nn.ReLU(inplace=True),
            nn.Linear(128, 2),
            nn.Tanh(),
        )

    def forward(self, face: Tensor) -> Tensor:
        return self.head(self.embed(face))

    def embed(self, face: Tensor) -> Tensor:
        return self.backbone(self.mix(self.grid(face)))


def backbone(size: Size, padding: Padding) -> tuple[list[nn.Module], Size]:
    """The layers from three channels to LAST_CHANNELS, and the size of their map."""
    stem = ConvBN(3, STEM_CHANNELS, 3, size=size, stride=2, padding=padding)
    layers: list[nn.Module] = [stem]
    channels, size = STEM_CHANNELS, stem.out_size
    for expanded, out_channels, stride in BLOCKS:
        block = InvertedResidual(channels, expanded, out_channels, size=size, stride=stride, padding=padding)
        layers.append(block)
        channels, size = out_channels, block.out_size
    layers.append(ConvBN(channels, LAST_CHANNELS, size=size))
    return layers, size


@register
def tinytracker(
    size_px: int | tuple[int, int] = 112,
    colour: Literal["rgb", "grey"] = "rgb",
    position: Position = "channels",
    padding: Padding = "keras",
    head_channels: int = 2,
    output_scale_cm: float = 40.0,
    low_pass_px: float = 0.0,
) -> Network:
    """The paper's network: 1x1 convolution to 3 channels, the backbone (441,000 parameters with batch-norm
    statistics), 1x1 convolution to `head_channels`, FC 128, FC 2, tanh.

    size_px: one number or (height, width). position: "channels" feeds the two position channels, "baked"
    holds them as constants, "none" has none. padding: "keras" gives a 3x3 last map at 112 and the paper's
    11.8 M MAC, "same" 4x4 and 14.1 M. head_channels: 2 in the paper. output_scale_cm: 30 in the paper.
    low_pass_px: see cards.InputSpec.
    """
    return TinyTracker(
        CropOptions(size_px, colour, position, low_pass_px), padding, head_channels, output_scale_cm
    )
