"""What the shader is told of a person, a pose and a scene (`shade`)."""

from __future__ import annotations

import cv2
import numpy as np

from tinytracker.domain import Box
from tinytracker.synthetic.camera import Camera
from tinytracker.synthetic.colours import triple
from tinytracker.synthetic.complexion_painter import paint_complexion
from tinytracker.synthetic.eyeball import Eye, EyeLook, EyeState
from tinytracker.synthetic.eyes import SIDE, iris_distance_cm, torsion_free
from tinytracker.synthetic.head_kinds import HeadKind
from tinytracker.synthetic.lids import MarginShapes, margin_heights, margin_shapes
from tinytracker.synthetic.light import illuminate, open_sky
from tinytracker.synthetic.mesh import FACE, HeadMesh
from tinytracker.synthetic.paint import paint
from tinytracker.synthetic.posed import PosedHead
from tinytracker.synthetic.scene import Scene
from tinytracker.synthetic.shade import EYE_REACH_CM, Lamps, Surface, backdrop
from tinytracker.synthetic.spectacles import Lenses
from tinytracker.synthetic.subject import Subject
from tinytracker.synthetic.surfaces import LEFT_EYE, Look, part_of

_USUAL_ORBIT_LIGHT = 0.78


def surface_of(subject: Subject, mesh: HeadMesh) -> Surface:
    """The mesh, which of its triangles lie about which eye, and how it is painted."""
    eye = np.zeros(len(mesh.triangles), np.uint8)
    corners = mesh.vertices_cm[mesh.triangles]
    aside, below, above = EYE_REACH_CM
    for e in range(2):
        centre = mesh.eye_centres_cm[e]
        dx, dy = corners[..., 0] - centre[0], corners[..., 1] - centre[1]
        near = (np.abs(dx) < aside) & (dy > -below) & (dy < above) & (corners[..., 2] > -1.5)
        eye[near.any(1) & (mesh.kind == FACE) & (np.sign(corners[..., 0].mean(1)) == SIDE[e])] = e + 1
    eye_x = float(np.abs(mesh.eye_centres_cm[:, 0]).mean())
    painting = paint_complexion(subject, eye_x) if subject.complexion else paint(subject, eye_x)
    t = mesh.triangles
    unlit = np.pad(mesh.chart_cm[:, :2], ((0, 0), (6, 0))).astype(np.float32)
    covering = np.stack([mesh.chart_cm[:, 2], mesh.hair, mesh.cloth], 1).astype(np.float32)
    part = part_of(mesh.kind, mesh.chart_cm[t], mesh.hair[t], mesh.cloth[t])
    part[eye > 0] = LEFT_EYE + eye[eye > 0] - 1
    return Surface(t.astype(np.uint32), mesh.kind + 16 * part, unlit, covering, painting)


def eye_look(subject: Subject, mesh: HeadMesh) -> EyeLook:
    """The eyes' and lids' looks: a sclera in a deep orbit is given more reflectance, in a flat one
    less, so that eyes are about as dark against the cheek on every head, as they are on photographs."""
    eyes, lids = subject.eyes, subject.lids
    factor = np.clip(_USUAL_ORBIT_LIGHT / _orbit_light(subject, mesh), 0.6, 1.6)
    sclera = np.clip(eyes.sclera_colour * factor, 0.03, 0.8)
    return EyeLook(
        eyes.iris_radius_cm,
        eyes.pupil_radius_cm,
        iris_distance_cm(eyes.iris_radius_cm),
        lids.nasal_cm,
        lids.temporal_cm,
        lids.crease_cm,
        lids.crease_depth,
        lids.fold,
        lids.shadow,
        lids.shadow_reach_cm,
        lids.lash_density,
        lids.lash_line_cm,
        lids.makeup,
        lids.bags,
        eyes.redness,
        eyes.glint,
        eyes.seed,
        triple(eyes.iris_colour),
        triple(sclera),
        triple(subject.skin.colour),
    )


def _orbit_light(subject: Subject, mesh: HeadMesh) -> float:
    """Light on the closed lids as a share of that on the cheeks, under an even sky with light from the
    front and above."""
    light = np.zeros((len(mesh.hair), 6), np.float32)
    directions = np.array([[0.0, 0.45, 0.893], [0.5, 0.3, 0.812], [-0.5, 0.3, 0.812]])
    illuminate(
        mesh.vertices_cm,
        mesh.normals,
        mesh.horizon,
        open_sky(mesh.occlusion, subject.skin.occlusion),
        np.concatenate([directions, np.full((3, 3), 0.25)], 1),
        (0.5, 0.5, 0.5),
        np.array([0.0, 0.0, 35.0]),
        np.array([0.0, 1.0, 0.0]),
        np.ones(len(mesh.hair), bool),
        light,
    )
    front = mesh.vertices_cm[:, 2] > -1.5
    ax, y = np.abs(mesh.vertices_cm[:, 0]) - mesh.eye_centres_cm[0, 0], mesh.vertices_cm[:, 1]
    lids, cheeks = (
        front & (ax**2 / 1.4**2 + (y + 0.1) ** 2 / 0.45**2 < 1),
        front & (ax**2 + (y + 3.2) ** 2 < 0.9**2),
    )
    return float(light[lids, 1].mean() / light[cheeks, 1].mean())


def margins_of(subject: Subject) -> MarginShapes:
    """Both lids' margins, where they are tabulated for the shader."""
    return margin_shapes(subject.lids, np.linspace(0, 1, 97))


def eye_state(subject: Subject, mesh: HeadMesh, shapes: MarginShapes, posed: PosedHead) -> EyeState:
    """Where eyes, lids and lashes are in this frame, head frame. shapes: at the places that are tabulated
    (`margins_of`)."""
    lids = subject.lids
    openings = posed.openings
    margins = np.stack([np.stack(margin_heights(shapes, o), 1) for o in openings])
    axes = posed.optical_axes @ posed.rotation
    eyes = []
    for e in range(2):
        right, up, forward = torsion_free(axes[e]).T
        towards = posed.rotation.T @ -posed.eye_centres_cm[e]
        slope = SIDE[e] * towards[0] / towards[2], towards[1] / towards[2]
        turned = (openings[e].upper_cm - openings[e].rest_upper_cm) / 1.3
        eyes.append(
            Eye(
                centre=triple(mesh.eye_centres_cm[e]),
                right=triple(right),
                up=triple(up),
                forward=triple(forward),
                lash_up=_lash_tip(lids.lash_length_cm, lids.lash_lift_rad + turned, 0.35, *slope),
                lash_down=_lash_tip(0.5 * lids.lash_length_cm, -0.75, -0.10, *slope),
            )
        )
    return EyeState(eyes[0], eyes[1], margins)


def _lash_tip(
    length_cm: float, lift_rad: float, curl: float, across: float, up: float
) -> tuple[float, float]:
    """Where lashes of a length end, seen from the camera: (outwards, up) cm from their roots on the plane of
    the face.

    lift: angle of the root above straight ahead. curl: rise of the tip per length. across, up: slope of the
    camera's direction.
    """
    ahead = length_cm * np.cos(lift_rad)
    rise = length_cm * (np.sin(lift_rad) + curl) - ahead * up
    if abs(rise) < 0.06:
        rise = np.copysign(0.06, rise)
    return float(0.15 * length_cm - ahead * across), float(rise)


def look_of(subject: Subject, heads: HeadKind, scene: Scene) -> Look:
    """Colours of what is not skin."""
    glasses, clothes, wear = subject.glasses, scene.clothes, subject.wardrobe
    return Look(
        hair=triple(subject.hair.colour),
        frame=(0.0, 0.0, 0.0) if glasses is None else triple(glasses.colour),
        cloth=triple(clothes.colour),
        headwear=(0.0, 0.0, 0.0) if wear is None else triple(wear.headwear_colour),
        neck_light=0.85 if heads == "makehuman" else 0.45,
        cloth_waves=triple([clothes.stripe, *clothes.waves_per_cm]),
        seed=subject.seed,
    )


def lamps_of(scene: Scene, rotation: np.ndarray) -> Lamps:
    """The scene's lights in the head's frame."""
    lights = scene.lights
    directions = np.array([l.direction for l in lights], float).reshape(-1, 3) @ rotation
    colours = np.array([l.colour for l in lights], float).reshape(-1, 3)
    sizes = np.cos(np.radians(np.array([l.radius_deg for l in lights], float)))
    glints = np.array([l.glint for l in lights], float)
    table = np.concatenate([directions, colours, sizes[:, None], glints[:, None]], 1)
    return Lamps(table, triple(scene.ambient))


def lenses_of(subject: Subject) -> Lenses:
    """The spectacles; without any, lenses of no size."""
    g = subject.glasses
    if g is None:
        return Lenses(0.0, 1.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0)
    return Lenses(
        g.half_width_cm,
        g.half_height_cm,
        g.rim_cm,
        g.drop_cm,
        g.roundness,
        g.tint,
        g.distance_cm,
        g.reflection,
    )


def background(scene: Scene, camera: Camera, region: Box, width_px: int, height_px: int) -> np.ndarray:
    """The room behind, float32 (height_px, width_px, 3), painted small: it is out of focus anyway."""
    if scene.background.picture is not None:
        return _part_of(scene.background.picture, camera, region, width_px, height_px)
    small = np.empty((max(2, height_px // 4), max(2, width_px // 4), 3), np.float32)
    left, top = region.x_px / camera.width_px, region.y_px / camera.height_px
    b = scene.background
    backdrop(
        small,
        left,
        top,
        left + region.width_px / camera.width_px,
        top + region.height_px / camera.height_px,
        np.asarray(b.colours, float),
        np.asarray(b.slope, float),
        float(b.texture),
        np.asarray(b.shapes, float).reshape(-1, 8),
        int(scene.seed),
    )
    return cv2.resize(small, (width_px, height_px), interpolation=cv2.INTER_LINEAR)


def _part_of(picture: np.ndarray, camera: Camera, region: Box, width_px: int, height_px: int) -> np.ndarray:
    """What a region of the frame shows of a picture (rows, columns, 3) of the whole frame: (height_px,
    width_px, 3)."""
    across, down = picture.shape[1] / camera.width_px, picture.shape[0] / camera.height_px
    step_x, step_y = across * region.width_px / width_px, down * region.height_px / height_px
    place = np.array(
        [
            [step_x, 0, across * region.x_px + 0.5 * step_x - 0.5],
            [0, step_y, down * region.y_px + 0.5 * step_y - 0.5],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(picture, place, (width_px, height_px), flags=flags, borderMode=cv2.BORDER_REPLICATE)
