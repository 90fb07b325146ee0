"""How dark eyes are against cheeks in a rendered face: the measure that photographs were taken by.

Regions, all from the projected canthi; `w` is the distance between an eye's canthi, "down" is at right angles
to the line between them:
- eye band: along each eye from canthus to canthus, from 0.30 w above that line to 0.20 w below it;
- cheek: a square of side 0.6 w whose centre lies 1.05 w below the middle of the eye;
- sclera: the 95th percentile within the opening between the lids, less a pixel along its edge (the lids' own
  skin).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tinytracker.domain import Box
from tinytracker.synthetic.camera import Camera
from tinytracker.synthetic.eyes import SIDE
from tinytracker.synthetic.lids import margin_heights, margin_shapes
from tinytracker.synthetic.person import Person
from tinytracker.synthetic.posed import PosedHead
from tinytracker.synthetic.scene import Scene

LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)


@dataclass(frozen=True)
class Tone:
    band: float  # mean of the eye band over mean of the cheek, linear light, both sides together
    sclera: float  # 95th percentile of the opening over mean of the cheek


def measure(person: Person, posed: PosedHead, scene: Scene, camera: Camera, width_px: int = 200) -> Tone:
    """Render a face and measure its tone."""
    canthi = camera.project(posed.canthi_cm)
    middle, apart = canthi.mean((0, 1)), np.linalg.norm(canthi[0].mean(0) - canthi[1].mean(0))
    box = Box(middle[0] - 0.85 * apart, middle[1] - 0.5 * apart, 1.7 * apart, 1.45 * apart)
    light = person.render(posed, scene, camera, box, width_px, round(width_px * 1.45 / 1.7)) @ LUMINANCE
    scale = width_px / box.width_px
    bands, cheeks, eyes = [], [], []
    for e in range(2):
        inner, outer = ((canthi[e] - [box.x_px, box.y_px]) * scale).astype(float)
        along = outer - inner
        down = np.array([-along[1], along[0]]) * (1 if along[0] > 0 else -1)
        band = _inside(
            light, [inner - 0.3 * down, outer - 0.3 * down, outer + 0.2 * down, inner + 0.2 * down]
        )
        spot = 0.5 * (inner + outer) + 1.05 * down
        half = 0.3 * np.linalg.norm(along)
        cheek = _inside(light, [spot + half * np.array(d) for d in ((-1, -1), (1, -1), (1, 1), (-1, 1))])
        opening = (camera.project(opening_outline_cm(person, posed, e)) - [box.x_px, box.y_px]) * scale
        eye = _inside(light, list(opening), shrink=True)
        bands.append(band)
        cheeks.append(cheek)
        eyes.append(eye)
    cheek_light = np.concatenate(cheeks).mean()
    return Tone(
        float(np.concatenate(bands).mean() / cheek_light),
        float(np.percentile(np.concatenate(eyes), 95) / cheek_light),
    )


def opening_outline_cm(person: Person, posed: PosedHead, eye: int, points: int = 16) -> np.ndarray:
    """Outline (2 * points, 3) of an eye's opening on the face, camera frame."""
    lids, centre = person.subject.lids, person.mesh.eye_centres_cm[eye]
    s = np.linspace(0.02, 0.98, points)
    upper, lower, _ = margin_heights(margin_shapes(lids, s), posed.openings[eye])
    x = centre[0] + SIDE[eye] * (s * (lids.nasal_cm + lids.temporal_cm) - lids.nasal_cm)
    flat = np.concatenate([np.stack([x, centre[1] + upper], 1), np.stack([x, centre[1] + lower], 1)[::-1]])
    front = person.mesh.vertices_cm[person.mesh.vertices_cm[:, 2] > -1.5]
    nearest = ((front[None, :, :2] - flat[:, None]) ** 2).sum(2).argmin(1)
    return np.concatenate([flat, front[nearest, 2:]], 1) @ posed.rotation.T + posed.position_cm


def _inside(light: np.ndarray, corners: list[np.ndarray], shrink: bool = False) -> np.ndarray:
    mask = np.zeros(light.shape, np.uint8)
    cv2.fillPoly(mask, [np.round(np.array(corners)).astype(np.int32)], 1)
    inner = cv2.erode(mask, np.ones((3, 3), np.uint8)) if shrink else mask
    values = light[(inner if inner.any() else mask) > 0]
    return values if len(values) else np.array([np.nan])
