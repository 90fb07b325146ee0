"""What the Camera screen's lamps say: is the picture good enough for gaze, and if not, what would help.

Each lamp has a state ("good", "poor" or "off") and words that say what to do; colours alone are never the
message.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from tinytracker.domain import Box, Face, Image
from tinytracker.faces.boxes import interocular_px
from tinytracker.faces.crops import crop
from tinytracker.faces.tracker import corners_of

State = Literal["good", "poor", "off"]
Slow = Literal["camera", "computer", "renderer"]
"""What the frame rate hangs on: what the camera gives, what this computer keeps up with, or how fast it draws
the demo's person."""

SMALLEST_INTEROCULAR_PX = 40.0  # an iris is then some 7 px wide; below it errors grow fast
DARKEST, BRIGHTEST = 60.0, 215.0  # mean grey of a face that is exposed well
MOST_LOPSIDED = 1.8  # brighter half of the face over the darker one
BRIGHTER_BEHIND = 1.6  # surroundings over face: a window behind the person
SATURATED = 250
MOST_SATURATED_EYE = 0.02  # share of an eye box: more is a reflection in glasses, not the eye's own glint
FEWEST_FRAMES_PER_SECOND = 15.0
SLOWING = 90.0  # mean grey of a face below which cameras take longer for a frame
NEAREST_CM, FARTHEST_CM = 30.0, 80.0


@dataclass(frozen=True, slots=True)
class Lamp:
    """name: what it is about. state: good, poor, or off where it cannot be said. words: what is so, and what
    would help."""

    name: str
    state: State
    words: str


def lamps(
    image: Image,
    face: Face | None,
    distance_cm: float | None,
    frames_per_second: float,
    reason: str = "",
    slow: Slow = "camera",
) -> list[Lamp]:
    """The lamps for one frame. reason: why there is no face. slow: what would make a low rate higher. Light
    is measured on small crops: 0.2 ms."""
    rate = _rate(frames_per_second, slow, image, face)
    if face is None:
        missing = reason or "no face"
        return [
            Lamp("face", "poor", f"{missing}: sit so that your whole face is in the picture"),
            *(Lamp(name, "off", "no face yet") for name in ("eyes", "light", "glare", "distance")),
            rate,
        ]
    found = Lamp("face", "good", "found")
    return [
        found,
        _eyes(face, distance_cm),
        _light(image, face.box),
        _glare(image, face),
        _distance(distance_cm),
        rate,
    ]


def _eyes(face: Face, distance_cm: float | None) -> Lamp:
    apart_px = interocular_px(corners_of(face))
    if apart_px >= SMALLEST_INTEROCULAR_PX:
        return Lamp("eyes", "good", f"large enough ({apart_px:.0f} px apart)")
    nearer = (
        ""
        if distance_cm is None
        else f", about {distance_cm * (1 - apart_px / SMALLEST_INTEROCULAR_PX):.0f} cm"
    )
    return Lamp(
        "eyes", "poor", f"small ({apart_px:.0f} px apart): come nearer{nearer}, or choose a higher resolution"
    )


def _light(image: Image, box: Box) -> Lamp:
    face = cv2.cvtColor(crop(image, box, 32, 32), cv2.COLOR_RGB2GRAY).astype(np.float32)
    mean = float(face.mean())
    around = float(cv2.resize(image, (16, 12), interpolation=cv2.INTER_AREA).mean())
    left, right = (
        float(face[:, :16].mean()),
        float(face[:, 16:].mean()),
    )  # of the picture: the person's right, left
    if around > BRIGHTER_BEHIND * mean:
        return Lamp("light", "poor", "from behind: turn so that the window or lamp is in front of you")
    if mean < DARKEST:
        return Lamp("light", "poor", "too dark: put a lamp in front of you, beside the screen")
    if mean > BRIGHTEST:
        return Lamp("light", "poor", "too bright: dim the lamp or turn away from the sun")
    if max(left, right) > MOST_LOPSIDED * max(min(left, right), 1.0):
        side = "right" if left > right else "left"
        return Lamp("light", "poor", f"from your {side} only: light both halves of your face alike")
    return Lamp("light", "good", "even")


def _glare(image: Image, face: Face) -> Lamp:
    if face.left_eye is None or face.right_eye is None:
        return Lamp("glare", "off", "eyes not located")
    shares = [
        float((crop(image, eye, 48, 48).min(axis=2) >= SATURATED).mean())
        for eye in (face.left_eye, face.right_eye)
    ]
    if max(shares) > MOST_SATURATED_EYE:
        return Lamp("glare", "poor", "a reflection covers an eye: tilt your glasses or move the lamp")
    return Lamp("glare", "good", "none")


def _distance(distance_cm: float | None) -> Lamp:
    if distance_cm is None:
        return Lamp("distance", "off", "unknown")
    if distance_cm < NEAREST_CM:
        return Lamp("distance", "poor", f"about {distance_cm:.0f} cm: a little near, lean back")
    if distance_cm > FARTHEST_CM:
        return Lamp("distance", "poor", f"about {distance_cm:.0f} cm: far away, come nearer")
    return Lamp("distance", "good", f"about {distance_cm:.0f} cm")


def _rate(frames_per_second: float, slow: Slow, image: Image, face: Face | None) -> Lamp:
    if frames_per_second <= 0:
        return Lamp("rate", "off", "waiting for the camera")
    frames = f"{frames_per_second:.0f} frames/s"
    if frames_per_second >= FEWEST_FRAMES_PER_SECOND:
        return Lamp("rate", "good", frames)
    if slow == "renderer":
        return Lamp("rate", "poor", f"{frames}: this computer draws the demo's person no faster")
    if slow == "computer":
        advice = "this computer is too busy; close other programs"
    elif (_grey(image) if face is None else _grey(crop(image, face.box, 32, 32))) < SLOWING:
        advice = "in little light cameras are slow; put a lamp in front of you"
    else:
        advice = "the camera gives no more; choose a lower resolution or another camera"
    return Lamp("rate", "poor", f"{frames}, 15 are needed: {advice}")


def _grey(image: Image) -> float:
    """Mean grey of a picture, of so many of its pixels as tell."""
    small = cv2.resize(image, (32, 32), interpolation=cv2.INTER_AREA)
    return float(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).mean())
