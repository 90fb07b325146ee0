"""Networks for Sony's IMX500, an image sensor with a processor: three channels of one rectangle, and nothing
else.

They spend what the chip has to spare: 8 MB for network and maps, and a few milliseconds for 50 million
multiply-accumulates.
"""

from __future__ import annotations

from typing import Literal

from torch import nn

from tinytracker.cards import InputSpec
from tinytracker.errors import UsageError
from tinytracker.faces.boxes import STORED_HEIGHT_OVER_WIDTH, STORED_OVER_BAND_WIDTH
from tinytracker.models.layers import BakedGrid, ConvBN, FlattenNHWC, Size
from tinytracker.models.network import CropOptions, NetworkSpec
from tinytracker.models.registry import register
from tinytracker.models.sensor import FEATURES, Head, SensorNetwork, build
from tinytracker.models.tinytracker import LAST_CHANNELS, backbone

FACE_HEAD_CHANNELS = 16
BAND_CHANNELS = (24, 48, 64, 96)  # after the convolutions at 1/2, 1/4, 1/8, 1/16 of the picture
BAND_LAST_CHANNELS = 32
BAND_SHRINKS = 16


@register
def tinytracker_imx(
    size_px: int | tuple[int, int] = 128,
    position: Literal["none", "channels", "baked"] = "none",
    head: Head = "linear",
    correct_by_box: bool | None = None,
    output_scale_cm: float = 40.0,
) -> SensorNetwork:
    """TinyTracker's backbone on an RGB face crop: 16.7 M MAC, 472 k parameters.

    size_px: one number or (height, width); the sensor pads the width to a multiple of 32. position: "none";
    "channels": the two position channels, to train with crops that lie anywhere and bake in for one when
    exported to the sensor, as the paper did (arXiv 2307.07813); "baked": those of the whole frame. head:
    "linear", or "sigmoid".
    correct_by_box: the host corrects the output by the box's four numbers; by default where position is
    "none".
    """
    crop = CropOptions(size_px, "rgb", position)
    by_box = position == "none" if correct_by_box is None else correct_by_box
    layers: list[nn.Module] = []
    if position == "baked":
        layers.append(BakedGrid(size=crop.size))
    if position != "none":
        layers.append(
            nn.Conv2d(crop.network_channels, 3, 1)
        )  # as in tinytracker: the backbone is one of colour pictures
    maps, (height, width) = backbone(crop.size, "same")
    layers += [
        *maps,
        nn.Conv2d(LAST_CHANNELS, FACE_HEAD_CHANNELS, 1),
        FlattenNHWC(),
        nn.Linear(FACE_HEAD_CHANNELS * height * width, FEATURES),
        nn.ReLU(inplace=True),
    ]
    spec = NetworkSpec("tinytracker_imx", (crop.face(),), output_scale_cm=output_scale_cm)
    return build(spec, nn.Sequential(*layers), head, by_box)


@register
def tinytracker_imx_band(
    size_px: tuple[int, int] = (96, 256),
    width: float = 1.0,
    head: Head = "linear",
    correct_by_box: bool = True,
    output_scale_cm: float = 40.0,
) -> SensorNetwork:
    """Plain convolutions on one wide rectangle over both eyes: 44 M MAC, 493 k parameters.

    size_px: (height, width), multiples of 16; at most 0.625 times as high as wide, which is what datasets
    store. width: factor on the numbers of channels (2: 151 M MAC). head, correct_by_box: as of
    tinytracker_imx.
    """
    height_px, width_px = size_px
    if height_px % BAND_SHRINKS or width_px % BAND_SHRINKS:
        raise UsageError(
            f"an eye band's sides must be multiples of {BAND_SHRINKS} px, not {width_px} x {height_px}"
        )
    if height_px > width_px * STORED_OVER_BAND_WIDTH * STORED_HEIGHT_OVER_WIDTH:
        raise UsageError(
            f"an eye band is at most 0.625 times as high as wide; {width_px} x {height_px} is more"
        )
    spec = NetworkSpec(
        "tinytracker_imx_band",
        (InputSpec("eye_band", "eye_band", height_px, width_px),),
        output_scale_cm=output_scale_cm,
    )
    return build(spec, _band_features((height_px, width_px), width), head, correct_by_box)


def _band_features(size: Size, factor: float) -> nn.Sequential:
    """Halved by the first convolution's stride, then by pooling, which integer hardware does for nothing."""
    half, quarter, eighth, sixteenth = (
        max(8, round(channels * factor / 8) * 8) for channels in BAND_CHANNELS
    )
    last = max(8, round(BAND_LAST_CHANNELS * factor / 8) * 8)
    height, width = size
    layers: list[nn.Module] = [
        ConvBN(3, half, 5, size=size, stride=2),
        nn.MaxPool2d(2),
        ConvBN(half, quarter, 3, size=(height // 4, width // 4)),
        nn.MaxPool2d(2),
        ConvBN(quarter, eighth, 3, size=(height // 8, width // 8)),
        nn.MaxPool2d(2),
        ConvBN(eighth, sixteenth, 3, size=(height // 16, width // 16)),
        ConvBN(sixteenth, last, size=(height // 16, width // 16)),
        FlattenNHWC(),
        nn.Linear(last * (height // 16) * (width // 16), FEATURES),
        nn.ReLU(inplace=True),
    ]
    return nn.Sequential(*layers)
