"""An eye and what surrounds it, as near-infrared light shows them: dimensions in cm, reflectances from 0 to
1.

Frame of reference (everywhere in this room): the eye's centre of rotation is the origin, X points to the
right of a picture taken from before the face, Y up, Z out of the face. `side` is +1 for a left eye
(temporal is +X) and -1 for a right one.

Under 850 nm melanin absorbs little: every iris is grey and bright, skin is flat, the pupil stays dark, and
what make-up shows is carbon black.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tinytracker.synthetic.near_eye.variation import Aspect, Range, Way, Ways

REFRACTIVE_INDEX = 1.3375
"""Of cornea and aqueous humour taken as one (Guestrin & Eizenman 2006, table of eye parameters)."""

# Guestrin & Eizenman 2006: cornea's radius 0.78 cm, its centre 0.53 cm from the centre of rotation, pupil
# 0.42 cm before the cornea's centre; spreads as between adults. The visible iris is 11 to 12.5 mm wide.
_BALL_RADIUS_CM = Range(1.16, 1.24)
_CORNEA_RADIUS_CM = Range(0.74, 0.82)
_LIMBUS_RADIUS_CM = Range(0.55, 0.625)
_PUPIL_TO_CORNEA_CENTRE_CM = Range(0.40, 0.45)
_PUPIL_OFFSET_CM = Range(-0.02, 0.04)
_KAPPA_NASAL_DEG = Range(2.5, 6.5)
_KAPPA_UP_DEG = Range(-1.0, 2.5)

_NASAL_CM = Range(1.22, 1.45)
_TEMPORAL_CM = Range(1.10, 1.30)
_UPPER_CM = Range(0.26, 0.60, beyond=0.25, both_ends=True)
_LOWER_CM = Range(0.44, 0.66)
_PEAK = Range(0.38, 0.56)
_INNER_HEIGHT_CM = Range(-0.20, 0.0)
_OUTER_HEIGHT_CM = Range(-0.12, 0.18)
_UPPER_GAIN = Range(0.75, 1.0)
_LOWER_GAIN = Range(0.25, 0.5)
_CREASE_CM = Range(0.12, 0.48, both_ends=True)
_CREASE_DEPTH = Range(0.15, 0.75)
_LID_THICKNESS_CM = Range(0.10, 0.17)

_SKIN = Range(0.42, 0.62)
_IRIS = Range(0.20, 0.48)
_IRIS_CONTRAST = Range(0.15, 0.5)
_SCLERA = Range(0.42, 0.64)
_PUPIL = Range(0.012, 0.05)
_LASHES_ABOVE = Range(45, 110)
_LASHES_BELOW = Range(15, 60)
_LASH_LENGTH_CM = Range(0.50, 1.05)
_LASH_WIDTH_CM = Range(0.005, 0.011)
_LASH_CURL = Range(0.25, 1.0)
_LASH_DOWNWARD = Range(-0.05, 0.75)
_HAIR = Range(0.04, 0.16)
_BROW_CM = Range(1.75, 2.45)


@dataclass(frozen=True, slots=True)
class Globe:
    """The eyeball, turning about its centre.

    limbus_radius_cm: of the circle in which ball and cornea meet, as large as the iris is seen.
    pupil_to_cornea_centre_cm: the plane of the iris lies so far before the centre of the cornea's curvature,
    the pupil's middle in it pupil_offset_cm nasally of the optical axis. kappa_nasal_deg, kappa_up_deg: the
    visual axis is so far nasal of and above the optical one.
    """

    ball_radius_cm: float
    cornea_radius_cm: float
    limbus_radius_cm: float
    pupil_to_cornea_centre_cm: float
    pupil_offset_cm: float
    kappa_nasal_deg: float
    kappa_up_deg: float

    @property
    def limbus_distance_cm(self) -> float:
        """Where along the optical axis, from the centre of rotation, ball and cornea meet."""
        return math.sqrt(self.ball_radius_cm**2 - self.limbus_radius_cm**2)

    @property
    def cornea_centre_cm(self) -> float:
        """Where along the optical axis the cornea's centre of curvature is."""
        return self.limbus_distance_cm - math.sqrt(self.cornea_radius_cm**2 - self.limbus_radius_cm**2)

    @property
    def iris_distance_cm(self) -> float:
        """Where along the optical axis the plane of the iris is."""
        return self.cornea_centre_cm + self.pupil_to_cornea_centre_cm


@dataclass(frozen=True, slots=True)
class LidShape:
    """The lids at rest: heights over the eye's centre, on the skin's surface."""

    nasal_cm: float
    temporal_cm: float
    upper_cm: float
    lower_cm: float
    peak: float
    inner_height_cm: float
    outer_height_cm: float
    upper_gain: float
    lower_gain: float
    crease_cm: float
    crease_depth: float
    thickness_cm: float


@dataclass(frozen=True, slots=True)
class Hairs:
    """Lashes and brow. lash_downward: how much the upper lashes start downwards before they curl up."""

    lashes_above: int
    lashes_below: int
    lash_length_cm: float
    lash_width_cm: float
    lash_curl: float
    lash_downward: float
    reflectance: float
    brow_cm: float
    brow_density: float


@dataclass(frozen=True, slots=True)
class Look:
    """Reflectances, and what is painted on: liner and shadow from 0 (none) to 1."""

    skin: float
    skin_contrast: float
    sclera: float
    iris: float
    iris_contrast: float
    pupil: float
    liner: float
    liner_below: float
    shadow: float


@dataclass(frozen=True, slots=True)
class NearEye:
    """Somebody's eye. texture_seed: of what is too fine for a number."""

    side: float
    globe: Globe
    lids: LidShape
    hairs: Hairs
    look: Look
    texture_seed: int

    @classmethod
    def draw(cls, rng: np.random.Generator, ways: Ways) -> NearEye:
        """Somebody; `ways` matters for Aspect.lids."""
        lids = ways.get(Aspect.lids, Way.usual)
        side = 1.0 if rng.random() < 0.5 else -1.0
        globe = Globe(
            ball_radius_cm=_BALL_RADIUS_CM.draw(rng),
            cornea_radius_cm=_CORNEA_RADIUS_CM.draw(rng),
            limbus_radius_cm=_LIMBUS_RADIUS_CM.draw(rng),
            pupil_to_cornea_centre_cm=_PUPIL_TO_CORNEA_CENTRE_CM.draw(rng),
            pupil_offset_cm=_PUPIL_OFFSET_CM.draw(rng),
            kappa_nasal_deg=_KAPPA_NASAL_DEG.draw(rng),
            kappa_up_deg=_KAPPA_UP_DEG.draw(rng),
        )
        shape = LidShape(
            nasal_cm=_NASAL_CM.draw(rng, lids),
            temporal_cm=_TEMPORAL_CM.draw(rng, lids),
            upper_cm=_UPPER_CM.draw(rng, lids),
            lower_cm=_LOWER_CM.draw(rng, lids),
            peak=_PEAK.draw(rng, lids),
            inner_height_cm=_INNER_HEIGHT_CM.draw(rng, lids),
            outer_height_cm=_OUTER_HEIGHT_CM.draw(rng, lids),
            upper_gain=_UPPER_GAIN.draw(rng, lids),
            lower_gain=_LOWER_GAIN.draw(rng, lids),
            crease_cm=_CREASE_CM.draw(rng, lids),
            crease_depth=_CREASE_DEPTH.draw(rng, lids),
            thickness_cm=_LID_THICKNESS_CM.draw(rng, lids),
        )
        return cls(side, globe, shape, _hairs(rng, lids), _look(rng), int(rng.integers(1 << 31)))


def _hairs(rng: np.random.Generator, way: Way) -> Hairs:
    mascara = _coin(rng, 0.3)
    return Hairs(
        lashes_above=round(_LASHES_ABOVE.draw(rng, way)),
        lashes_below=round(_LASHES_BELOW.draw(rng, way)),
        lash_length_cm=_LASH_LENGTH_CM.draw(rng, way) * (1.1 if mascara else 1.0),
        lash_width_cm=_LASH_WIDTH_CM.draw(rng, way) * (1.6 if mascara else 1.0),
        lash_curl=_LASH_CURL.draw(rng, way),
        lash_downward=_LASH_DOWNWARD.draw(rng, way),
        reflectance=0.03 if mascara else _HAIR.draw(rng),
        brow_cm=_BROW_CM.draw(rng, way),
        brow_density=float(rng.uniform(0.3, 1.0)),
    )


def _look(rng: np.random.Generator) -> Look:
    return Look(
        skin=_SKIN.draw(rng),
        skin_contrast=float(rng.uniform(0.05, 0.25)),
        sclera=_SCLERA.draw(rng),
        iris=_IRIS.draw(rng),
        iris_contrast=_IRIS_CONTRAST.draw(rng),
        pupil=_PUPIL.draw(rng),
        liner=float(rng.uniform(0.3, 1.0)) if _coin(rng, 0.2) else 0.0,
        liner_below=float(rng.uniform(0.3, 0.9)) if _coin(rng, 0.1) else 0.0,
        shadow=float(rng.uniform(0.1, 0.5)) if _coin(rng, 0.2) else 0.0,
    )


def _coin(rng: np.random.Generator, share: float) -> bool:
    return bool(rng.random() < share)
