"""Heads from MakeHuman's base mesh (CC0), which the package carries: real noses, ears, lid folds and necks,
all ages.

A figure's targets make the base mesh somebody; around each eye the mesh is then settled onto a globe of true
size, its opening onto the margins of the person's lids (`makehuman_lids`), and what people wear is put on
(`wardrobe`). Coarse places of the mesh are made finer first, along the surface that its normals suggest. All
vertices keep their number from head to head, so the standard face (see `mesh`) is simply the mean adult.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

from tinytracker.synthetic.dressing import dressed
from tinytracker.synthetic.figure import Figure
from tinytracker.synthetic.makehuman_lids import LidFit, settle
from tinytracker.synthetic.mesh import FACE, MOUTH, TEETH, HeadMesh, Part, Unit, join, vertex_normals
from tinytracker.synthetic.subject import Subject

LONGEST_EDGE_CM = 1.2
"""Edges of the mean adult longer than this are split in two: outlines stay round."""

_CORNEA_CM = 1.25  # corneal apex in front of the eye's centre of rotation
_FLOOR_CM = -27.0  # nothing below is ever in a picture that shows a face

_SMILE = {"mouthSmile": 0.62, "cheekSquint": 0.35, "mouthDimple": 0.15}
_UNITS: dict[str, dict[str, float]] = {
    "smile": {f"{name}{side}": share for name, share in _SMILE.items() for side in ("Left", "Right")},
    "jaw": {"jawOpen": 0.30},
    "brow": {"browInnerUp": 1.7, "browOuterUpLeft": 1.7, "browOuterUpRight": 1.7},
    "frown": {"mouthFrownLeft": 0.8, "mouthFrownRight": 0.8, "mouthShrugLower": 0.3},
    "brow_down": {"browDownLeft": 0.9, "browDownRight": 0.9},
    "pucker": {"mouthPucker": 0.7, "mouthFunnel": 0.2},
    "puff": {"cheekPuff": 0.8},
    "press": {"mouthPressLeft": 0.8, "mouthPressRight": 0.8, "mouthRollLower": 0.3, "mouthRollUpper": 0.3},
    "stretch": {"mouthStretchLeft": 0.7, "mouthStretchRight": 0.7},
    "teeth": {
        "mouthUpperUpLeft": 0.8,
        "mouthUpperUpRight": 0.8,
        "mouthLowerDownLeft": 0.7,
        "mouthLowerDownRight": 0.7,
    },
    "sneer": {"noseSneerLeft": 0.8, "noseSneerRight": 0.8},
    "squint": {"cheekSquintLeft": 0.8, "cheekSquintRight": 0.8},
    "smirk": {"mouthLeft": 0.5, "mouthSmileLeft": 0.3},
    "one_brow": {"browOuterUpLeft": 0.9, "browDownRight": 0.3},
}
"""Movements of the face and the targets that make them at full strength; jaw: open by 1 cm, brow: up by 1
cm."""


@dataclass(frozen=True)
class MakeHuman:
    """The base mesh, refined. Vertices (V, 3) cm; targets as sparse rows.

    base_cm: (V, 3). quads' triangles (T, 3) and their kind (T,). chart_cm: (V, 3) the mean adult on the
    standard face. skin: number of vertices of the body; after them come the eyeballs' (left, right), which
    only measure, teeth and tongue.
    """

    base_cm: np.ndarray
    triangles: np.ndarray
    kind: np.ndarray
    chart_cm: np.ndarray
    eyeballs: tuple[np.ndarray, np.ndarray]
    eyeball_triangles: np.ndarray
    body: np.ndarray
    targets: dict[str, tuple[np.ndarray, np.ndarray]]

    def shape(self, weights: dict[str, float]) -> np.ndarray:
        """Vertices (V, 3) of the head with these targets, in the base mesh's frame."""
        out = self.base_cm.copy()
        for name, weight in weights.items():
            rows, offsets = self.targets[name]
            out[rows] += weight * offsets
        return out


@lru_cache(maxsize=1)
def load() -> MakeHuman:
    """The base mesh that the package carries, read and refined once per process."""
    with (
        (files("tinytracker.synthetic") / "makehuman_data" / "heads.npz").open("rb") as file,
        np.load(file) as packed,
    ):
        vertices, quads = packed["vertices_cm"].astype(float), packed["quads"].astype(np.int64)
        group, start = packed["quad_group"], packed["target_start"]
        rows, offsets = packed["target_vertex"].astype(np.int64), packed["target_offset"] / 1000.0
        names = [str(name) for name in packed["target_names"]]
        groups = [str(name) for name in packed["group_names"]]
    dense = {
        name: (rows[start[k] : start[k + 1]], offsets[start[k] : start[k + 1]])
        for k, name in enumerate(names)
    }
    adults = [
        name
        for name in names
        if name.startswith("macro/") and "universal" not in name and "child" not in name
    ]
    mean = vertices.copy()
    for name in adults:
        mean[dense[name][0]] += dense[name][1] / len(adults)

    balls = [np.unique(quads[group == groups.index(name)]) for name in ("helper-l-eye", "helper-r-eye")]
    is_ball = (group == groups.index("helper-l-eye")) | (group == groups.index("helper-r-eye"))
    is_low = mean[quads, 1].min(1) < _FLOOR_CM
    solid, kind = _triangles(
        quads[~is_ball & ~is_low], _kinds(mean, quads, group, groups)[~is_ball & ~is_low]
    )
    splits, solid, kind = _refined(mean, solid, kind)
    grow = lambda points: np.concatenate([points, _midpoints(points, splits, None)])  # noqa: E731
    fine = np.concatenate(
        [mean, _midpoints(mean, splits, vertex_normals(mean, solid[(solid < len(mean)).all(1)]))]
    )
    bulge = fine - grow(mean)  # the same for everybody: curvature of the mean head
    targets = {name: _grown(*dense[name], len(mean), splits) for name in names}
    body = np.unique(solid[kind == FACE])
    return MakeHuman(
        base_cm=grow(vertices) + bulge,
        triangles=solid.astype(np.int32),
        kind=kind,
        chart_cm=_chart(fine, [fine[ball] for ball in balls]),
        eyeballs=(balls[0], balls[1]),
        eyeball_triangles=_triangles(quads[is_ball], np.zeros(int(is_ball.sum()), np.uint8))[0],
        body=body,
        targets=targets,
    )


def build(subject: Subject, figure: Figure, model: MakeHuman) -> tuple[HeadMesh, LidFit]:
    """The head of a subject, and what its shape says about the lids' fold."""
    shape = model.shape(figure.weights)
    left, right = (_middle(shape[ball]) for ball in model.eyeballs)
    scale = figure.interocular_cm / float(np.linalg.norm(left - right))
    origin = (left + right) / 2
    shape = (shape - origin) * scale
    centres = np.array([_middle(shape[ball]) for ball in model.eyeballs])
    centres[:, 2] = [shape[ball, 2].max() - _CORNEA_CM * (0.94 + 0.06 * scale) for ball in model.eyeballs]
    centres += [0.0, subject.eyes.rise_cm, 0.5 * subject.eyes.depth_cm]
    # Eyes stand level and as far apart as drawn; the frame's origin is the point between them.
    half = figure.interocular_cm / 2
    centres[:, 0] = [half, -half]
    middle = centres.mean(0) * [0, 1, 1]
    shape, centres = shape - middle, centres - middle

    lids = subject.lids
    points, replaced, patches, fit = settle(
        shape, model.triangles, model.kind, model.eyeball_triangles, centres, lids
    )
    chart = _true_near_eyes(model.chart_cm, points, centres)
    calm = _calm_at_lids(points, centres)
    units = {name: _unit(model, parts, calm, scale) for name, parts in _UNITS.items()}
    kept = ~replaced & ~_behind(points, model.triangles)
    triangles, kind = model.triangles[kept], model.kind[kept]
    used = np.zeros(len(points), bool)
    used[triangles] = True
    number = np.cumsum(used) - 1
    head = Part(
        points[used],
        number[triangles].astype(np.int32),
        kind,
        chart=chart[used],
        normals=vertex_normals(points, model.triangles)[used],
        units={
            name: Unit(number[unit.rows[used[unit.rows]]], unit.offsets[used[unit.rows]])
            for name, unit in units.items()
        },
        body=_shoulders(points)[used],
    )
    return join(dressed([head, *patches], subject, figure), centres), fit


def _behind(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Triangles (T,) that no camera sees while the head is turned by less than some 55 degrees."""
    a, b, c = (points[triangles[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    return normal[:, 2] < -0.82 * (np.linalg.norm(normal, axis=1) + 1e-9)


def _middle(points: np.ndarray) -> np.ndarray:
    return (points.min(0) + points.max(0)) / 2


def _triangles(quads: np.ndarray, kind: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    real = quads[:, 3] != quads[:, 2]
    return np.concatenate([quads[:, :3], quads[real][:, [0, 2, 3]]]), np.concatenate([kind, kind[real]])


def _kinds(mean: np.ndarray, quads: np.ndarray, group: np.ndarray, groups: list[str]) -> np.ndarray:
    """Kind of surface of each face: the mouth's inside is what lies behind the lips."""
    middle = mean[quads].mean(1)
    inside = (
        (np.abs(middle[:, 0]) < 2.9) & (middle[:, 1] < -4.9) & (middle[:, 1] > -8.3) & (middle[:, 2] < 2.0)
    )
    inside &= middle[:, 2] < 2.75 - 0.16 * middle[:, 0] ** 2 - 0.9
    kind = np.where(inside, MOUTH, FACE).astype(np.uint8)
    kind[np.isin(group, [groups.index(name) for name in ("helper-upper-teeth", "helper-lower-teeth")])] = (
        TEETH
    )
    kind[group == groups.index("helper-tongue")] = MOUTH
    return kind


def _refined(
    points: np.ndarray, triangles: np.ndarray, kind: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Splits long edges: (n, 2) pairs of vertices whose midpoints are the new vertices, then triangles and
    kinds anew."""
    edges = np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 3, 2), 2)
    unique, which = np.unique(edges.reshape(-1, 2), axis=0, return_inverse=True)
    long = np.linalg.norm(points[unique[:, 0]] - points[unique[:, 1]], axis=1) > LONGEST_EDGE_CM
    number = np.where(long, len(points) + np.cumsum(long) - 1, -1)[which.reshape(-1, 3)]
    out, kinds = [], []
    for (a, b, c), (ab, bc, ca), k in zip(triangles, number, kind, strict=True):
        corners, mids = [a, b, c], [ab, bc, ca]
        split = [m >= 0 for m in mids]
        if sum(split) == 3:
            new = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
        elif sum(split) == 0:
            new = [(a, b, c)]
        else:
            turn = split.index(True) if sum(split) == 1 else (split.index(False) + 1) % 3
            p, q, r = (corners[(turn + i) % 3] for i in range(3))
            m, n = mids[turn], mids[(turn + 1) % 3]
            new = [(p, m, r), (m, q, r)] if sum(split) == 1 else [(m, q, n), (p, m, n), (p, n, r)]
        out += new
        kinds += [k] * len(new)
    return unique[long], np.array(out), np.array(kinds, np.uint8)


def _midpoints(points: np.ndarray, pairs: np.ndarray, normals: np.ndarray | None) -> np.ndarray:
    """Midpoints (n, 3) of edges, lifted onto the curve that the normals at both ends suggest (Vlachos et al.,
    "Curved PN triangles", 2001), or straight without normals."""
    a, b = points[pairs[:, 0]], points[pairs[:, 1]]
    middle = (a + b) / 2
    if normals is None:
        return middle
    along = b - a
    lift = (along * normals[pairs[:, 1]]).sum(1, keepdims=True) * normals[pairs[:, 1]]
    lift -= (along * normals[pairs[:, 0]]).sum(1, keepdims=True) * normals[pairs[:, 0]]
    return middle + lift / 8


def _grown(
    rows: np.ndarray, offsets: np.ndarray, vertices: int, pairs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """A sparse target with the midpoints' offsets."""
    full = np.zeros((vertices, 3))
    full[rows] = offsets
    moved = np.zeros(vertices, bool)
    moved[rows] = True
    between = np.flatnonzero(moved[pairs].any(1))
    return (
        np.concatenate([rows, vertices + between]),
        np.concatenate([offsets, full[pairs[between]].mean(1)]).astype(np.float32),
    )


def _chart(mean: np.ndarray, balls: list[np.ndarray]) -> np.ndarray:
    """The mean adult as the standard face: eyes at height 0, nose, mouth and chin where the paint expects
    them."""
    origin = (_middle(balls[0]) + _middle(balls[1])) / 2
    chart = mean - origin
    heights = [-30, -12.5, -10.6, -6.72, -4.45, -3.77, 0, 1.9, 14]
    chart[:, 1] = np.interp(chart[:, 1], heights, [-30, -12.2, -10.2, -6.35, -4.3, -3.4, 0, 2.05, 13.6])
    chart[:, 0] *= np.interp(chart[:, 1], [-9, -6.35, -3], [1.0, 1.05, 1.0])
    return chart


def _true_near_eyes(chart: np.ndarray, points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    out = chart.copy()
    near = np.maximum(*(np.exp(-((((points[:, :2] - c[:2]) ** 2).sum(1) / 2.3**2) ** 2)) for c in centres))
    near *= points[:, 2] > -2.5
    out[:, :2] += near[:, None] * (points - chart)[:, :2]
    return out


def _calm_at_lids(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Factors (V, 2) of every movement of the face: at each eye's lids 0, as they keep to their own rules
    (`lids`)."""
    apart = ((points[:, None, :2] - centres[:, :2]) / [1.9, 1.35]) ** 2
    return 1 - np.exp(-(apart.sum(2) ** 2))


def _unit(model: MakeHuman, parts: dict[str, float], calm: np.ndarray, scale: float) -> Unit:
    """A movement of the face on this head, times the factors `calm` (V, 2)."""
    total = np.zeros((len(calm), 3))
    for name, share in parts.items():
        rows, offsets = model.targets[f"unit/{name}"]
        total[rows] += share * scale * offsets
    for factor in calm.T:
        total *= factor[:, None]
    x, y, z = np.abs(total.T) > 2e-3
    rows = np.flatnonzero(x | y | z)
    return Unit(rows, total[rows].astype(np.float32))


def _shoulders(points: np.ndarray) -> np.ndarray:
    """How far (0 to 1) each vertex keeps with the shoulders when the head turns: the neck bends in
    between."""
    t = np.clip((-9.5 - points[:, 1] - 0.25 * (points[:, 2] + 4)) / 8.0, 0, 1)
    return t * t * (3 - 2 * t)
