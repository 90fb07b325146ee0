"""tinytracker-eyes: our accurate default. Most of the pixels and MACs go to the eyes, which carry the signal."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tinytracker.cards import InputSpec
from tinytracker.models.layers import ConvBN, FlattenNHWC, Size
from tinytracker.models.network import Network, NetworkSpec
from tinytracker.models.registry import register


class TinyTrackerEyes(Network):
    """See the builder `tinytracker_eyes`. The embedding is the joined vector of eyes, face and box, (224,)."""

    def __init__(self, eye_px: int, face_px: int, eye_features: int, output_scale_cm: float) -> None:
        super().__init__()
        self.spec = NetworkSpec(
            "tinytracker_eyes",
            (
                InputSpec("face", "face", face_px, face_px),
                InputSpec("left_eye", "left_eye", eye_px, eye_px),
                InputSpec("right_eye", "right_eye", eye_px, eye_px),
                InputSpec("face_box", "face_box"),
            ),
            output_scale_cm=output_scale_cm,
        )
        self.options = {}
        self.eye, eye_out = _tower((eye_px, eye_px))
        self.face, face_out = _tower((face_px, face_px))
        self.eyes_fc = nn.Sequential(nn.Linear(2 * eye_out, eye_features), nn.ReLU(inplace=True))
        self.face_fc = nn.Sequential(nn.Linear(face_out, 64), nn.ReLU(inplace=True))
        self.box_fc = nn.Sequential(nn.Linear(4, 32), nn.ReLU(inplace=True), nn.Linear(32, 32), nn.ReLU(inplace=True))
        self.embedding_shape = (eye_features + 64 + 32,)
        self.head = nn.Sequential(nn.Linear(eye_features + 96, 128), nn.ReLU(inplace=True), nn.Linear(128, 2))

    def forward(self, face: Tensor, left_eye: Tensor, right_eye: Tensor, face_box: Tensor) -> Tensor:
        return self.head(self.embed(face, left_eye, right_eye, face_box))

    def embed(self, face: Tensor, left_eye: Tensor, right_eye: Tensor, face_box: Tensor) -> Tensor:
        eyes = self.eyes_fc(torch.cat([self.eye(left_eye), self.eye(right_eye)], 1))
        return torch.cat([eyes, self.face_fc(self.face(face)), self.box_fc(face_box)], 1)


def _tower(size: Size) -> tuple[nn.Sequential, int]:
    """Plain convolutions, which at these sizes beat depthwise ones for the MACs; to an eighth of the size, 16 channels."""
    height, width = size
    layers: list[nn.Module] = [
        ConvBN(3, 24, 5, size=size, stride=2),
        nn.MaxPool2d(2),
        ConvBN(24, 48, 3, size=(height // 4, width // 4)),
        nn.MaxPool2d(2),
        ConvBN(48, 64, 3, size=(height // 8, width // 8)),
        ConvBN(64, 16, size=(height // 8, width // 8)),
        FlattenNHWC(),
    ]
    return nn.Sequential(*layers), 16 * (height // 8) * (width // 8)


@register
def tinytracker_eyes(eye_px: int = 64, face_px: int = 56, eye_features: int = 128, output_scale_cm: float = 40.0) -> Network:
    """Two eye crops through one shared tower, a small face through another, four numbers of the face box: 17.9 M MAC,
    425 k parameters. Convolutions, pooling, FC, concatenation and ReLU only, so every integer target runs it.

    eye_px, face_px: sizes of the square crops, multiples of 8. The output has no tanh: nothing saturates at the rim.
    """
    return TinyTrackerEyes(eye_px, face_px, eye_features, output_scale_cm)
