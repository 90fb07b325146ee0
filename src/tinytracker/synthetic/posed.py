"""A person in one frame: where everything is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinytracker.synthetic.lids import Opening


@dataclass(frozen=True)
class PosedHead:
    """A person in one frame: where everything is. Lengths cm, camera frame; eyes [left, right].

    position_cm: (3,) midpoint of the eyes' centres at rest. rotation: (3, 3) head to camera frame.
    eye_centres_cm: (2, 3) centres of rotation. visual_axes: (2, 3) unit vectors exactly through the target,
    before fixation jitter. optical_axes: (2, 3) unit vectors as drawn: with jitter and kappa.
    iris_centres_cm: (2, 3). canthi_cm: (2, 2, 3) [eye][inner, outer]. landmarks_cm: (23, 3) in the order of
    `domain.LANDMARKS`. openness: (2,) height over width of the opening. fixation_deg: (2,) [yaw, pitch] by
    which the eyes miss the target, head frame. blink: 0 open .. 1 shut. openings: one per eye. target_cm:
    (3,) what is looked at.
    face_cm: float32 (V, 3) the mesh with the expression, head frame.
    """

    position_cm: np.ndarray
    rotation: np.ndarray
    target_cm: np.ndarray
    eye_centres_cm: np.ndarray
    visual_axes: np.ndarray
    optical_axes: np.ndarray
    iris_centres_cm: np.ndarray
    canthi_cm: np.ndarray
    landmarks_cm: np.ndarray
    openness: np.ndarray
    fixation_deg: np.ndarray
    blink: float
    openings: tuple[Opening, Opening]
    face_cm: np.ndarray
