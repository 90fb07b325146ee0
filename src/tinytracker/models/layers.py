"""The blocks our networks are made of. Quantisation recognises them by type, so networks use these and not
bare layers.

What a graph must look like to become a clean integer one (no PAD, no TRANSPOSE left; torch.fx can trace it):
stride-2 convolutions pad (0, 1, 0, 1) explicitly, which a converter fuses into TensorFlow's SAME; all sizes
are known when a network is built, so that forward() has no branch on a shape; maps are flattened in (row,
column, channel) order.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Padding = Literal["same", "keras", "valid", "one"]
Size = tuple[int, int]  # height, width of a map


class ConvBN(nn.Module):
    """Convolution without bias, batch normalisation and, with `relu`, a ReLU.

    size: (height, width) of the input map; `out_size` is the output's. padding:
        "same": TensorFlow's SAME, (0, 1) on an even and (1, 1) on an odd size (kernel 3);
        "keras": with stride 2 always (0, 1), as Keras' MobileNetV3 pads when its input shape is not known; on
        an odd size the padded row and column are never reached, so none are added there;
        "valid": none;
        "one": (1, 1) whatever the kernel and the stride are, as torch's padding=1 (Retina's networks).
    `pad` is what forward() hands to F.pad (None: nothing), `conv.padding` what the convolution does itself.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int = 1,
        *,
        size: Size,
        stride: int = 1,
        groups: int = 1,
        relu: bool = True,
        padding: Padding = "same",
        momentum: float = 0.05,
    ) -> None:
        super().__init__()
        before, after = zip(*(_pad(length, kernel, stride, padding) for length in size), strict=True)
        own = before if before == after else (0, 0)
        self.pad = None if before == after else (before[1], after[1], before[0], after[0])
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, stride, own, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(out_channels, eps=1e-3, momentum=momentum)
        self.act = nn.ReLU(inplace=True) if relu else nn.Identity()
        height, width = size
        self.out_size: Size = (
            (height + before[0] + after[0] - kernel) // stride + 1,
            (width + before[1] + after[1] - kernel) // stride + 1,
        )

    def forward(self, x: Tensor) -> Tensor:
        if self.pad is not None:
            x = F.pad(x, self.pad)
        return self.act(self.bn(self.conv(x)))


class Residual(nn.Module):
    """A 3x3 convolution whose result is added to its input (He et al., CVPR 2016): as deep as wished,
    nothing changes shape."""

    def __init__(self, channels: int, *, size: Size) -> None:
        super().__init__()
        self.body = ConvBN(channels, channels, 3, size=size)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class SqueezeExcite(nn.Module):
    """Channel attention (Hu et al., CVPR 2018): channels scaled by sigmoid(FC(ReLU(FC(mean over the map)))).

    The mean is a pooling over the whole map (`size`), the FCs are 1x1 convolutions: nothing changes layout.
    """

    def __init__(self, channels: int, *, size: Size, reduction: int = 16) -> None:
        super().__init__()
        hidden = max(channels // reduction, 1)
        self.pool = nn.AvgPool2d(size)
        self.squeeze = nn.Conv2d(channels, hidden, 1)
        self.act = nn.ReLU(inplace=True)
        self.excite = nn.Conv2d(hidden, channels, 1)
        self.gate = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gate(self.excite(self.act(self.squeeze(self.pool(x)))))


class InvertedResidual(nn.Module):
    """MobileNetV2's block (Sandler et al., CVPR 2018): widen by 1x1, depthwise 3x3, narrow by 1x1 without
    ReLU.

    expanded: channels of the depthwise convolution. Where it equals in_channels the widening is left out,
    unless `always_expand`. The input is added where stride is 1 and the channels agree (`residual`).
    """

    def __init__(
        self,
        in_channels: int,
        expanded: int,
        out_channels: int,
        *,
        size: Size,
        stride: int = 1,
        kernel: int = 3,
        padding: Padding = "same",
        squeeze_excite: bool = False,
        always_expand: bool = False,
    ) -> None:
        super().__init__()
        self.residual = stride == 1 and in_channels == out_channels
        layers: list[nn.Module] = []
        if always_expand or expanded != in_channels:
            layers.append(ConvBN(in_channels, expanded, size=size))
        depthwise = ConvBN(
            expanded, expanded, kernel, size=size, stride=stride, groups=expanded, padding=padding
        )
        layers.append(depthwise)
        if squeeze_excite:
            layers.append(SqueezeExcite(expanded, size=depthwise.out_size))
        layers.append(ConvBN(expanded, out_channels, size=depthwise.out_size, relu=False))
        self.body = nn.Sequential(*layers)
        self.out_size = depthwise.out_size

    def forward(self, x: Tensor) -> Tensor:
        y = self.body(x)
        if self.residual:
            y = x + y
        return y


class FlattenNHWC(nn.Module):
    """(B, C, H, W) -> (B, H * W * C), channels fastest: the order a TFLite map has in memory."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.flatten(x.permute(0, 2, 3, 1), 1)


class BakedGrid(nn.Module):
    """Appends two constant channels: x and y from -1 to 1 over the crop.

    (B, C, H, W) -> (B, C + 2, H, W). It is what the position channels are for a crop that is always the same,
    here the whole frame; exported, it is a concatenation with constants.
    """

    def __init__(self, *, size: Size) -> None:
        super().__init__()
        height, width = size
        columns = torch.linspace(-1, 1, width).expand(1, 1, height, width)
        rows = torch.linspace(-1, 1, height)[:, None].expand(1, 1, height, width)
        self.register_buffer("columns", columns.clone(), persistent=False)
        self.register_buffer("rows", rows.clone(), persistent=False)
        self.columns: Tensor
        self.rows: Tensor

    def forward(self, x: Tensor) -> Tensor:
        channel = x[
            :, :1
        ]  # expanding "as" it keeps the batch's size out of the graph, which torch.fx could not trace
        return torch.cat([x, self.columns.expand_as(channel), self.rows.expand_as(channel)], 1)


def _pad(length: int, kernel: int, stride: int, padding: Padding) -> tuple[int, int]:
    """Rows (or columns) of zeros before and after a map of `length`."""
    if padding == "valid":
        return 0, 0
    if padding == "one":
        return 1, 1
    if padding == "keras" and stride == 2:
        # Keras: (kernel // 2 - 1, kernel // 2); what no window reaches is left out.
        before, after = kernel // 2 - 1, kernel // 2
        unused = (length + before + after - kernel) % stride
        return before, max(after - unused, 0)
    outputs = -(-length // stride)
    total = max((outputs - 1) * stride + kernel - length, 0)
    return total // 2, total - total // 2
