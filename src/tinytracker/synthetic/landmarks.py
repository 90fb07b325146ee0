"""Landmarks of the face: where the renderer's truth knows them.

Each is a vertex of the mesh, the one nearest to a place on the standard face (see `mesh`), and moves with the
expression.
"""

from __future__ import annotations

import numpy as np

from tinytracker.domain import LANDMARKS
from tinytracker.synthetic.mesh import HeadMesh

_MIDDLE_CM = {
    "metopion": (0.0, 4.5),
    "sellion": (0.0, 0.0),
    "rhinion": (0.0, -2.0),
    "pronasale": (0.0, -3.4),
    "labiale_superius": (0.0, -5.6),
    "labiale_inferius": (0.0, -7.0),
    "gnathion": (0.0, -9.8),
}
_SIDE_CM = {
    "inner_brow": (1.5, 1.9),
    "brow": (3.2, 2.1),
    "outer_brow": (5.0, 1.7),
    "temple": (6.5, 1.0),
    "cheek": (4.3, -2.6),
    "alare": (1.3, -3.9),
    "cheilion": (2.2, -6.35),
    "gonion": (5.5, -7.0),
}
_PLACES_CM = {
    **_MIDDLE_CM,
    **{f"left_{name}": (x, y) for name, (x, y) in _SIDE_CM.items()},
    **{f"right_{name}": (-x, y) for name, (x, y) in _SIDE_CM.items()},
}
"""Places (x, y) on the standard face."""

_BEHIND_CM = -4.0  # nothing of the back of the head
_FRONT = 1e-3  # cm: of vertices as near, the one in front, on the lips and not inside the mouth


class Landmarks:
    """The landmarks of one head, in the order of `domain.LANDMARKS`."""

    def __init__(self, mesh: HeadMesh) -> None:
        skin = np.flatnonzero((mesh.vertices_cm[:, 2] > _BEHIND_CM) & (mesh.hair < 0.5) & (mesh.body < 0.5))
        chart, places = mesh.chart_cm[skin], np.array([_PLACES_CM[name] for name in LANDMARKS])
        apart = ((chart[:, None, :2] - places) ** 2).sum(axis=2)
        nearest = skin[np.argmin(apart - _FRONT * chart[:, 2:], axis=0)]
        self._vertices = nearest

    def positions_cm(self, face_cm: np.ndarray) -> np.ndarray:
        """Where they are (23, 3) among the vertices (V, 3) of the head with an expression on it
        (`mesh.expressed`)."""
        return face_cm[self._vertices].astype(float)
