"""Retina's conventional network (Bonazzi et al., CVPR-W 2024, arXiv 2312.00425; `retina_ann` of their code):
a window of events -> a box about the pupil. The baseline that `pupil` is measured against."""

from __future__ import annotations

from torch import Tensor, nn

from tinytracker.models.layers import ConvBN, FlattenNHWC
from tinytracker.models.network import Network, NetworkSpec, event_window
from tinytracker.models.registry import register

# output channels, kernel, stride, whether a pooling follows; every convolution is padded by 1
CONVOLUTIONS = ((16, 5, 2, False), (64, 3, 1, False), (16, 3, 1, False), (16, 3, 1, True),
                (8, 3, 1, True), (16, 3, 1, True))  # fmt: skip
FEATURES = 128


class RetinaAnn(Network):
    """See the builder `retina_ann`. The embedding is the first fully connected layer's, (128,)."""

    def __init__(self, size_px: int, window_events: int, window_among: int) -> None:
        super().__init__()
        events = event_window(size_px, window_events, window_among)
        self.spec = NetworkSpec("retina_ann", (events,), output="pupil_box", output_scale_cm=1.0)
        self.options = {}
        layers: list[nn.Module] = []
        channels, size = events.channels, (size_px, size_px)
        for out_channels, kernel, stride, pooled in CONVOLUTIONS:
            layer = ConvBN(channels, out_channels, kernel, size=size, stride=stride, padding="one")
            layers.append(layer)
            channels, size = out_channels, layer.out_size
            if pooled:
                layers.append(nn.AvgPool2d(2))
                size = (size[0] // 2, size[1] // 2)
        flat = channels * size[0] * size[1]
        self.backbone = nn.Sequential(
            *layers, FlattenNHWC(), nn.Linear(flat, FEATURES, bias=False), nn.ReLU(inplace=True)
        )
        self.embedding_shape = (FEATURES,)
        self.head = nn.Sequential(
            nn.Linear(FEATURES, FEATURES), nn.ReLU(inplace=True), nn.Linear(FEATURES, 4), nn.Sigmoid()
        )

    def forward(self, events: Tensor) -> Tensor:
        return self.head(self.embed(events))

    def embed(self, events: Tensor) -> Tensor:
        return self.backbone(events)


@register
def retina_ann(size_px: int = 64, window_events: int = 300, window_among: int = 0) -> Network:
    """A window of events -> (B, 4), the pupil's box as `inputs.OUTPUTS` names its edges; its middle is the
    pupil's centre. 59,572 parameters and 21.05 M multiply-accumulates at 64 x 64, as its authors'."""
    return RetinaAnn(size_px, window_events, window_among)
