"""Near-eye people for tests, small."""

from __future__ import annotations

from functools import cache

import numpy as np

from tinytracker.synthetic.near_eye.anatomy import NearEye
from tinytracker.synthetic.near_eye.headset import Headset
from tinytracker.synthetic.near_eye.renderer import Renderer, State

SIZE_PX = (160, 120)


@cache
def renderer(seed: int) -> Renderer:
    """Somebody with a headset on."""
    rng = np.random.default_rng(seed)
    person = NearEye.draw(rng, {})
    return Renderer(person, Headset.draw(rng, *SIZE_PX, {}))


def looking(yaw_deg: float = 0.0, pitch_deg: float = 0.0, **others: float) -> State:
    """An eye at rest, open."""
    values = {"lid_pitch_deg": pitch_deg, "blink": 0.0, "pupil_radius_cm": 0.2, **others}
    return State(yaw_deg=yaw_deg, pitch_deg=pitch_deg, **values)
