"""Network intrinsics: what a program on the Raspberry Pi may want to know of a network, in picamera2's form.

picamera2 (0.3.38, NetworkIntrinsics) checks them by a schema whose `task` knows classification, object
detection, pose estimation and segmentation; keys of one's own are let through when a file is read. So there
is no `task`, and all that is ours stands under "tinytracker".
"""

from __future__ import annotations

from typing import Any

from tinytracker.cards import ModelCard

KEY = "tinytracker"
INFERENCE_RATE_HZ = 30.0  # the camera's frames; the sensor runs the network on each


def intrinsics(card: ModelCard, region: tuple[float, float, float, float] | None = None) -> dict[str, Any]:
    """The intrinsics of a network for the sensor; region: where its picture lies always, if that is baked
    in."""
    picture = next(spec for spec in card.inputs if spec.height_px)
    ours: dict[str, Any] = {
        "name": card.name,
        "task": "gaze point: (x, y) in cm from the camera, right and up as the person sees it",
        "region": picture.kind,
        "output_scale_cm": card.output_scale_cm,
        "correction": card.correction,
    }
    if region is not None:
        ours["fixed_region"] = list(region)
    return {
        "inference_rate": INFERENCE_RATE_HZ,
        "input_aspect_ratio": {"width": picture.width_px, "height": picture.height_px},
        KEY: ours,
    }
