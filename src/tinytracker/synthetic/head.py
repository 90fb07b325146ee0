"""The procedural head: a mesh from a few dozen numbers, needing no asset.

A super-elliptic column (skull and jaw profiles over height) is displaced by smooth bumps (nose, brows,
sockets, cheeks, lips, chin); over each eye a shell bulges as closed lids do. The shader cuts the lids'
opening into that shell.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinytracker.synthetic.mesh import (
    FACE,
    FRAME,
    HAIR,
    TORSO,
    HeadMesh,
    Part,
    ellipsoid,
    grid_triangles,
    join,
)
from tinytracker.synthetic.subject import Glasses, Hair, Subject

_ROWS, _COLUMNS = 116, 105
_AROUND = np.linspace(-1, 1, _COLUMNS)
_AZIMUTH = np.radians(112) * (0.62 * _AROUND + 0.38 * _AROUND**3)  # denser in front
_HEIGHTS = np.concatenate(
    [
        np.linspace(12.3, 4.2, 18, endpoint=False),
        np.linspace(4.2, -9, 84, endpoint=False),
        np.linspace(-9, -11.9, 14),
    ]
)

LID_THICKNESS_CM = 0.14
_SHELL_RADIUS_CM = 1.52


def smooth(values: np.ndarray, window: int, axis: int) -> np.ndarray:
    """Hann-window average along an axis, ends repeated."""
    kernel = np.hanning(window + 2)[1:-1]
    kernel /= kernel.sum()
    pad = [(window // 2, window // 2) if a == axis else (0, 0) for a in range(values.ndim)]
    return np.apply_along_axis(
        lambda v: np.convolve(v, kernel, "valid"), axis, np.pad(values, pad, mode="edge")
    )


def grid_normals(points: np.ndarray) -> np.ndarray:
    """Unit normals (rows, columns, 3) of a grid of points whose rows run downwards and columns to +X."""
    across, down = np.gradient(points, axis=1), np.gradient(points, axis=0)
    normals = np.cross(down, across)
    return normals / (np.linalg.norm(normals, axis=-1, keepdims=True) + 1e-9)


def lid_shell(x: np.ndarray, y: np.ndarray, z: np.ndarray, centre: np.ndarray, side: float) -> np.ndarray:
    """Depths `z` with closed lids bulging over one eye.

    The shell is the globe plus a lid's thickness, flattened towards the canthi: those lie about 0.7 cm
    (inner) and 0.3 cm (outer) in front of the eye's centre. centre: (3,). side: +1 left eye, -1 right eye.
    """
    dx, dy = (x - centre[0]) * side, y - centre[1]
    # The corners: a plane that rises towards the nose, under everything between brow and cheekbone.
    plane = centre[2] + 0.43 - 0.17 * dx
    z = z + np.exp(-((dx / 2.0) ** 4) - (dy / 1.1) ** 4) * (_blend_max(z, plane, 0.4) - z)
    # The globe, flatter than its true curvature because lids bridge it.
    inside = np.maximum(_SHELL_RADIUS_CM**2 - dx**2 - (1.1 * dy) ** 2, 0)
    globe = centre[2] + np.sqrt(inside) - _SHELL_RADIUS_CM + 1.25 + LID_THICKNESS_CM
    z = _blend_max(z, np.where(inside > 0, globe, z - 1), 0.22)
    # Nothing stands proud of it within the opening.
    proud = np.exp(-((dx / 1.72) ** 8) - (dy / 0.75) ** 6)
    return z - proud * np.maximum(0, z - np.maximum(globe, plane) - 0.08)


def _blend_max(a: np.ndarray, b: np.ndarray, softness: float) -> np.ndarray:
    """The larger of both, rounded where they cross."""
    share = np.clip(0.5 + 0.5 * (b - a) / softness, 0, 1)
    return a * (1 - share) + b * share + softness * share * (1 - share)


def build(subject: Subject) -> HeadMesh:
    """The head of a subject, procedural kind."""
    face, hair = subject.face, subject.hair
    x, y, z = _skull(subject)
    z = z + _features(subject, x, y) * np.clip((z + 5) / 3, 0, 1)
    eye_x = subject.eyes.interocular_cm / 2
    chart = np.stack([x, y, z], -1)

    # Proportions: widths and heights change away from the eyes, whose globes all have one size.
    near = np.maximum(*(np.exp(-((((x - s * eye_x) ** 2 + y**2) / 2.4**2) ** 2)) for s in (1, -1)))
    lower = np.where(y < 0, face.lower_face, 1.0)
    scale = lambda factor: 1 + (factor - 1) * (1 - near)  # noqa: E731
    x, y, z = (
        x * scale(face.width),
        y * scale(face.height * lower),
        z * scale(0.5 * (face.width + face.height)),
    )
    for side in (1.0, -1.0):
        z = lid_shell(x, y, z, np.array([side * eye_x, 0.0, 0.0]), side)

    points = np.stack([x, y, z], -1)
    scalp = scalp_cover(hair, chart)
    points = points + grid_normals(points) * (scalp * hair.thickness_cm)[..., None]
    skin = Part(
        points.reshape(-1, 3),
        grid_triangles(_ROWS, _COLUMNS),
        FACE,
        chart=chart.reshape(-1, 3),
        normals=grid_normals(points).reshape(-1, 3),
        hair=scalp.ravel(),
    )
    ears = [
        ellipsoid((s * 7.35 * face.width, -1.2 * face.height, -5.6), (0.75, 3.0, 1.5), 20, 14, FACE)
        for s in (1, -1)
    ]
    parts = [skin, *ears, *body(), ellipsoid((0, -14, -6.0), (5.2, 9.5, 5.0), 28, 16, FACE)]
    if hair.style == 2:
        parts.append(curtain(hair, 8.2 * face.width))
    if subject.glasses is not None:
        parts.extend(temples(subject.glasses, 7.3 * face.width))
    eyes = subject.eyes
    centres = np.array([[side * eye_x, eyes.rise_cm, eyes.depth_cm] for side in (1, -1)])
    return _deepened(join(parts, centres))


def _deepened(mesh: HeadMesh) -> HeadMesh:
    """Less open sky in the orbits: the bumps that make them are too smooth to shade them as real bone and
    folds do."""
    dx = np.abs(mesh.vertices_cm[:, 0]) - mesh.eye_centres_cm[0, 0]
    orbit = np.exp(-((dx / 1.8) ** 4) - ((mesh.vertices_cm[:, 1] - 0.2) / 1.2) ** 4) * (
        mesh.vertices_cm[:, 2] > -2
    )
    return replace(mesh, occlusion=(mesh.occlusion * (1 - 0.17 * orbit)).astype(np.float32))


def body() -> list[Part]:
    """Shoulders and chest, under the clothes."""
    return [ellipsoid((0, -37, -8.0), (21.0, 20.0, 8.5), 48, 30, TORSO, body=True)]


def curtain(hair: Hair, radius_cm: float) -> Part:
    """Long hair: an open curtain around the sides and the back of the head."""
    around = np.linspace(np.radians(58), np.radians(302), 48)
    heights = np.linspace(9.5, -17, 24)
    radius = radius_cm + 0.5 * hair.thickness_cm - 0.12 * np.clip(heights - 4, 0, 9) ** 1.6
    wave = 1 + 0.03 * np.sin(5 * around + hair.seed % 7)[None] * np.clip((4 - heights) / 10, 0, 1)[:, None]
    points = np.stack(
        [
            radius[:, None] * wave * np.sin(around),
            np.repeat(heights[:, None], 48, 1),
            -6.2 + (radius[:, None] + 1.2) * wave * np.cos(around),
        ],
        -1,
    )
    flat = points.reshape(-1, 3)
    out, back = grid_triangles(24, 48), grid_triangles(24, 48)[:, ::-1]  # seen from both sides
    return Part(
        flat,
        np.concatenate([out, back]),
        HAIR,
        normals=grid_normals(points).reshape(-1, 3),
        hair=np.ones(len(flat)),
    )


def temples(glasses: Glasses, head_half_width_cm: float) -> list[Part]:
    """The two arms of a pair of spectacles, thin strips from the lenses' outer ends to the ears."""
    parts = []
    outer = 2 * glasses.half_width_cm + 0.75 + glasses.rim_cm
    height = glasses.drop_cm + 0.35 * glasses.half_height_cm
    thick = 0.10 + 0.5 * glasses.rim_cm
    for side in (1, -1):
        along = np.linspace(0, 1, 8)
        x = side * (outer + (max(head_half_width_cm + 0.15, outer) - outer) * along)
        z = glasses.distance_cm - along * (glasses.distance_cm + 6.0)
        points = np.stack([np.stack([x, np.full(8, height + up * thick), z], -1) for up in (1, -1)])
        faces = grid_triangles(2, 8)
        parts.append(
            Part(
                points.reshape(-1, 3),
                np.concatenate([faces, faces[:, ::-1]]),
                FRAME,
                normals=np.tile([side, 0.0, 0.0], (16, 1)),
            )
        )
    return parts


def _skull(subject: Subject) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The bare column, each (rows, columns) cm: half-width and front profile over height, super-elliptic
    around."""
    face, y = subject.face, _HEIGHTS
    width = np.interp(
        -y,
        [-12.3, -11.8, -11, -10, -8.5, -7, -5, -3, -1, 1, 2.5, 4, 6, 7.5, 9, 9.8, 10.5, 11.1, 11.6],
        [0.3, 2.6, 4.4, 5.6, 6.7, 7.2, 7.4, 7.35, 7.25, 7.2, 7.1, 6.9, 6.4, 5.9, 5.1, 4.4, 3.5, 2.5, 1.6],
    )
    width = width + face.jaw_cm * np.clip((-y - 1) / 8, 0, 1)
    front = np.interp(
        -y,
        [-12.3, -11.5, -10, -8.5, -7, -5, -3.5, -2, -0.5, 1, 3, 5, 6.8, 8.5, 10, 11.2, 11.9],
        [
            -6.5,
            -4,
            -1.6,
            -0.1,
            0.9,
            1.75 + face.forehead_cm * 0.6,
            2.05 + face.forehead_cm * 0.4,
            2.05,
            1.6,
            1.55,
            1.7,
            1.85,
            1.75,
            1.45,
            1.45,
            0.7,
            -0.8,
        ],
    )
    width, front = smooth(width, 7, 0), smooth(front, 7, 0)
    sine, cosine = np.sin(_AZIMUTH), np.cos(_AZIMUTH)
    power = 2 / 2.25
    back = -7.0
    x = width[:, None] * (np.sign(sine) * np.abs(sine) ** power)[None]
    z = back + (front - back)[:, None] * (np.sign(cosine) * np.abs(cosine) ** power)[None]
    return x, np.repeat(y[:, None], _COLUMNS, 1), z


def _features(subject: Subject, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Displacement (rows, columns) cm along Z of everything that makes a column a face."""
    face = subject.face
    ax, eye_x = np.abs(x), subject.eyes.interocular_cm / 2
    bump = lambda cx, cy, wide, high: np.exp(-(((ax - cx) / wide) ** 2) - ((y - cy) / high) ** 2)  # noqa: E731
    tip = face.nose_length_cm
    ridge = np.interp(
        -_HEIGHTS,
        np.array(
            [
                -2.2,
                -1.2,
                -0.3,
                0.4,
                1.3,
                2.3,
                3.05 + tip,
                3.5 + tip,
                3.95 + tip,
                4.3 + tip,
                4.6 + tip,
                4.95 + tip,
            ]
        ),
        np.array([0, 0.22, 0.5, 0.8, 1.35, 2.0, 2.5, 2.62, 2.35, 1.5, 0.5, 0]),
    )
    bridge = face.nose_bridge_cm * np.exp(-(((_HEIGHTS + 0.6) / 1.4) ** 2))
    ridge = smooth(ridge * face.nose_projection + bridge, 3, 0)
    slope = (
        np.interp(-_HEIGHTS, [-2, 0, 1.6, 2.9, 3.7, 4.6], [1.1, 0.82, 0.95, 1.08, 1.25, 1.25])
        * face.nose_width
    )
    d = ridge[:, None] * np.exp(-(np.abs(ax / slope[:, None]) ** (2.1 + face.nose_round)))
    d += 0.95 * face.nose_width * bump(1.3 * face.nose_width, -3.8 - tip, 0.52, 0.55)
    d -= face.socket_cm * bump(eye_x, 0.15, 1.85, 1.2)
    d -= 0.45 * bump(eye_x - 1.55, 0.35, 0.65, 0.8)
    d += face.brow_ridge_cm * bump(eye_x - 0.2, 1.85, 1.9, 0.6)
    d += (0.45 + face.cheek_cm) * bump(4.3, -2.6, 1.7, 1.4)
    d -= 0.20 * bump(2.75, -5.0, 0.5, 1.2)
    d -= 0.5 * bump(5.6, -6, 1.3, 2.0) * (1 - 0.5 * np.clip(face.jaw_cm, -1, 1))
    half_mouth = 2.1 * face.mouth_width
    d += 0.45 * bump(0, -5.7, 2.7, 1.7)
    d += 0.33 * face.lip * bump(0, -5.85, half_mouth * 0.85, 0.36) + 0.38 * face.lip * bump(
        0, -6.9, half_mouth * 0.7, 0.42
    )
    d -= 0.30 * bump(0, -6.35, half_mouth, 0.16) + 0.28 * bump(0, -7.9, 1.7, 0.5)
    return d + face.chin_cm * bump(0, -9.5, 1.5, 0.95)


def scalp_cover(hair: Hair, chart: np.ndarray, ears_cm: float = -3.6) -> np.ndarray:
    """Where hair grows on the head, 0 to 1, (...) for chart positions (..., 3); `ears_cm`: depth behind
    which it reaches down."""
    if hair.style == 0:
        return np.zeros(chart.shape[:-1])
    x, y, z = np.abs(chart[..., 0]), chart[..., 1], chart[..., 2]
    above = np.clip(
        (y - hair.hairline_cm - 0.25 * np.clip(4 - x, -9, 4) * 0.3 + 0.35 * np.clip(-z, 0, 6)) / 0.6, 0, 1
    )
    behind = np.clip((ears_cm - z) / 0.5, 0, 1) * np.clip((y + 2.5) / 1.0, 0, 1)
    return np.maximum(above, behind)
