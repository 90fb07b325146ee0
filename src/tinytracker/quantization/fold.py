"""Batch normalisation folded into the convolution before it: what the exported files and fake-quant
training work on."""

from __future__ import annotations

import copy
from typing import TypeVar

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from tinytracker.models.layers import ConvBN

Part = TypeVar("Part", bound=nn.Module)  # a network, or what of it runs in a sensor


def fold(network: Part) -> Part:
    """A copy of a network, in eval mode, whose convolutions have biases and no batch norm behind them.

    It computes the same up to float rounding: w' = w * gamma / sqrt(var + eps), b' = beta - mean * gamma /
    sqrt(var + eps).
    """
    folded = copy.deepcopy(network).eval().cpu()
    for module in folded.modules():
        if isinstance(module, ConvBN) and isinstance(module.bn, nn.BatchNorm2d):
            module.conv = fuse_conv_bn_eval(module.conv, module.bn)
            module.bn = nn.Identity()  # type: ignore[assignment]
    return folded
