"""What a person wears: a camera close to the eye, small lamps around it, and how both slip on the nose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinytracker.synthetic.near_eye.variation import Aspect, Range, Way, Ways

APEX_CM = 1.31
"""How far before the centre of rotation the cornea stands, on average."""

DISTANCE_CM = Range(2.5, 5.0)
BELOW_DEG = Range(5.0, 35.0)
ASIDE_DEG = Range(-25.0, 25.0, both_ends=True)
_ROLL_DEG = Range(-10.0, 10.0, both_ends=True)
_VIEW_CM = Range(2.9, 4.6, both_ends=True)
_AIM_CM = Range(-0.25, 0.25, both_ends=True)
_DEFOCUS_PX = Range(0.4, 1.0)

_LED_COUNT = Range(1.0, 8.0, beyond=0.0)
_LED_RING_CM = Range(0.5, 2.2, both_ends=True, beyond=0.3)
_LED_SIZE_CM = Range(0.06, 0.3)
_LED_UNEVENNESS = Range(0.0, 0.5)
_AMBIENT = Range(0.02, 0.25, beyond=1.0)
_COAXIAL_SHARE = 0.1

_DRIFT_CM_PER_S = Range(0.0, 0.01, beyond=4.0)
_SLIPS_PER_S = Range(0.0, 0.15, beyond=4.0)
_SLIP_CM = Range(0.01, 0.12, beyond=1.0)


@dataclass(frozen=True)
class View:
    """A camera without distortion. origin_cm (3,); axes (3, 3): its right, down and forward as rows, in the
    eye's frame; focal length and middle in pixels."""

    origin_cm: NDArray[np.float64]
    axes: NDArray[np.float64]
    focal_px: float
    width_px: int
    height_px: int

    def scaled(self, scale: float) -> View:
        """The same view in another number of pixels."""
        return View(
            self.origin_cm,
            self.axes,
            self.focal_px * scale,
            round(self.width_px * scale),
            round(self.height_px * scale),
        )

    def moved(self, by_cm: NDArray[np.float64]) -> View:
        """The view from a place that lies `by_cm` (3,) further, along the camera's own axes."""
        return View(
            self.origin_cm + by_cm @ self.axes, self.axes, self.focal_px, self.width_px, self.height_px
        )


@dataclass(frozen=True)
class Lamps:
    """LEDs. places_cm (n, 3) in the eye's frame; powers (n,), of which the sum is 1; size_cm: of each;
    ambient: light from everywhere, as a share of theirs."""

    places_cm: NDArray[np.float64]
    powers: NDArray[np.float64]
    size_cm: float
    ambient: float


@dataclass(frozen=True)
class Headset:
    """Camera and lamps, and how they move: drift_cm_per_s slowly, slips_per_s times in a jerk of about
    slip_cm. defocus_px: the lens's blur (standard deviation)."""

    view: View
    lamps: Lamps
    defocus_px: float
    distance_cm: float
    below_deg: float
    aside_deg: float
    drift_cm_per_s: float
    slips_per_s: float
    slip_cm: float

    @classmethod
    def draw(cls, rng: np.random.Generator, width_px: int, height_px: int, ways: Ways) -> Headset:
        """A headset with a camera of so many pixels; `ways` matters for pose, leds and slip."""
        pose = ways.get(Aspect.pose, Way.usual)
        slip = ways.get(Aspect.slip, Way.usual)
        distance_cm = DISTANCE_CM.draw(rng, pose)
        below_deg = BELOW_DEG.draw(rng, pose)
        aside_deg = ASIDE_DEG.draw(rng, pose)
        axes = _axes(np.radians(below_deg), np.radians(aside_deg), np.radians(_ROLL_DEG.draw(rng, pose)))
        aim_cm = np.array([_AIM_CM.draw(rng, pose), _AIM_CM.draw(rng, pose), 0.0])
        # So much is seen across a picture of 4 : 3; a square one sees less to the sides.
        view_cm = _VIEW_CM.draw(rng, pose) * min(1.0, 0.75 * width_px / height_px)
        origin_cm = np.array([0.0, 0.0, APEX_CM]) - distance_cm * axes[2] + aim_cm @ axes
        view = View(origin_cm, axes, width_px * distance_cm / view_cm, width_px, height_px)
        return cls(
            view=view,
            lamps=_lamps(rng, view, ways.get(Aspect.leds, Way.usual)),
            defocus_px=_DEFOCUS_PX.draw(rng, pose),
            distance_cm=distance_cm,
            below_deg=below_deg,
            aside_deg=aside_deg,
            drift_cm_per_s=_DRIFT_CM_PER_S.draw(rng, slip),
            slips_per_s=_SLIPS_PER_S.draw(rng, slip),
            slip_cm=_SLIP_CM.draw(rng, slip),
        )

    def slip_path_cm(
        self, rng: np.random.Generator, samples: int, samples_per_s: float
    ) -> NDArray[np.float64]:
        """Where the headset sits over time (samples, 3), along the camera's axes, from 0."""
        t_s = np.arange(samples) / samples_per_s
        seconds = samples / samples_per_s
        path = np.outer(t_s, rng.normal(0, 1, 3)) * self.drift_cm_per_s
        for _ in range(rng.poisson(self.slips_per_s * seconds)):
            lasting_s = rng.uniform(0.04, 0.25)
            share = np.clip((t_s - rng.uniform(0, seconds)) / lasting_s, 0, 1)
            smooth = share**3 * (10 - 15 * share + 6 * share**2)
            path += np.outer(smooth, rng.normal(0, 1, 3) * self.slip_cm * np.array([0.6, 1.0, 0.4]))
        return path


def _axes(below_rad: float, aside_rad: float, roll_rad: float) -> NDArray[np.float64]:
    """The camera's right, down and forward, of one that stands below and aside and looks at the eye."""
    back = np.array(
        [
            np.sin(aside_rad) * np.cos(below_rad),
            -np.sin(below_rad),
            np.cos(aside_rad) * np.cos(below_rad),
        ]
    )
    forward = -back
    right = np.cross(forward, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    c, s = np.cos(roll_rad), np.sin(roll_rad)
    return np.stack([c * right + s * down, c * down - s * right, forward])


def _lamps(rng: np.random.Generator, view: View, way: Way) -> Lamps:
    """LEDs in a ring about the lens, the ring a little aside of it; one may be in the lens's own axis."""
    count = int(np.clip(round(_LED_COUNT.draw(rng, way)), 1, 8))
    ring_cm = max(0.3, _LED_RING_CM.draw(rng, way))
    first, spread = rng.uniform(0, 2 * np.pi), rng.normal(0, 0.25, 8)
    aside = rng.normal(0, 0.35, 2)
    forward = rng.uniform(-0.3, 0.5)
    strengths = rng.uniform(-1, 1, 8)
    is_coaxial = rng.random() < _COAXIAL_SHARE
    if way is Way.fixed:
        first, spread, aside, forward, is_coaxial = 0.3, np.zeros(8), np.zeros(2), 0.0, False
        strengths = np.zeros(8)
    angles = first + np.arange(count) * 2 * np.pi / count + spread[:count]
    places = np.stack(
        [
            ring_cm * np.cos(angles) + aside[0],
            ring_cm * np.sin(angles) + aside[1],
            np.full(count, forward),
        ],
        -1,
    )
    if is_coaxial:
        places[0] = [0.12, 0.0, 0.0]
    powers = 1 + _LED_UNEVENNESS.draw(rng, way) * strengths[:count]
    return Lamps(
        places_cm=view.origin_cm + places @ view.axes,
        powers=powers / powers.sum(),
        size_cm=_LED_SIZE_CM.draw(rng, way),
        ambient=_AMBIENT.draw(rng, way),
    )
