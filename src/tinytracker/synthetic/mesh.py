"""The mesh of one head, whatever it was made from, and what is computed on it once per person.

Frame: the head frame of `subject`. Every vertex also has a `chart` position: where it lies on a standard face
(eyes at (+-interocular/2, 0), mouth at y = -6.35, chin near -10). All paint (brows, lips, beard) and the
openings of the lids are defined in chart x and y, so that one shader serves every kind of head.

Self-shadowing is by horizon maps (Max, "Horizon mapping: shadows for bump-mapped surfaces", 1988): the head,
seen from the front, is a height field; for eight compass directions each vertex knows how high the surface
rises around it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

FACE, HAIR, TORSO, MOUTH, FRAME, TEETH = 1, 2, 3, 4, 5, 6
"""Kinds of surface: skin that takes the paint, strands of hair, clothes, the inside of the mouth, arms of
spectacles, teeth."""

COMPASS = 8
"""Directions of a horizon map, counter-clockwise from +X."""

_CELL_CM = 0.12
_GRID_X_CM, _GRID_Y_CM = 10.5, 15.0


@dataclass(frozen=True)
class Unit:
    """A movement of the face at full strength. rows: (n,) vertices, each once; offsets: float32 (n, 3) cm."""

    rows: np.ndarray
    offsets: np.ndarray


@dataclass(frozen=True)
class HeadMesh:
    """A triangle mesh in the head frame.

    vertices_cm, normals: float32 (V, 3). chart_cm: float32 (V, 3) position on the standard face. hair:
    float32 (V,) share of scalp hair, 0 to 1. cloth: float32 (V,) cm within what is covered by clothes
    (negative: outside). triangles: int32 (T, 3), counter-clockwise seen from outside. kind: uint8 (T,) FACE,
    HAIR, ...
    occlusion: float32 (V,) light left of an even sky, 0 to 1. horizon: float32 (V, 8) sine of the surface's
    elevation. units: movements of the face by name; "smile" in full, "jaw" open by 1 cm, "brow" up by 1 cm
    are in all. body: float32 (V,), 1 where vertices keep with the shoulders, 0 where they turn with
    the head.
    eye_centres_cm: float (2, 3) [left, right], the eyes' centres of rotation.
    """

    vertices_cm: np.ndarray
    normals: np.ndarray
    chart_cm: np.ndarray
    hair: np.ndarray
    cloth: np.ndarray
    triangles: np.ndarray
    kind: np.ndarray
    occlusion: np.ndarray
    horizon: np.ndarray
    units: dict[str, Unit]
    body: np.ndarray
    eye_centres_cm: np.ndarray

    def expressed(self, strengths: Mapping[str, float]) -> np.ndarray:
        """Vertices (V, 3) float32 with movements of the face by name at some strength; those that a head
        lacks do nothing."""
        from tinytracker.synthetic.light import move

        out = self.vertices_cm.copy()
        for name, strength in strengths.items():
            unit = self.units.get(name)
            if unit is not None and strength != 0:
                move(out, unit.rows, unit.offsets, np.float32(strength))
        return out


@dataclass
class Part:
    """A piece of a head before it is joined to the others; arrays as in `HeadMesh`, optional ones None."""

    vertices: np.ndarray
    triangles: np.ndarray
    kind: np.ndarray | int
    normals: np.ndarray
    chart: np.ndarray | None = None
    hair: np.ndarray | None = None
    cloth: np.ndarray | None = None
    units: dict[str, Unit] | None = None
    body: np.ndarray | bool = False


def grid_triangles(rows: int, columns: int) -> np.ndarray:
    """Triangles (T, 3) of a rows x columns grid of vertices (rows run downwards, columns to +X: normals
    face +Z)."""
    corner = np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)[None]
    a, b, c, d = (q.ravel() for q in (corner, corner + 1, corner + columns, corner + columns + 1))
    return np.concatenate([np.stack([a, c, b], 1), np.stack([b, c, d], 1)]).astype(np.int32)


def ellipsoid(
    centre: tuple[float, float, float],
    radii: tuple[float, float, float],
    columns: int,
    rows: int,
    kind: int,
    body: bool = False,
) -> Part:
    """An ellipsoid with poles up and down; its seam is at the back."""
    around = np.linspace(-np.pi, np.pi, columns)
    height = np.linspace(1.5, -1.5, rows)
    unit = np.stack(
        [
            np.outer(np.cos(height), np.sin(around)),
            np.repeat(np.sin(height)[:, None], columns, 1),
            np.outer(np.cos(height), np.cos(around)),
        ],
        -1,
    ).reshape(-1, 3)
    normals = unit / radii
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return Part(
        unit * radii + np.asarray(centre), grid_triangles(rows, columns), kind, normals=normals, body=body
    )


def all_corners(holds: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """The triangles (T,) at all three vertices of which something holds, bool (V,)."""
    a, b, c = triangles.T
    return holds[a] & holds[b] & holds[c]


def middles(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Of triangles, (T, 3)."""
    a, b, c = triangles.T
    return (vertices[a] + vertices[b] + vertices[c]) / 3


def vertex_normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Unit normals (V, 3), area-weighted over the triangles at each vertex."""
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    face = np.cross(b - a, c - a)
    normals = np.stack(
        [
            sum(np.bincount(triangles[:, k], face[:, axis], len(vertices)) for k in range(3))
            for axis in range(3)
        ],
        1,
    )
    return normals / (np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12)


def join(parts: list[Part], eye_centres_cm: np.ndarray) -> HeadMesh:
    """Put the parts together and compute occlusion and horizons."""
    offsets = np.cumsum([0] + [len(p.vertices) for p in parts])
    vertices = np.concatenate([p.vertices for p in parts])
    triangles = np.concatenate([p.triangles + o for p, o in zip(parts, offsets[:-1], strict=True)])

    def gather(name: str, usual: float) -> np.ndarray:
        given = ((len(p.vertices), getattr(p, name)) for p in parts)
        return np.concatenate(
            [np.full(n, usual) if values is None else values for n, values in given]
        ).astype(np.float32)

    units: dict[str, Unit] = {}
    for part, offset in zip(parts, offsets[:-1], strict=True):
        for name, unit in (part.units or {}).items():
            assert name not in units, f"two parts move by {name!r}"
            units[name] = Unit(unit.rows + offset, np.asarray(unit.offsets, np.float32))

    normals = np.concatenate([p.normals for p in parts])
    kind = np.concatenate(
        [np.full(len(p.triangles), p.kind, np.uint8) if np.isscalar(p.kind) else p.kind for p in parts]
    )
    horizon = horizons(vertices, triangles[(kind != TORSO) & (kind != FRAME)])
    return HeadMesh(
        vertices_cm=np.ascontiguousarray(vertices, np.float32),
        normals=np.ascontiguousarray(normals, np.float32),
        chart_cm=np.concatenate([p.vertices if p.chart is None else p.chart for p in parts]).astype(
            np.float32
        ),
        hair=gather("hair", 0.0),
        cloth=gather("cloth", -9.0),
        triangles=np.ascontiguousarray(triangles, np.int32),
        kind=np.ascontiguousarray(kind, np.uint8),
        occlusion=sky_light(normals, horizon).astype(np.float32),
        horizon=horizon.astype(np.float32),
        units=units,
        body=np.concatenate(
            [np.full(len(p.vertices), p.body, np.float32) if np.isscalar(p.body) else p.body for p in parts]
        ).astype(np.float32),
        eye_centres_cm=eye_centres_cm,
    )


def height_field(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Front of the head as heights (rows downwards, columns to +X) in cells of 0.12 cm; -15 where there is
    nothing."""
    from tinytracker.synthetic.raster import deepest

    columns, rows = int(2 * _GRID_X_CM / _CELL_CM), int(2 * _GRID_Y_CM / _CELL_CM)
    x = (vertices[:, 0] + _GRID_X_CM) / _CELL_CM
    y = (_GRID_Y_CM - vertices[:, 1]) / _CELL_CM
    return deepest(
        np.stack([x, y, vertices[:, 2]], 1).astype(np.float32),
        triangles.astype(np.int32),
        columns,
        rows,
        -15.0,
    )


def horizons(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Horizon map (V, 8): sine of the highest elevation of the surface in each compass direction (may be
    negative)."""
    from tinytracker.synthetic.raster import scan_horizons, smooth_field

    field = smooth_field(height_field(vertices, triangles))
    return scan_horizons(vertices.astype(np.float32), field, _CELL_CM, _GRID_X_CM, _GRID_Y_CM, COMPASS)


def sky_light(normals: np.ndarray, horizon: np.ndarray) -> np.ndarray:
    """Share (V,) of an even sky's light that reaches each vertex past its horizons (0 to 1).

    Per direction, light arrives between the surface's own tangent plane and its horizon, whichever is higher;
    the cosine weighting integrates to 1 - sin(angle between tangent plane and horizon) squared (Bavoil &
    Sainz, "Image-space horizon-based ambient occlusion", 2008).
    """
    angles = np.arange(COMPASS) * 2 * np.pi / COMPASS
    slope = -(normals[:, :1] * np.cos(angles) + normals[:, 1:2] * np.sin(angles)) / np.maximum(
        normals[:, 2:3], 0.15
    )
    tangent = slope / np.sqrt(1 + slope**2)
    above = np.clip(np.arcsin(np.clip(horizon, -1, 1)) - np.arcsin(np.clip(tangent, -1, 1)), 0, np.pi / 2)
    return 1 - (np.sin(above) ** 2).mean(1)
