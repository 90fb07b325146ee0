"""tinytracker-eyes: our accurate default. Most of the pixels and MACs go to the eyes, which carry the
signal."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tinytracker.cards import InputSpec
from tinytracker.models.layers import ConvBN, FlattenNHWC, Residual, Size
from tinytracker.models.network import Network, NetworkSpec
from tinytracker.models.registry import register


class TinyTrackerEyes(Network):
    """See the builder `tinytracker_eyes`. The embedding is the joined vector of both eyes, face and box,
    (352,)."""

    def __init__(
        self,
        eye_size: Size,
        face_px: int,
        eye_features: int,
        output_scale_cm: float,
        eye_low_pass_px: float,
        face_low_pass_px: float,
        face_blank_rows: int,
    ) -> None:
        super().__init__()
        self.spec = NetworkSpec(
            "tinytracker_eyes",
            (
                InputSpec(
                    "face", "face", face_px, face_px, low_pass_px=face_low_pass_px, blank_rows=face_blank_rows
                ),
                InputSpec("left_eye", "left_eye", *eye_size, low_pass_px=eye_low_pass_px),
                InputSpec("right_eye", "right_eye", *eye_size, mirrored=True, low_pass_px=eye_low_pass_px),
                InputSpec("face_box", "face_box"),
            ),
            output_scale_cm=output_scale_cm,
        )
        self.options = {}
        self.eye, eye_out = _tower(eye_size, quarters=2, channels_out=24)
        self.face, face_out = _tower((face_px, face_px), quarters=1, channels_out=16)
        self.eye_fc = nn.Sequential(nn.Linear(eye_out, eye_features), nn.ReLU(inplace=True))
        self.face_fc = nn.Sequential(nn.Linear(face_out, 96), nn.ReLU(inplace=True))
        self.box_fc = nn.Sequential(
            nn.Linear(4, 32), nn.ReLU(inplace=True), nn.Linear(32, 32), nn.ReLU(inplace=True)
        )
        joined = 2 * eye_features + 96 + 32
        self.embedding_shape = (joined,)
        # Where somebody looks is an intricate function of what is seen; layers here cost next to no MACs.
        self.head = nn.Sequential(
            nn.Linear(joined, 192),
            nn.ReLU(inplace=True),
            nn.Linear(192, 128),
            nn.ReLU(inplace=True),
            nn.Linear(128, 2),
        )

    def forward(self, face: Tensor, left_eye: Tensor, right_eye: Tensor, face_box: Tensor) -> Tensor:
        return self.head(self.embed(face, left_eye, right_eye, face_box))

    def embed(self, face: Tensor, left_eye: Tensor, right_eye: Tensor, face_box: Tensor) -> Tensor:
        left, right = (self.eye_fc(self.eye(eye)) for eye in (left_eye, right_eye))
        return torch.cat([left, right, self.face_fc(self.face(face)), self.box_fc(face_box)], 1)


def _tower(size: Size, quarters: int, channels_out: int) -> tuple[nn.Sequential, int]:
    """From a crop to a vector and its length. Deep where the map is a quarter of the crop, by `quarters`
    residual layers: that finds irises and canthi to a fraction of a pixel. Plain convolutions, which at these
    sizes beat depthwise ones for the MACs.
    """
    stem = ConvBN(3, 16, 3, size=size, stride=2)
    widen = ConvBN(16, 32, 3, size=stem.out_size, stride=2)
    quarter = widen.out_size
    halve = ConvBN(32, 64, 3, size=quarter, stride=2)
    height, width = eighth = halve.out_size
    layers = [
        stem,
        widen,
        *(Residual(32, size=quarter) for _ in range(quarters)),
        halve,
        Residual(64, size=eighth),
        ConvBN(64, channels_out, size=eighth),
        FlattenNHWC(),
    ]
    return nn.Sequential(*layers), channels_out * height * width


@register
def tinytracker_eyes(
    eye_px: int = 64,
    face_px: int = 64,
    eye_features: int = 112,
    output_scale_cm: float = 40.0,
    eye_low_pass_px: float = 0.0,
    face_low_pass_px: float = 0.0,
    face_blank_rows: int = 0,
) -> Network:
    """Two eye crops through one shared tower and FC, the right eye as in a mirror so that it looks like a
    left one; a small face through another tower; four numbers of the face box: 17.9 M MAC, 430 k parameters.
    Convolutions, additions, FC, concatenation and ReLU only, so every integer target runs it.

    eye_px: width of the eye crops, which are the middle half of the rows of a square box: eyes are wide.
    face_px: side of the square face crop. eye_low_pass_px, face_low_pass_px, face_blank_rows: see
    cards.InputSpec. The output has no tanh: nothing saturates at the rim.
    """
    return TinyTrackerEyes(
        (eye_px // 2, eye_px),
        face_px,
        eye_features,
        output_scale_cm,
        eye_low_pass_px,
        face_low_pass_px,
        face_blank_rows,
    )
