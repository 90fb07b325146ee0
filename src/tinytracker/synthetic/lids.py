"""The lids: where their margins run for a given gaze and expression.

Margins are curves in the plane of the face before each eye: `s` goes from 0 at the inner canthus to 1 at the
outer one, heights are cm above the eye's centre of rotation. The upper margin follows the globe's vertical
turn almost fully, the lower one about a third (`Lids.upper_gain`, `lower_gain`); squint, smile, droop and
blinks move them independently of gaze, so that openness alone does not tell where someone looks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tinytracker.synthetic.eyes import SIDE
from tinytracker.synthetic.subject import EYE_RADIUS_CM, Expression, Lids

LOWER_PEAK = 0.55
"""Where the lower margin is lowest, 0 nasal .. 1 temporal."""


@dataclass(frozen=True)
class Opening:
    """The opening of one eye in one frame.

    upper_cm, lower_cm: heights of the margins above the pupil's column (negative: below the eye's centre).
    rest_upper_cm: where the upper margin is in primary gaze, which fixes the crease.
    openness: height of the opening over its width (0 shut, about 0.3 open).
    """

    upper_cm: float
    lower_cm: float
    rest_upper_cm: float
    openness: float


def lens(s: np.ndarray, peak: float) -> np.ndarray:
    """Shape of a margin at `s` (any shape, 0 to 1): 0 at the canthi, 1 at `peak`; s**a * (1-s)**b with a /
    (a + b) = peak."""
    a, b = 1.24 * peak, 1.24 * (1 - peak)
    return (s / peak) ** a * ((1 - s) / (1 - peak)) ** b


def opening(lids: Lids, expression: Expression, optical_pitch_rad: float, eye: int) -> Opening:
    """Where the margins of one eye (0 left, 1 right) are when its optical axis is `optical_pitch_rad`
    above the head's Z."""
    turn_cm = EYE_RADIUS_CM * math.sin(optical_pitch_rad)
    smile = max(0.0, expression.smile)
    rest_upper = lids.upper_margin_cm + SIDE[eye] * lids.asymmetry_cm
    upper = (
        rest_upper
        + lids.upper_gain * turn_cm
        - expression.droop_cm
        - 0.16 * expression.squint
        + 0.10 * expression.brow_raise_cm
    )
    lower = -lids.lower_margin_cm + lids.lower_gain * turn_cm + 0.24 * expression.squint + 0.10 * smile
    upper += expression.lid_jitter_cm[0]
    lower += expression.lid_jitter_cm[1]
    gap = min(max(upper - lower, 0.22), 1.35)  # no squint closes the eye: only a blink does
    # The upper lid does nearly all of a blink; it meets the lower one, which rises by a millimetre.
    lower += 0.10 * expression.blink
    upper = lower + gap * (1 - expression.blink) if expression.blink > 0 else lower + gap
    return Opening(upper, lower, rest_upper, (upper - lower) / (lids.nasal_cm + lids.temporal_cm))


@dataclass(frozen=True)
class MarginShapes:
    """What the margins of a person's lids have in common whatever the opening, at places (n,) from the inner
    canthus to the outer one.

    line: heights of the line between the canthi, at_pupil where it passes the pupil's column. bow, sag: how
    the upper and the lower margin leave that line, 1 at the pupil's column.
    """

    line: np.ndarray
    at_pupil: float
    bow: np.ndarray
    sag: np.ndarray


def margin_shapes(lids: Lids, along: np.ndarray) -> MarginShapes:
    """For positions `along` (n,), 0 to 1 from inner to outer canthus."""
    pupil = lids.nasal_cm / (lids.nasal_cm + lids.temporal_cm)
    bow = lens(along, lids.peak) / lens(np.array(pupil), lids.peak) * (1 - lids.droop * (along - pupil))
    return MarginShapes(
        line=lids.inner_height_cm + (lids.outer_height_cm - lids.inner_height_cm) * along,
        at_pupil=lids.inner_height_cm + (lids.outer_height_cm - lids.inner_height_cm) * pupil,
        bow=bow,
        sag=lens(along, LOWER_PEAK) / lens(np.array(pupil), LOWER_PEAK),
    )


def margin_heights(shapes: MarginShapes, opening_: Opening) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Heights (n,) of the margins over the eye's centre.

    Returns the upper margin, the lower one, and where the upper one rests in primary gaze.
    """
    line, at_pupil, bow = shapes.line, shapes.at_pupil, shapes.bow
    upper = line + (opening_.upper_cm - at_pupil) * bow
    lower = line + (opening_.lower_cm - at_pupil) * shapes.sag
    gap = opening_.upper_cm - opening_.lower_cm
    open_share = min(1.0, gap / 0.3)  # as the lids close, the upper one takes the lower one's shape
    upper = open_share * upper + (1 - open_share) * (lower + gap * bow)
    middle = 0.5 * (upper + lower)
    shut = upper < lower  # shut lids meet half-way
    return (
        np.where(shut, middle, upper),
        np.where(shut, middle, lower),
        line + (opening_.rest_upper_cm - at_pupil) * bow,
    )
