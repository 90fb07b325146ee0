"""What the renderer knows exactly about a frame: the truth_* columns of the dataset (docs/design.md),
without the prefix."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinytracker.domain import LANDMARKS
from tinytracker.geometry import direction_to_angles_deg
from tinytracker.synthetic.camera import Camera
from tinytracker.synthetic.pose import angles_rad
from tinytracker.synthetic.posed import PosedHead

EYES = ("left", "right")
CORNERS = ("inner", "outer")


def truth(posed: PosedHead, camera: Camera, heads: str) -> dict[str, Any]:
    """Exact targets by name: floats, and `blink` (bool), `heads` (str).

    distance_cm: from the camera to the midpoint of the eyes. Yaw is positive to the image's right, pitch up.
    Gaze angles are the visual axes', exactly through the target; fixation_x_deg, fixation_y_deg: yaw and
    pitch by which the eyes miss it (head frame). *_px: frame pixels. *_openness: height of the opening over
    its width.
    """
    yaw, pitch, roll = map(math.degrees, angles_rad(posed.rotation))
    row: dict[str, Any] = {
        "distance_cm": float(np.linalg.norm(posed.position_cm)),
        "head_yaw_deg": yaw,
        "head_pitch_deg": pitch,
        "head_roll_deg": roll,
    }
    gaze_yaw, gaze_pitch = direction_to_angles_deg(posed.visual_axes)
    corners, irises = camera.project(posed.canthi_cm), camera.project(posed.iris_centres_cm)
    for e, eye in enumerate(EYES):
        row[f"{eye}_gaze_yaw_deg"], row[f"{eye}_gaze_pitch_deg"] = float(gaze_yaw[e]), float(gaze_pitch[e])
        for c, corner in enumerate(CORNERS):
            row[f"{eye}_{corner}_x_px"], row[f"{eye}_{corner}_y_px"] = map(float, corners[e, c])
        row[f"{eye}_centre_x_px"], row[f"{eye}_centre_y_px"] = map(float, irises[e])
        row[f"{eye}_openness"] = float(posed.openness[e])
    for name, (x_px, y_px) in zip(LANDMARKS, camera.project(posed.landmarks_cm), strict=True):
        row[f"{name}_x_px"], row[f"{name}_y_px"] = float(x_px), float(y_px)
    row["fixation_x_deg"], row["fixation_y_deg"] = map(float, posed.fixation_deg)
    return row | {"blink": posed.blink > 0, "heads": heads}
