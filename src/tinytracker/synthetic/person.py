"""One person, ready to be posed and photographed.

    person = Person.from_seed(7)
    posed = person.pose(position_cm, rotation, (3.0, -8.0), Expression(), rng)
    light = person.render(posed, scene, camera, region, 224, 224, supersampling=2)

Camera frame: X image right, Y up, camera at the origin looking along -Z, people at Z < 0; a point (x, y) of
prediction space is (-x, y, 0) there. Eyes are ordered [left, right], the person's own.
"""

from __future__ import annotations

import numpy as np

from tinytracker.domain import Box
from tinytracker.errors import UsageError
from tinytracker.synthetic import ict as ict_heads
from tinytracker.synthetic import makehuman, people
from tinytracker.synthetic.camera import Camera
from tinytracker.synthetic.colours import rows_of, triple
from tinytracker.synthetic.eyes import SIDE, aim, iris_distance_cm, yaw_pitch
from tinytracker.synthetic.head_kinds import HeadKind, head_kind
from tinytracker.synthetic.ict import IctModel
from tinytracker.synthetic.landmarks import Landmarks
from tinytracker.synthetic.lids import opening
from tinytracker.synthetic.light import Pose, illuminate, open_sky, place
from tinytracker.synthetic.memory import keep_freed
from tinytracker.synthetic.mesh import FACE, HeadMesh, all_corners
from tinytracker.synthetic.posed import PosedHead
from tinytracker.synthetic.raster import deepest, rasterise
from tinytracker.synthetic.scene import Scene
from tinytracker.synthetic.shade import resolve
from tinytracker.synthetic.shading import (
    background,
    eye_look,
    eye_state,
    lamps_of,
    lenses_of,
    look_of,
    margins_of,
    surface_of,
)
from tinytracker.synthetic.subject import Expression, Subject
from tinytracker.synthetic.view import View

FIXATION_DEG = 0.35
"""Standard deviation of fixation about the target, per axis."""

_NECK_CM = np.array([0.0, -13.0, -7.0])  # pivot between head and shoulders
_SHOULDERS_FOLLOW = 0.35  # share of the head's turn


class Person:
    """A subject with a head of one kind; immutable, and what it computes depends on its arguments only."""

    def __init__(self, subject: Subject, mesh: HeadMesh, heads: HeadKind) -> None:
        self.subject = subject
        self.mesh = mesh
        self.heads = heads
        self._canthi_cm = _canthi(mesh, subject)
        self._landmarks = Landmarks(mesh)
        self._surface = surface_of(subject, mesh)
        self._look = eye_look(subject, mesh)
        self._margins = margins_of(subject)
        self._sky = open_sky(mesh.occlusion, subject.skin.occlusion)
        keep_freed()

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
        behind: np.ndarray | None = None,
    ) -> np.ndarray:
        """Photograph a region of the frame: linear light, float32 (height_px, width_px, 3), no noise, no tone
        curve.

        region: part of the frame (frame pixels) that fills the picture. supersampling: samples per pixel and
        axis, averaged in the result. behind: what `shading.background` gives for this region, if it is at
        hand. The picture is a function of the arguments, byte for byte.
        """
        mesh, surface = self.mesh, self._surface
        rows, columns = height_px * supersampling, width_px * supersampling
        scale_x, scale_y = columns / region.width_px, rows / region.height_px
        moved, points = posed.face_cm, np.empty_like(mesh.vertices_cm)
        turn, shift = _shoulders(posed)
        place(
            moved,
            mesh.body,
            Pose(rows_of(posed.rotation), triple(posed.position_cm)),
            Pose(rows_of(turn), triple(shift)),
            (
                float(camera.f_px),
                float(camera.cx_px - region.x_px),
                float(camera.cy_px - region.y_px),
                float(scale_x),
                float(scale_y),
            ),
            points,
        )
        hit = np.empty((rows, columns), np.int32)
        weight_b, weight_c, depth = (np.empty((rows, columns), np.float32) for _ in range(3))
        shown = np.zeros(len(points), bool)
        rasterise(points, mesh.triangles, columns, rows, hit, weight_b, weight_c, depth, shown)

        lamps = lamps_of(scene, posed.rotation)
        origin = -posed.rotation.T @ posed.position_cm
        lit = surface.unlit.copy()
        illuminate(
            moved,
            mesh.normals,
            mesh.horizon,
            self._sky,
            lamps.table,
            lamps.ambient,
            origin,
            posed.rotation.T @ np.array([0.0, 1.0, 0.0]),
            shown,
            lit,
        )
        view = View(
            triple(origin),
            rows_of(posed.rotation.T),
            (region.x_px - camera.cx_px) / camera.f_px,
            -(region.y_px - camera.cy_px) / camera.f_px,
            1 / (scale_x * camera.f_px),
            -1 / (scale_y * camera.f_px),
        )
        out = background(scene, camera, region, width_px, height_px) if behind is None else behind.copy()
        resolve(
            out,
            hit,
            weight_b,
            weight_c,
            lit,
            moved,
            surface,
            look_of(self.subject, self.heads, scene),
            self._look,
            eye_state(self.subject, mesh, self._margins, posed),
            lamps,
            view,
            lenses_of(self.subject),
            supersampling,
        )
        return out


def _canthi(mesh: HeadMesh, subject: Subject) -> np.ndarray:
    """Canthi (2, 2, 3) [eye][inner, outer] on the foremost skin, head frame: where the shader ends the
    opening. What lies behind (a mesh's own lids, a socket) would be another place in heads that nod."""
    lids, out = subject.lids, np.empty((2, 2, 3))
    skin = mesh.triangles[(mesh.kind == FACE) & all_corners(mesh.hair < 0.5, mesh.triangles)]
    for e in range(2):
        x, y, _ = mesh.eye_centres_cm[e]
        out[e, 0, :2] = x - SIDE[e] * lids.nasal_cm, y + lids.inner_height_cm
        out[e, 1, :2] = x + SIDE[e] * lids.temporal_cm, y + lids.outer_height_cm
        for canthus in out[e]:
            before = mesh.vertices_cm - [*(canthus[:2] - 0.5), 0.0]  # one cell of a square centimetre
            canthus[2] = deepest(before.astype(np.float32), skin, 1, 1, -np.inf)[0, 0]
    return out


def _shoulders(posed: PosedHead) -> tuple[np.ndarray, np.ndarray]:
    """Rotation and position of the shoulders: they follow a third of the head's turn and share its neck."""
    forward = posed.rotation @ np.array([0.0, 0.0, 1.0])
    yaw = np.arctan2(forward[0], forward[2]) * _SHOULDERS_FOLLOW
    turn = np.array([[np.cos(yaw), 0.0, np.sin(yaw)], [0.0, 1.0, 0.0], [-np.sin(yaw), 0.0, np.cos(yaw)]])
    neck = posed.rotation @ _NECK_CM + posed.position_cm
    return turn, neck - turn @ _NECK_CM
