"""One person, ready to be posed and photographed.

    person = Person.from_seed(7)
    posed = person.pose(position_cm, rotation, (3.0, -8.0), Expression(), rng)
    light = person.render(posed, scene, camera, region, 224, 224, supersampling=2)

Camera frame: X image right, Y up, camera at the origin looking along -Z, people at Z < 0; a point (x, y) of
prediction space is (-x, y, 0) there. Eyes are ordered [left, right], the person's own.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tinytracker.domain import Box
from tinytracker.errors import UsageError
from tinytracker.synthetic import ict as ict_heads
from tinytracker.synthetic import makehuman, people
from tinytracker.synthetic.camera import Camera
from tinytracker.synthetic.complexion_painter import paint_complexion
from tinytracker.synthetic.eyeball import EyeLook, EyeState
from tinytracker.synthetic.eyes import SIDE, aim, iris_distance_cm, torsion_free, yaw_pitch
from tinytracker.synthetic.head_kinds import HeadKind, head_kind
from tinytracker.synthetic.ict import IctModel
from tinytracker.synthetic.landmarks import Landmarks
from tinytracker.synthetic.lids import Opening, margin_heights, opening
from tinytracker.synthetic.light import illuminate, place
from tinytracker.synthetic.mesh import FACE, HeadMesh
from tinytracker.synthetic.paint import paint
from tinytracker.synthetic.raster import deepest, rasterise
from tinytracker.synthetic.scene import Scene
from tinytracker.synthetic.shade import EYE_REACH_CM, Lamps, Lenses, Look, Surface, View, backdrop, resolve
from tinytracker.synthetic.subject import Expression, Subject

FIXATION_DEG = 0.35
"""Standard deviation of fixation about the target, per axis."""

_NECK_CM = np.array([0.0, -13.0, -7.0])  # pivot between head and shoulders
_USUAL_ORBIT_LIGHT = 0.78
_ALONG = np.linspace(0, 1, 97)  # where margins are tabulated for the shader
_SHOULDERS_FOLLOW = 0.35  # share of the head's turn


@dataclass(frozen=True)
class PosedHead:
    """A person in one frame: where everything is. Lengths cm, camera frame; eyes [left, right].

    position_cm: (3,) midpoint of the eyes' centres at rest. rotation: (3, 3) head to camera frame.
    eye_centres_cm: (2, 3) centres of rotation. visual_axes: (2, 3) unit vectors exactly through the target,
    before fixation jitter. optical_axes: (2, 3) unit vectors as drawn: with jitter and kappa.
    iris_centres_cm: (2, 3). canthi_cm: (2, 2, 3) [eye][inner, outer]. landmarks_cm: (23, 3) in the order of
    `domain.LANDMARKS`. openness: (2,) height over width of the opening. fixation_deg: (2,) [yaw, pitch] by
    which the eyes miss the target, head frame. blink: 0 open ..
    1 shut. expression: as given. openings: one per eye. target_cm: (3,) what is looked at.
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
    expression: Expression
    openings: tuple[Opening, Opening]
    face_cm: np.ndarray


class Person:
    """A subject with a head of one kind; immutable, and what it computes depends on its arguments only."""

    def __init__(self, subject: Subject, mesh: HeadMesh, heads: HeadKind) -> None:
        self.subject = subject
        self.mesh = mesh
        self.heads = heads
        self._canthi_cm = _canthi(mesh, subject)
        self._landmarks = Landmarks(mesh)
        self._surface = _surface(mesh, subject)
        self._look = _eye_look(subject, _orbit_light(mesh, subject))
        self._vertex_columns = np.concatenate(
            [np.zeros((len(mesh.hair), 6)), mesh.chart_cm, mesh.hair[:, None], mesh.cloth[:, None]], 1
        ).astype(np.float32)

    @classmethod
    def from_seed(cls, seed: int, heads: HeadKind = "makehuman", ict: IctModel | None = None) -> Person:
        """The person a seed stands for. ICT heads need the asset:
        `ict=tinytracker.synthetic.ict.load(path)`. Raises UsageError without it, or for other heads."""
        if head_kind(heads) == "makehuman":
            subject, figure = people.draw(seed)
            mesh, _ = makehuman.build(subject, figure, makehuman.load())
            return cls(subject, mesh, heads)
        if ict is None:
            raise UsageError(
                "ICT heads need ICT-FaceKit; give its FaceXModel folder or packed ict_facekit.npz "
                "(--ict-path)"
            )
        subject = Subject.draw(np.random.default_rng(seed))
        return cls(subject, ict_heads.build(subject, ict), heads)

    def pose(
        self,
        head_position_cm: np.ndarray,
        head_rotation: np.ndarray,
        target_cm: tuple[float, float],
        expression: Expression,
        rng: np.random.Generator,
    ) -> PosedHead:
        """Put the head somewhere and aim both eyes at a point.

        head_position_cm: (3,) of the midpoint between the eyes, camera frame. head_rotation: (3, 3), head to
        camera frame.
        target_cm: (x, y) in prediction space. rng: draws the fixation jitter (two numbers).
        """
        position, rotation = np.asarray(head_position_cm, float), np.asarray(head_rotation, float)
        target = np.array([-target_cm[0], target_cm[1], 0.0])
        fixation = np.radians(rng.normal(0, FIXATION_DEG, 2))
        centres = self.mesh.eye_centres_cm
        aimed = aim(centres, rotation.T @ (target - position), self.subject.eyes.kappa_rad, fixation)
        _, pitch = yaw_pitch(aimed.optical_axes)
        openings = tuple(opening(self.subject.lids, expression, float(pitch[e]), e) for e in range(2))
        irises = centres + iris_distance_cm(self.subject.eyes.iris_radius_cm) * aimed.optical_axes
        out = lambda points: points @ rotation.T + position  # noqa: E731
        face = self.mesh.expressed(expression.strengths)
        return PosedHead(
            position_cm=position,
            rotation=rotation,
            target_cm=target,
            eye_centres_cm=out(centres),
            visual_axes=aimed.visual_axes @ rotation.T,
            optical_axes=aimed.optical_axes @ rotation.T,
            iris_centres_cm=out(irises),
            canthi_cm=out(self._canthi_cm),
            landmarks_cm=out(self._landmarks.positions_cm(face)),
            openness=np.array([o.openness for o in openings]),
            fixation_deg=np.degrees(fixation),
            blink=expression.blink,
            expression=expression,
            openings=(openings[0], openings[1]),
            face_cm=face,
        )

    def render(
        self,
        posed: PosedHead,
        scene: Scene,
        camera: Camera,
        region: Box,
        width_px: int,
        height_px: int,
        supersampling: int = 1,
    ) -> np.ndarray:
        """Photograph a region of the frame: linear light, float32 (height_px, width_px, 3), no noise, no tone
        curve.

        region: part of the frame (frame pixels) that fills the picture. supersampling: samples per pixel and
        axis, averaged in the result. The picture is a function of the arguments, byte for byte.
        """
        mesh, surface = self.mesh, self._surface
        rows, columns = height_px * supersampling, width_px * supersampling
        scale_x, scale_y = columns / region.width_px, rows / region.height_px
        moved, points = posed.face_cm, np.empty_like(mesh.vertices_cm)
        turn, shift = _shoulders(posed)
        place(
            moved,
            mesh.body,
            posed.rotation,
            posed.position_cm,
            turn,
            shift,
            np.array([camera.f_px, camera.cx_px - region.x_px, camera.cy_px - region.y_px, scale_x, scale_y]),
            points,
        )
        hit = np.empty((rows, columns), np.int32)
        weight_b, weight_c, depth = (np.empty((rows, columns), np.float32) for _ in range(3))
        rasterise(points, mesh.triangles, columns, rows, hit, weight_b, weight_c, depth)

        lamps = _lamps(scene, posed.rotation)
        origin = -posed.rotation.T @ posed.position_cm
        light = self._vertex_columns.copy()
        illuminate(
            moved,
            mesh.normals,
            mesh.horizon,
            mesh.occlusion,
            self.subject.skin.occlusion,
            lamps.directions,
            lamps.colours,
            lamps.ambient,
            origin,
            posed.rotation.T @ np.array([0.0, 1.0, 0.0]),
            light,
        )
        view = View(
            origin,
            np.ascontiguousarray(posed.rotation.T),
            (region.x_px - camera.cx_px) / camera.f_px,
            -(region.y_px - camera.cy_px) / camera.f_px,
            1 / (scale_x * camera.f_px),
            -1 / (scale_y * camera.f_px),
        )
        out = np.empty((height_px, width_px, 3), np.float32)
        resolve(
            out,
            self._background(scene, camera, region, width_px, height_px),
            hit,
            weight_b,
            weight_c,
            light,
            moved,
            surface,
            self._colours(scene),
            self._look,
            _eye_state(self.subject, mesh, posed),
            lamps,
            view,
            _lenses(self.subject),
            supersampling,
        )
        return out

    def _background(
        self, scene: Scene, camera: Camera, region: Box, width_px: int, height_px: int
    ) -> np.ndarray:
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

    def _colours(self, scene: Scene) -> Look:
        glasses, clothes, wear = self.subject.glasses, scene.clothes, self.subject.wardrobe
        return Look(
            hair=np.asarray(self.subject.hair.colour, float),
            frame=np.zeros(3) if glasses is None else glasses.colour,
            cloth=np.asarray(clothes.colour, float),
            headwear=np.zeros(3) if wear is None else wear.headwear_colour,
            neck_light=0.85 if self.heads == "makehuman" else 0.45,
            cloth_waves=np.array([clothes.stripe, *clothes.waves_per_cm], float),
            seed=self.subject.seed,
        )


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


def _canthi(mesh: HeadMesh, subject: Subject) -> np.ndarray:
    """Canthi (2, 2, 3) [eye][inner, outer] on the foremost skin, head frame: where the shader ends the
    opening. What lies behind (a mesh's own lids, a socket) would be another place in heads that nod."""
    lids, out = subject.lids, np.empty((2, 2, 3))
    skin = mesh.triangles[(mesh.kind == FACE) & (mesh.hair[mesh.triangles] < 0.5).all(1)]
    for e in range(2):
        x, y, _ = mesh.eye_centres_cm[e]
        out[e, 0, :2] = x - SIDE[e] * lids.nasal_cm, y + lids.inner_height_cm
        out[e, 1, :2] = x + SIDE[e] * lids.temporal_cm, y + lids.outer_height_cm
        for canthus in out[e]:
            before = mesh.vertices_cm - [*(canthus[:2] - 0.5), 0.0]  # one cell of a square centimetre
            canthus[2] = deepest(before.astype(np.float32), skin, 1, 1, -np.inf)[0, 0]
    return out


def _surface(mesh: HeadMesh, subject: Subject) -> Surface:
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
    return Surface(mesh.triangles, mesh.kind, eye, painting)


def _orbit_light(mesh: HeadMesh, subject: Subject) -> float:
    """Light on the closed lids as a share of that on the cheeks, under an even sky with light from the
    front and above."""
    light = np.zeros((len(mesh.hair), 6), np.float32)
    lamps = np.array([[0.0, 0.45, 0.893], [0.5, 0.3, 0.812], [-0.5, 0.3, 0.812]])
    illuminate(
        mesh.vertices_cm,
        mesh.normals,
        mesh.horizon,
        mesh.occlusion,
        subject.skin.occlusion,
        lamps,
        np.full((3, 3), 0.25),
        np.full(3, 0.5),
        np.array([0.0, 0.0, 35.0]),
        np.array([0.0, 1.0, 0.0]),
        light,
    )
    front = mesh.vertices_cm[:, 2] > -1.5
    ax, y = np.abs(mesh.vertices_cm[:, 0]) - mesh.eye_centres_cm[0, 0], mesh.vertices_cm[:, 1]
    lids, cheeks = (
        front & (ax**2 / 1.4**2 + (y + 0.1) ** 2 / 0.45**2 < 1),
        front & (ax**2 + (y + 3.2) ** 2 < 0.9**2),
    )
    return float(light[lids, 1].mean() / light[cheeks, 1].mean())


def _eye_look(subject: Subject, orbit_light: float) -> EyeLook:
    """`orbit_light`: see `_orbit_light`; a sclera in a deep orbit is given more reflectance, in a flat one
    less, so that eyes are about as dark against the cheek on every head, as they are on photographs."""
    eyes, lids = subject.eyes, subject.lids
    sclera = np.clip(eyes.sclera_colour * np.clip(_USUAL_ORBIT_LIGHT / orbit_light, 0.6, 1.6), 0.03, 0.8)
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
        eyes.iris_colour,
        sclera,
        subject.skin.colour,
    )


def _eye_state(subject: Subject, mesh: HeadMesh, posed: PosedHead) -> EyeState:
    lids = subject.lids
    openings = posed.openings
    margins = np.stack([np.stack(margin_heights(lids, o, _ALONG), 1) for o in openings])
    axes = posed.optical_axes @ posed.rotation
    frames = np.stack([torsion_free(a) for a in axes])
    lash_up, lash_down = np.empty((2, 2)), np.empty((2, 2))
    for e in range(2):
        towards = posed.rotation.T @ -posed.eye_centres_cm[e]
        across, up = SIDE[e] * towards[0] / towards[2], towards[1] / towards[2]
        turned = (openings[e].upper_cm - openings[e].rest_upper_cm) / 1.3
        lash_up[e] = _lash_tip(lids.lash_length_cm, lids.lash_lift_rad + turned, 0.35, across, up)
        lash_down[e] = _lash_tip(0.5 * lids.lash_length_cm, -0.75, -0.10, across, up)
    return EyeState(mesh.eye_centres_cm, frames, margins, lash_up, lash_down)


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


def _lamps(scene: Scene, rotation: np.ndarray) -> Lamps:
    lights = scene.lights
    return Lamps(
        directions=np.ascontiguousarray(
            np.array([l.direction for l in lights], float).reshape(-1, 3) @ rotation
        ),
        colours=np.array([l.colour for l in lights], float).reshape(-1, 3),
        sizes=np.cos(np.radians(np.array([l.radius_deg for l in lights], float))),
        glints=np.array([l.glint for l in lights], float),
        ambient=np.asarray(scene.ambient, float),
    )


def _lenses(subject: Subject) -> Lenses:
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


def _shoulders(posed: PosedHead) -> tuple[np.ndarray, np.ndarray]:
    """Rotation and position of the shoulders: they follow a third of the head's turn and share its neck."""
    forward = posed.rotation @ np.array([0.0, 0.0, 1.0])
    yaw = np.arctan2(forward[0], forward[2]) * _SHOULDERS_FOLLOW
    turn = np.array([[np.cos(yaw), 0.0, np.sin(yaw)], [0.0, 1.0, 0.0], [-np.sin(yaw), 0.0, np.cos(yaw)]])
    neck = posed.rotation @ _NECK_CM + posed.position_cm
    return turn, neck - turn @ _NECK_CM
