"""What people wear on a MakeHuman head: hair, clothes, scarves and caps; and, on any head, the arms of
spectacles.

Hair and cloth lie on the skin as shares per vertex (`HeadMesh.hair`, `cloth`), which the shader turns into
strands and weave, and push the skin outwards by their thickness; what hangs free (long hair, a visor) is a
part of its own.
"""

from __future__ import annotations

import numpy as np

from tinytracker.synthetic.figure import Figure
from tinytracker.synthetic.mesh import (
    FACE,
    FRAME,
    HAIR,
    TORSO,
    Part,
    ellipsoid,
    grid_triangles,
    vertex_normals,
)
from tinytracker.synthetic.noise import noise_at
from tinytracker.synthetic.subject import Glasses, Hair, Subject
from tinytracker.synthetic.wardrobe import Wardrobe


def dressed(parts: list[Part], subject: Subject, figure: Figure) -> list[Part]:
    """The parts of a head, skin first, with hair, clothes and the arms of spectacles."""
    wear, hair = subject.wardrobe, subject.hair
    assert wear is not None
    skin = parts[0]
    chart, points, normals = skin.chart, skin.vertices, skin.normals
    assert chart is not None
    is_skin = np.zeros(len(points), bool)
    is_skin[skin.triangles[np.asarray(skin.kind) == FACE]] = True

    cloth = np.maximum(clothes_cover(chart, wear), headwear_cover(chart, wear))
    cloth = np.where(is_skin, cloth, -9.0)
    within = hair_cover(chart, hair, wear.seed)
    lie = np.clip(1 + within / 0.45, 0, 1) * is_skin
    thick = hair.thickness_cm * (0.25 if wear.headwear != "none" else 1.0)
    lumps = 0.5 * noise_at(chart[:, [0, 1]] * 0.9 + chart[:, [2]], wear.seed) + 0.35 * noise_at(
        chart[:, [2, 1]] * 2.1, wear.seed + 1
    )
    raised = np.clip(0.25 * lie + within / 1.6, 0, 1) * lie * thick * (1 + lumps)
    folds = 0.5 * noise_at(chart[:, [0, 1]] * 0.5 + 0.3 * chart[:, [2]], wear.seed + 2)
    inside = np.clip(cloth / 0.5, 0, 1)
    raised = np.maximum(
        raised,
        inside
        * (wear.cloth_cm * (1 + folds) + (0.25 if wear.headwear != "none" else 0.0) * (chart[:, 1] > -9)),
    )
    out = points + normals * raised[:, None]
    skin.vertices, skin.normals = out, vertex_normals(out, skin.triangles)
    keep = np.clip(raised / 0.05, 0, 1)[:, None] < 1  # bare skin keeps its own normals
    skin.normals = np.where(keep, normals, skin.normals)
    dense = np.clip((within - 0.2) / 0.9, 0, 1) * is_skin
    skin.hair = np.where(cloth > 0.15, 0, lie + 0.8 * dense)  # beyond 1 no skin shows through
    skin.cloth = cloth

    head_width = float(np.percentile(np.abs(points[(chart[:, 1] > 2) & (chart[:, 1] < 7)][:, 0]), 98))
    if hair.style == 2 and wear.headwear != "scarf":
        parts = [*parts, *long_hair(hair, head_width, figure, wear)]
    if wear.headwear == "cap":
        parts = [*parts, visor(points, chart, wear)]
    parts = [*parts, *chest_and_arms(out)]
    if subject.glasses is not None:
        parts = [*parts, *temples(subject.glasses, head_width + 0.1)]
    return parts


def clothes_cover(chart: np.ndarray, wear: Wardrobe) -> np.ndarray:
    """Cm (n,) within the clothes; negative outside."""
    x, y, z = chart.T
    line = wear.collar_cm + 0.36 * np.clip(-z - 3.0, -3, 9)
    if wear.collar in ("v", "shirt"):
        line = line - np.clip(3.0 - np.abs(x), 0, 3) * (1.6 if wear.collar == "v" else 0.8) * (z > -5)
    if wear.collar == "tank":
        line = line + np.clip(np.abs(x) - 6.5, 0, 3) * 0.8
    return line - y


def headwear_cover(chart: np.ndarray, wear: Wardrobe) -> np.ndarray:
    """Cm (n,) within cap, beanie or scarf; negative outside."""
    x, y, z = chart.T
    if wear.headwear in ("cap", "beanie"):
        edge = (4.2 if wear.headwear == "cap" else 3.6) + wear.headwear_cm
        return y - edge - 0.30 * np.clip(z + 4, -8, 6) * (0.35 if wear.headwear == "cap" else 0.8) + 0.4
    if wear.headwear == "scarf":
        oval = np.hypot(x / 6.3, (y + 2.6) / (8.1 + 0.6 * wear.headwear_cm))
        front = np.where(z > -5.5, (oval - 1) * 6.5, 3.0)
        return np.where(y < -19.0, -9.0, front)
    return np.full(len(chart), -9.0)


def hair_cover(chart: np.ndarray, hair: Hair, seed: int) -> np.ndarray:
    """Cm (n,) within the hair of the scalp; negative outside, -9 where there is none at all."""
    if hair.style == 0:
        return np.full(len(chart), -9.0)
    x, y, z = np.abs(chart[:, 0]), chart[:, 1], chart[:, 2]
    waver = 0.5 * noise_at(chart[:, [0, 1]] * 1.3, seed + 7)
    recess = 0.9 * np.exp(-(((x - 4.2) / 1.3) ** 2)) * (0.4 if hair.style == 3 else 1.0)
    front = y - hair.hairline_cm - recess + 0.02 * x**2 * (hair.style == 3) + 0.6 * np.clip(-1.5 - z, 0, 8)
    side = np.minimum(-4.7 - z + 0.35 * np.clip(y - 1, 0, 6), y + 2.2)
    behind = np.minimum(-9.6 - z, y + 7.5)
    ear = (x > 6.75) & (y < 2.1) & (z < -5.3) & (z > -10.3)
    return np.where(ear, -9.0, np.maximum(np.maximum(front, side), behind) + waver * 0.5)


def long_hair(hair: Hair, head_width: float, figure: Figure, wear: Wardrobe) -> list[Part]:
    """Hair that hangs past the ears: a closed curtain whose front edges are tapered, and its inside."""
    rng = np.random.default_rng([wear.seed, 5])
    rows, columns = 20, 60
    length = float(rng.uniform(12, 27))
    opening = np.radians(rng.uniform(60, 84))
    around = np.linspace(opening, 2 * np.pi - opening, columns)
    heights = np.linspace(7.6, 7.6 - length, rows)
    down = (7.6 - heights) / length
    radius = head_width + 0.15 + 0.55 * hair.thickness_cm - 0.10 * np.clip(heights - 4.5, 0, 9) ** 1.6
    flare = rng.uniform(-0.6, 1.6) * np.clip((2 - heights) / 14, 0, 1) ** 1.2 - 1.1 * np.clip(
        (-9 - heights) / 6, 0, 1
    )
    edge = np.minimum(around - opening, 2 * np.pi - opening - around)
    lumps = noise_at(
        np.stack(np.meshgrid(around * 4, heights * 0.25), -1).reshape(-1, 2), wear.seed + 9
    ).reshape(rows, columns)
    reach = (radius + flare)[:, None] * (1 + 0.10 * lumps * (0.3 + down[:, None]))
    inwards = 1.1 * np.exp(-edge / 0.16)[None] * (0.3 + 0.7 * down[:, None])
    ends = rng.uniform(0, 1, columns) * 0.16 + 0.22 * np.exp(-edge / 0.25) * rng.uniform(-0.5, 1)  # ragged
    points = np.stack(
        [
            (reach - inwards) * np.sin(around),
            7.6 - length * down[:, None] * (1 - ends)[None],
            -7.6 + (reach + 2.2) * np.cos(around),
        ],
        -1,
    ) * (figure.interocular_cm / 6.3)
    flat = points.reshape(-1, 3)
    grid = grid_triangles(rows, columns)
    both = np.concatenate([grid, grid[:, ::-1]])
    chart = flat.copy()
    return [
        Part(
            flat,
            both,
            HAIR,
            chart=chart,
            normals=vertex_normals(flat, grid[:, ::-1]),
            hair=np.ones(len(flat)),
            body=0.35 * np.clip(np.repeat(down, columns) * 1.4 - 0.3, 0, 1),
        )
    ]


def chest_and_arms(points: np.ndarray) -> list[Part]:
    """What goes on below the mesh, which ends at the shoulders, in clothes; seen where the face is far."""
    low = points[points[:, 1] < -15]
    wide, back = float(np.abs(low[:, 0]).max()), float(np.median(low[:, 2]))
    size = wide / 22
    chest = ellipsoid((0, -44 * size, back), (0.95 * wide, 26 * size, 8.5 * size), 40, 20, TORSO, body=True)
    arms = [
        ellipsoid(
            (side * (wide - 4.6), -38 * size, back - 0.5), (5.0, 19.5 * size, 5.6), 18, 16, TORSO, body=True
        )
        for side in (1, -1)
    ]
    for part in (chest, *arms):
        part.cloth = np.full(len(part.vertices), 2.0)
    return [chest, *arms]


def visor(points: np.ndarray, chart: np.ndarray, wear: Wardrobe) -> Part:
    """A cap's visor: a curved sheet that springs from the forehead."""
    rows, columns = 7, 25
    across = np.linspace(-1, 1, columns)
    rim = points[
        np.argmin(np.abs(chart[:, 1] - 4.4 - wear.headwear_cm) + np.abs(chart[:, 0]) - 0.1 * chart[:, 2])
    ]
    out = np.linspace(0, 1, rows)[:, None]
    x = across[None] * (5.9 + 0.5 * out)
    spring = 6.3 * out * np.sqrt(np.clip(1 - across**2, 0, 1))[None]
    z = rim[2] + 0.1 - 4.4 * (1 - np.sqrt(np.clip(1 - 0.92 * across**2, 0, 1)))[None] + spring
    y = rim[1] + 0.25 - 0.9 * across[None] ** 2 - 0.16 * spring
    flat = np.stack(np.broadcast_arrays(x, y, z), -1).reshape(-1, 3)
    grid = grid_triangles(rows, columns)
    normals = np.tile([0.0, 0.9, 0.4], (len(flat), 1))
    return Part(
        flat,
        np.concatenate([grid, grid[:, ::-1]]),
        TORSO,
        chart=flat + [0, 20, 0],
        normals=normals,
        cloth=np.full(len(flat), 2.0),
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
