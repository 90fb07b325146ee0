"""Heads from ICT-FaceKit (MIT licence, USC Institute for Creative Technologies), a model of real faces that
users bring.

Li et al., "Learning formation of physically-based face attributes", CVPR 2020. The package does not ship it.
Two forms are read: a checkout's FaceXModel folder (generic_neutral_mesh.obj, identity000.obj ...,
eyeBlink_L.obj ...) or one packed ict_facekit.npz with arrays vertices_neutral (26719, 3) cm, quads (26384,
4), identity (100, 26719, 3), expression (57, 26719, 3) and expression_names (57,).

What is taken: face, head and neck, and the mouth's inside. The lids are closed (blend shape eyeBlink) and the
shader opens them, so that lid margins follow the same anatomy as on MakeHuman's heads; eyeballs are
ray-traced at their true size (the model's are larger).
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinytracker.errors import InputError
from tinytracker.files import DAMAGE
from tinytracker.synthetic.dressing import temples
from tinytracker.synthetic.ict_dressing import chest, curtain, scalp_cover
from tinytracker.synthetic.ict_lids import ClosedLid
from tinytracker.synthetic.mesh import FACE, MOUTH, HeadMesh, Part, Unit, join, vertex_normals
from tinytracker.synthetic.subject import Subject

_VERTICES = 26719
_FACE_END, _NECK_END, _MOUTH_END = 9409, 11248, 13294
_EYEBALLS = ((21451, 23021), (23021, 24591))  # left, right
SHAPES = (
    "eyeBlink_L",
    "eyeBlink_R",
    "mouthSmile_L",
    "mouthSmile_R",
    "jawOpen",
    "browInnerUp_L",
    "browInnerUp_R",
    "browOuterUp_L",
    "browOuterUp_R",
)
_CORNEA_CM = 1.25  # corneal apex in front of the eye's centre of rotation


@dataclass(frozen=True)
class IctModel:
    """The parts of ICT-FaceKit that heads are made of.

    neutral_cm: float32 (26719, 3). quads: int32 (Q, 4), -1 last for a triangle. identity: float32 (100,
    26719, 3) offsets.
    expressions: name -> float32 (26719, 3) offsets.
    """

    neutral_cm: np.ndarray
    quads: np.ndarray
    identity: np.ndarray
    expressions: dict[str, np.ndarray]


def load(path: Path | str) -> IctModel:
    """Read ICT-FaceKit from a packed .npz file or a FaceXModel folder (or a checkout that holds one).

    Raises InputError if it is neither, or lacks something.
    """
    path = Path(path)
    if path.is_dir():
        for folder in (path, path / "FaceXModel"):
            if (folder / "generic_neutral_mesh.obj").is_file():
                return _load_folder(folder)
        if (path / "ict_facekit.npz").is_file():
            return _load_packed(path / "ict_facekit.npz")
        raise InputError(
            f"{path}: expected ICT-FaceKit's FaceXModel folder with generic_neutral_mesh.obj, found none; "
            "give the checkout or its FaceXModel folder"
        )
    if not path.exists():
        raise InputError(
            f"{path}: no such file; give ICT-FaceKit's FaceXModel folder or a packed ict_facekit.npz"
        )
    return _load_packed(path)


def _load_packed(path: Path) -> IctModel:
    if not zipfile.is_zipfile(path):  # NumPy would take it for pickled objects, and advise to trust it
        raise InputError(
            f"{path}: expected a packed ICT-FaceKit (.npz), cannot read it (no archive); copy it again"
        )
    try:
        with np.load(path, allow_pickle=False) as packed:
            missing = {"vertices_neutral", "quads", "identity", "expression", "expression_names"} - set(
                packed.files
            )
            if missing:
                raise InputError(
                    f"{path}: expected a packed ICT-FaceKit, but it has no array {sorted(missing)[0]!r}; "
                    f"pack it again"
                )
            names = [str(n) for n in packed["expression_names"]]
            shapes = packed["expression"]
            absent = [n for n in SHAPES if n not in names]
            if absent:
                raise InputError(
                    f"{path}: expected expression {absent[0]!r}, which it lacks; pack it again with all "
                    f"expressions"
                )
            model = IctModel(
                packed["vertices_neutral"].astype(np.float32),
                packed["quads"].astype(np.int32),
                packed["identity"].astype(np.float32),
                {n: shapes[names.index(n)].astype(np.float32) for n in SHAPES},
            )
    except DAMAGE as error:
        raise InputError(
            f"{path}: expected a packed ICT-FaceKit (.npz), cannot read it ({error}); copy it again"
        ) from error
    return _checked(model, path)


def _load_folder(folder: Path) -> IctModel:
    neutral, quads = _read_obj(folder / "generic_neutral_mesh.obj", faces=True)
    identities = sorted(folder.glob("identity*.obj"))
    if not identities:
        raise InputError(
            f"{folder}: expected identity000.obj and its fellows, found none; copy the whole folder"
        )
    identity = np.stack([_read_obj(f)[0] - neutral for f in identities])
    shapes = {}
    for name in SHAPES:
        if not (folder / f"{name}.obj").is_file():
            raise InputError(
                f"{folder}: expected {name}.obj, which is missing; copy the whole FaceXModel folder"
            )
        shapes[name] = _read_obj(folder / f"{name}.obj")[0] - neutral
    return _checked(IctModel(neutral, quads, identity, shapes), folder)


def _read_obj(path: Path, faces: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V, 3) float32 and faces (F, 4) int32 of a Wavefront file (faces only if asked for)."""
    vertices: list[list[float]] = []
    quads: list[list[int]] = []
    try:
        with path.open(encoding="ascii", errors="replace") as lines:
            for line in lines:
                if line.startswith("v "):
                    vertices.append([float(v) for v in line.split()[1:4]])
                elif faces and line.startswith("f "):
                    corners = [int(c.split("/")[0]) - 1 for c in line.split()[1:]]
                    quads.append((corners + [-1])[:4])
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: expected a Wavefront .obj file, cannot read it ({error}); copy it again"
        ) from error
    return np.array(vertices, np.float32).reshape(-1, 3), np.array(quads, np.int32).reshape(-1, 4)


def _checked(model: IctModel, path: Path) -> IctModel:
    shape = model.neutral_cm.shape
    if shape != (_VERTICES, 3):
        raise InputError(
            f"{path}: expected ICT-FaceKit's {_VERTICES} vertices, found an array {shape}; use the light "
            f"model (FaceXModel)"
        )
    for name, array in (("identity", model.identity[0]), *model.expressions.items()):
        if array.shape != shape:
            raise InputError(
                f"{path}: {name} should have the neutral mesh's shape {shape}, has {array.shape}; copy it "
                f"again"
            )
    return model


def build(subject: Subject, model: IctModel) -> HeadMesh:
    """The head of a subject, ICT kind: the mean face plus the subject's identity, lids closed."""
    weights = subject.face.identity[: len(model.identity)].astype(np.float32)
    shape = model.neutral_cm.copy()
    for weight, offsets in zip(
        weights, model.identity, strict=False
    ):  # in this order: a BLAS sum depends on its threads
        shape += weight * offsets
    mean_eyes, eyes = _eye_centres(model.neutral_cm), _eye_centres(shape)
    centres = eyes + [0.0, subject.eyes.rise_cm, 0.5 * subject.eyes.depth_cm]
    origin, mean_origin = centres.mean(0) * [0, 1, 1], mean_eyes.mean(0) * [0, 1, 1]

    used = slice(0, _MOUTH_END)
    closed = (shape + model.expressions["eyeBlink_L"] + model.expressions["eyeBlink_R"])[used] - origin
    centres = centres - origin
    rows = model.quads[(model.quads.max(1) < _MOUTH_END)]
    triangles = np.concatenate([rows[:, :3], rows[rows[:, 3] >= 0][:, [0, 2, 3]]])
    kind = np.where(triangles.max(1) >= _NECK_END, MOUTH, FACE).astype(np.uint8)

    points = closed.astype(float)
    lids = [ClosedLid.over(points, triangles, c, s) for c, s in zip(centres, (1.0, -1.0), strict=True)]
    for lid in lids:
        points[:, 2] = lid.pull(points)
    triangles, kind = (
        a[~np.any([lid.covers(points[triangles].mean(1)) for lid in lids], axis=0)] for a in (triangles, kind)
    )
    chart = _chart(model.neutral_cm[used] - mean_origin, points, centres)
    cover = scalp_cover(subject.hair, chart) * (np.arange(_MOUTH_END) < _NECK_END)
    normals = vertex_normals(points, triangles)
    points = points + normals * (cover * subject.hair.thickness_cm * 0.8)[:, None]

    normals = vertex_normals(points, triangles)
    for lid in lids:
        smooth_share = lid.weight(points)[:, None]
        normals = normals + smooth_share * (lid.normals(points) - normals)
    calm = 1 - np.maximum(
        *(np.exp(-((((points[:, :2] - c[:2]) ** 2).sum(1) / 2.0**2) ** 2)) for c in centres)
    )
    move = lambda *names: sum(model.expressions[n][used] for n in names) * calm[:, None]  # noqa: E731
    everywhere = np.arange(_MOUTH_END)
    head = Part(
        points,
        triangles,
        kind,
        chart=chart,
        normals=normals,
        hair=cover,
        units={
            "smile": Unit(everywhere, move("mouthSmile_L", "mouthSmile_R")),
            "jaw": Unit(everywhere, move("jawOpen") * 0.33),
            "brow": Unit(
                everywhere, move("browInnerUp_L", "browInnerUp_R", "browOuterUp_L", "browOuterUp_R") * 0.8
            ),
        },
    )
    parts = [head, *(lid.patch() for lid in lids), chest()]
    half_width = float(np.abs(points[:_FACE_END, 0]).max())
    if subject.hair.style == 2:
        parts.append(curtain(subject.hair, half_width))
    if subject.glasses is not None:
        parts.extend(temples(subject.glasses, 0.83 * half_width))
    return join(parts, centres)


def _eye_centres(vertices: np.ndarray) -> np.ndarray:
    """Centres of rotation (2, 3) [left, right]: true-size globes whose corneas touch the front of the
    model's eyeballs."""
    centres = []
    for first, end in _EYEBALLS:
        ball = vertices[first:end]
        low, high = ball.min(0), ball.max(0)
        centres.append([*(low + high)[:2] / 2, high[2] - _CORNEA_CM])
    return np.array(centres, float)


def _chart(mean: np.ndarray, points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Positions (V, 3) on the standard face: features of the mean face at standard heights, true cm around
    the eyes."""
    chart = mean.astype(float)
    chart[:, 1] = np.interp(
        mean[:, 1], [-16, -11.2, -6.97, -4.76, 0, 2.4, 14], [-14.5, -10.2, -6.35, -4.38, 0, 2.15, 13]
    )
    chart[:, 0] *= np.interp(mean[:, 1], [-11, -6.97, -4, 0], [0.95, 0.95, 1, 1])
    near = np.maximum(
        *(np.exp(-((((points[:, :2] - c[:2]) ** 2).sum(1) / 2.6**2) ** 2)) for c in centres)
    ) * (points[:, 2] > -2.5)
    return chart + near[:, None] * (points - chart)
