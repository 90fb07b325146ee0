"""The eye locator: where the canthi and irises are in a face crop, and how far the eyes are open."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from tinytracker.inputs import OUTPUTS
from tinytracker.models.layers import ConvBN, FlattenNHWC, InvertedResidual
from tinytracker.models.network import CropOptions, Network, NetworkSpec
from tinytracker.models.registry import register

EYE_ROWS = (1 / 32, 17 / 32)  # of the face crop's height: where eyes are, though the box lie badly
# expanded channels, output channels, stride
BLOCKS = ((12, 16, 2), (48, 24, 2), (72, 24, 1), (96, 40, 2), (160, 40, 1), (160, 40, 1))


class EyeLocator(Network):
    """See the builder `eye_locator`. The embedding is the last map, (16, H, W)."""

    def __init__(self, crop: CropOptions) -> None:
        super().__init__()
        self.spec = NetworkSpec("eye_locator", (crop.face(),), output="eyes", output_scale_cm=1.0)
        self.options = {}
        height, width = crop.size
        self.rows = slice(*(round(share * height) for share in EYE_ROWS))
        stem = ConvBN(crop.network_channels, 12, 3, size=(self.rows.stop - self.rows.start, width), stride=2)
        layers: list[nn.Module] = [stem]
        channels, size = 12, stem.out_size
        for expanded, out_channels, stride in BLOCKS:
            block = InvertedResidual(channels, expanded, out_channels, size=size, stride=stride)
            layers.append(block)
            channels, size = out_channels, block.out_size
        layers.append(ConvBN(channels, 16, size=size))
        self.backbone = nn.Sequential(*layers)
        self.embedding_shape = (16, *size)
        self.head = nn.Sequential(
            FlattenNHWC(),
            nn.Linear(16 * size[0] * size[1], 96),
            nn.ReLU(inplace=True),
            nn.Linear(96, len(OUTPUTS["eyes"])),
        )

    def forward(self, face: Tensor) -> Tensor:
        return self.head(self.embed(face))

    def embed(self, face: Tensor) -> Tensor:
        rows = face.permute(0, 2, 3, 1)[:, self.rows].permute(
            0, 3, 1, 2
        )  # as a converter to channels-last wants it
        return self.backbone(rows)


@register
def eye_locator(size_px: int = 128, colour: Literal["rgb", "grey"] = "grey") -> Network:
    """A face crop -> (B, 14), as `inputs.OUTPUTS` names them: canthi and iris centres in the crop ([-1, 1]
    from its left to its right edge and from its top to its bottom), then the openness of each eye (height
    over width of the opening).

    It looks at the rows EYE_ROWS only: what it saves on mouth and chin goes into resolution."""
    return EyeLocator(CropOptions(size_px, colour, "none"))
