"""iTracker (Krafka et al., "Eye Tracking for Everyone", CVPR 2016): the large baseline."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from tinytracker.cards import InputSpec
from tinytracker.models.layers import ConvBN, FlattenNHWC, Padding
from tinytracker.models.network import Network, NetworkSpec
from tinytracker.models.registry import register

Norm = Literal["batch", "lrn"]


class ConvLRN(nn.Module):
    """Convolution, ReLU, and after the pooling that follows the paper's local response normalisation (in
    `Tower`)."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int, stride: int, padding: int, groups: int
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel, stride, padding, groups=groups)
        self.act = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.conv(x))


class Tower(nn.Sequential):
    """AlexNet-like: conv 11x11/4 96, pool, conv 5x5 256 (2 groups), pool, conv 3x3 384, conv 1x1 64. (B, 3,
    S, S) -> (B, H * W * 64) with H = W = 12 at S = 224."""

    def __init__(self, size_px: int, norm: Norm) -> None:
        pooled = ((size_px - 11) // 4 - 2) // 2 + 1
        last = (pooled - 3) // 2 + 1
        layers: list[nn.Module] = [
            _conv(3, 96, 11, (size_px, size_px), norm, stride=4),
            nn.MaxPool2d(3, 2),
            *_lrn(norm),
            _conv(96, 256, 5, (pooled, pooled), norm, groups=2),
            nn.MaxPool2d(3, 2),
            *_lrn(norm),
            _conv(256, 384, 3, (last, last), norm),
            _conv(384, 64, 1, (last, last), norm),
            FlattenNHWC(),
        ]
        super().__init__(*layers)
        self.features = 64 * last * last


class ITracker(Network):
    """See the builder `itracker`. The embedding is the joined vector of eyes, face and grid, (320,)."""

    def __init__(self, size_px: int, norm: Norm, output_scale_cm: float) -> None:
        super().__init__()
        crops = tuple(InputSpec(kind, kind, size_px, size_px) for kind in ("face", "left_eye", "right_eye"))
        self.spec = NetworkSpec(
            "itracker", (*crops, InputSpec("face_grid", "face_grid")), output_scale_cm=output_scale_cm
        )
        self.options = {}
        self.eye, self.face = Tower(size_px, norm), Tower(size_px, norm)
        self.eyes_fc = _fc(2 * self.eye.features, 128)
        self.face_fc = _fc(self.face.features, 128, 64)
        self.grid_fc = _fc(625, 256, 128)
        self.embedding_shape = (128 + 64 + 128,)
        self.head = nn.Sequential(*_fc(320, 128), nn.Linear(128, 2))

    def forward(self, face: Tensor, left_eye: Tensor, right_eye: Tensor, face_grid: Tensor) -> Tensor:
        return self.head(self.embed(face, left_eye, right_eye, face_grid))

    def embed(self, face: Tensor, left_eye: Tensor, right_eye: Tensor, face_grid: Tensor) -> Tensor:
        eyes = self.eyes_fc(torch.cat([self.eye(left_eye), self.eye(right_eye)], 1))
        return torch.cat([eyes, self.face_fc(self.face(face)), self.grid_fc(face_grid)], 1)


def _conv(
    in_channels: int,
    out_channels: int,
    kernel: int,
    size: tuple[int, int],
    norm: Norm,
    stride: int = 1,
    groups: int = 1,
) -> nn.Module:
    same = stride == 1  # the first convolution is VALID, as in Caffe's AlexNet
    if norm == "lrn":
        return ConvLRN(in_channels, out_channels, kernel, stride, kernel // 2 if same else 0, groups)
    padding: Padding = "same" if same else "valid"
    return ConvBN(in_channels, out_channels, kernel, size=size, stride=stride, groups=groups, padding=padding)


def _lrn(norm: Norm) -> list[nn.Module]:
    return [nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0)] if norm == "lrn" else []


def _fc(*widths: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for wide, narrow in pairwise(widths):
        layers += [nn.Linear(wide, narrow), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


@register
def itracker(size_px: int = 224, norm: Norm = "batch", output_scale_cm: float = 40.0) -> Network:
    """Face and two eye crops of 224 px (the eyes share a tower) and the 25x25 face grid: 6.29 M parameters,
    25 MB float.

    norm: the paper normalises local responses after pooling ("lrn"). That has no integer kernel on any of our
    targets and trains slowly from scratch, so the default puts batch normalisation before each ReLU instead;
    it folds into the convolutions, and the exported network has the original's layers, weights and MACs minus
    the normalisation.
    size_px: at least 67 (AlexNet's strides leave nothing of less).
    """
    return ITracker(size_px, norm, output_scale_cm)
