"""Posing and rendering people: labels fit the geometry, pictures fit the labels, and the same seed gives
the same bytes."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from tests.synthetic.assets import ict_model
from tinytracker.domain import LANDMARKS, Box
from tinytracker.errors import UsageError
from tinytracker.synthetic import people
from tinytracker.synthetic.camera import Camera
from tinytracker.synthetic.head_kinds import HEAD_KINDS, HeadKind
from tinytracker.synthetic.mesh import FACE
from tinytracker.synthetic.person import Person
from tinytracker.synthetic.pose import rotation
from tinytracker.synthetic.posed import PosedHead
from tinytracker.synthetic.scene import Scene
from tinytracker.synthetic.subject import Expression, Subject

CAMERA = Camera(590, 240, 320, 480, 640)
PLACE = np.array([0.5, 2.0, -34.0])
EYES = ("left", "right")


def _person(seed: int, heads: HeadKind, **changes: object) -> Person:
    """A person without spectacles and with other changes to their eyes."""
    ict = ict_model() if heads == "ict" else None
    person = Person.from_seed(seed, heads, ict)
    subject = replace(person.subject, glasses=None, eyes=replace(person.subject.eyes, **changes))
    return Person(subject, person.mesh, heads)


def _pose(
    person: Person,
    target: tuple[float, float] = (0.0, 0.0),
    turn: np.ndarray | None = None,
    **expression: float,
) -> PosedHead:
    return person.pose(
        PLACE, np.eye(3) if turn is None else turn, target, Expression(**expression), np.random.default_rng(0)
    )


def _eye_box(posed: PosedHead, eye: int) -> Box:
    inner, outer = CAMERA.project(posed.canthi_cm)[eye]
    width = 1.3 * float(np.linalg.norm(outer - inner))
    x, y = (inner + outer) / 2
    return Box(x - width / 2, y - width / 2, width, width)


def _colour(picture: np.ndarray, x: int, y: int) -> np.ndarray:
    """The mean colour (3,) about a pixel."""
    return picture[y - 1 : y + 2, x - 1 : x + 2].mean(axis=(0, 1))


def test_visual_axes_pass_through_the_target() -> None:
    person = Person.from_seed(5)
    for target in ((0.0, 0.0), (7.0, -12.0), (-20.0, 9.0)):
        posed = _pose(person, target, rotation(0.2, -0.1, 0.05))
        t = -posed.eye_centres_cm[:, 2:] / posed.visual_axes[:, 2:]
        hits = posed.eye_centres_cm + t * posed.visual_axes
        assert np.abs(hits - [-target[0], target[1], 0]).max() < 1e-9
        assert posed.eye_centres_cm[0, 0] > posed.eye_centres_cm[1, 0]
        assert posed.canthi_cm[0, 1, 0] > posed.canthi_cm[0, 0, 0]


@pytest.mark.parametrize("heads", HEAD_KINDS)
def test_canthi_lie_on_the_skin_that_is_seen(heads: HeadKind) -> None:
    """Behind it they would slide over the picture as soon as a head nods."""
    for seed in range(8):
        person = _person(seed, heads)
        mesh, canthi = person.mesh, (_pose(person).canthi_cm - PLACE).reshape(4, 3)
        a, b, c = mesh.vertices_cm[mesh.triangles[mesh.kind == FACE]].swapaxes(0, 1).astype(float)
        for canthus in canthi:
            sides = np.stack([b - a, c - a, np.broadcast_to([0.0, 0.0, -1.0], a.shape)], 2)
            solid = np.abs(np.linalg.det(sides)) > 1e-9
            u, v, ahead = np.linalg.solve(sides[solid], (canthus - a[solid])[..., None])[..., 0].T
            hit = (u > -1e-6) & (v > -1e-6) & (u + v < 1 + 1e-6)
            assert ahead[hit].max() == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("heads", HEAD_KINDS)
def test_landmarks_lie_where_their_names_say(heads: HeadKind) -> None:
    for seed in range(12):
        person = _person(seed, heads)
        at = dict(zip(LANDMARKS, _pose(person).landmarks_cm - PLACE, strict=True))
        downwards = ("metopion", "sellion", "pronasale", "labiale_superius", "labiale_inferius", "gnathion")
        middle = np.array([at[name] for name in downwards])
        assert (np.diff(middle[:, 1]) < 0).all()
        assert np.abs(middle[:, 0]).max() < 0.6
        assert max(at, key=lambda name: at[name][2]) == "pronasale"
        for name in ("inner_brow", "brow", "outer_brow", "temple", "cheek", "alare", "cheilion", "gonion"):
            left, right = at[f"left_{name}"], at[f"right_{name}"]
            assert left[0] > 0.5
            assert np.abs(left * [-1, 1, 1] - right).max() < 1.0
        assert at["left_inner_brow"][0] < at["left_brow"][0] < at["left_outer_brow"][0] < at["left_temple"][0]


@pytest.mark.parametrize("heads", HEAD_KINDS)
def test_landmarks_move_with_the_expression(heads: HeadKind) -> None:
    def moved(**expression: float) -> dict[str, np.ndarray]:
        shift = _pose(person, **expression).landmarks_cm - _pose(person).landmarks_cm
        return dict(zip(LANDMARKS, shift, strict=True))

    for seed in range(4):
        person = _person(seed, heads)
        opened, raised, smiling = moved(mouth_open_cm=1.0), moved(brow_raise_cm=0.5), moved(smile=1.0)
        assert opened["labiale_inferius"][1] < -0.4
        assert abs(opened["labiale_superius"][1]) < 0.15
        assert raised["left_brow"][1] > 0.3
        assert smiling["left_cheilion"][0] > 0.1 > -0.1 > smiling["right_cheilion"][0]
        for still in (opened["sellion"], raised["gnathion"], smiling["metopion"]):
            assert np.abs(still).max() < 0.05


@pytest.mark.parametrize("heads", HEAD_KINDS)
def test_lips_are_redder_at_their_landmarks_than_the_cheeks(heads: HeadKind) -> None:
    """In a head turned and seen from aside: the pixels are where the truth says."""
    redder = []
    for seed in range(10):
        person = _person(seed, heads)
        posed = _pose(person, turn=rotation(0.25, -0.1, 0.1))
        scene = Scene.draw(np.random.default_rng(seed))
        picture = person.render(posed, scene, CAMERA, Box(0, 0, 480, 640), 480, 640)
        places = dict(zip(LANDMARKS, CAMERA.project(posed.landmarks_cm).round().astype(int), strict=True))
        lip, cheek = (_colour(picture, *places[name]) for name in ("labiale_inferius", "left_cheek"))
        redder.append(lip[0] / lip[1] > cheek[0] / cheek[1])
    assert np.mean(redder) >= 0.8  # paint, light and beards differ


@pytest.mark.parametrize("heads", HEAD_KINDS)
def test_canthi_lie_before_the_eyes_centres(heads: HeadKind) -> None:
    """About half a centimetre in front of the centre of rotation, the inner one farther than the outer
    one."""
    depths = []
    for seed in range(10):
        person = _person(seed, heads)
        posed = person.pose(
            np.array([0, 0, -40.0]), np.eye(3), (0, 0), Expression(), np.random.default_rng(0)
        )
        depths.append(posed.canthi_cm[..., 2] - posed.eye_centres_cm[:, None, 2])
    depths = np.array(depths)
    assert 0.3 < depths.mean() < 0.75
    assert depths[:, :, 1].mean() > 0.0
    assert depths[:, :, 0].mean() > depths[:, :, 1].mean()


@pytest.mark.parametrize("heads", HEAD_KINDS)
def test_the_dark_iris_is_where_the_label_says(heads: HeadKind) -> None:
    """A black iris on a white sclera: its centroid in the picture is the projected iris centre, for all
    directions."""
    person = _person(4, heads, iris_colour=np.full(3, 0.0), sclera_colour=np.full(3, 0.8), glint=0.0)
    scene = Scene.draw(np.random.default_rng(1))
    for target in ((0.0, 2.0), (7.0, 0.0), (-7.0, 0.0), (0.0, -6.0)):
        posed = _pose(person, target, droop_cm=-0.1)
        expected = CAMERA.project(posed.iris_centres_cm)
        for eye in range(2):
            box = _eye_box(posed, eye)
            light = person.render(posed, scene, CAMERA, box, 96, 96, supersampling=2)[..., 1]
            x, y = (
                (np.arange(96) + 0.5) / 96 * box.width_px + box.x_px,
                (np.arange(96) + 0.5) / 96 * box.height_px + box.y_px,
            )
            near = (
                np.hypot(x[None] - expected[eye, 0], (y[:, None] - expected[eye, 1]))
                < 0.8 * box.width_px / 3.9
            ) & (light < 0.012)
            assert near.sum() > 60, (target, EYES[eye])
            found = np.array(
                [
                    np.broadcast_to(x, near.shape)[near].mean(),
                    np.broadcast_to(y[:, None], near.shape)[near].mean(),
                ]
            )
            assert abs(found[0] - expected[eye, 0]) < 0.10 * box.width_px / 3.9, (
                target,
                EYES[eye],
            )  # a millimetre


@pytest.mark.parametrize("heads", HEAD_KINDS)
def test_openness_is_what_the_picture_shows(heads: HeadKind) -> None:
    """Opening wider shows more eye; shut lids show none of a luminous sclera."""
    person = _person(4, heads, sclera_colour=np.full(3, 0.8))
    scene = Scene.draw(np.random.default_rng(1))
    shown = []
    for expression in ({"blink": 1.0}, {"blink": 0.5}, {}, {"droop_cm": -0.12}):
        posed = _pose(person, (0.0, -4.0), **expression)
        box = _eye_box(_pose(person, (0.0, -4.0)), 0)
        plain = person.render(posed, scene, CAMERA, box, 64, 64)
        glowing = _person(4, heads, sclera_colour=np.full(3, 0.0)).render(posed, scene, CAMERA, box, 64, 64)
        shown.append((float(posed.openness[0]), int((np.abs(plain - glowing).max(2) > 0.01).sum())))
    assert shown[0][1] == 0
    assert sorted(shown) == shown
    assert len({count for _, count in shown}) == 4


@pytest.mark.parametrize("heads", HEAD_KINDS)
def test_same_arguments_same_bytes(heads: HeadKind) -> None:
    scene = Scene.draw(np.random.default_rng(3))
    pictures = []
    for _ in range(2):
        person = _person(9, heads)
        posed = _pose(person, (3.0, -5.0), rotation(0.1, 0.1, 0), smile=0.5, mouth_open_cm=0.3)
        pictures.append(person.render(posed, scene, CAMERA, Box(90, 120, 300, 300), 60, 60, supersampling=2))
    assert pictures[0].dtype == np.float32
    assert pictures[0].shape == (60, 60, 3)
    assert np.isfinite(pictures[0]).all()
    assert pictures[0].min() >= 0
    assert pictures[0].tobytes() == pictures[1].tobytes()


def test_another_process_gives_the_same_person() -> None:
    code = "from tinytracker.synthetic.subject import Subject; import numpy as np; print(Subject.draw(np.random.default_rng(11)))"  # noqa: E501
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert out == str(Subject.draw(np.random.default_rng(11)))


def test_a_seed_stays_the_person_it_was() -> None:
    """Whole numbers that are drawn late: none before them may be left out, added or drawn otherwise."""
    assert Subject.draw(np.random.default_rng(11)).seed == 40588
    drawn = [people.draw(seed)[0] for seed in range(10)]
    assert [subject.hair.style for subject in drawn] == [2, 2, 2, 1, 2, 2, 2, 2, 1, 1]
    assert [subject.complexion.moles for subject in drawn] == [3, 0, 0, 2, 3, 2, 3, 0, 1, 4]


def test_people_differ() -> None:
    subjects = [Subject.draw(np.random.default_rng(s)) for s in range(40)]
    assert len({s.skin.tone for s in subjects}) == 40
    assert {s.glasses is None for s in subjects} == {True, False}
    assert len({s.hair.style for s in subjects}) == 4
    assert np.ptp([s.lids.nasal_cm + s.lids.temporal_cm for s in subjects]) > 0.3


def test_regions_and_supersampling_agree() -> None:
    """A region of the frame is what the whole frame shows there; more samples change outlines only."""
    person, scene = _person(2, "makehuman"), Scene.draw(np.random.default_rng(4))
    posed = _pose(person, (2.0, -5.0))
    whole = person.render(posed, scene, CAMERA, Box(0, 0, 480, 640), 480, 640)
    part = person.render(posed, scene, CAMERA, Box(200, 200, 80, 60), 80, 60)
    fine = person.render(posed, scene, CAMERA, Box(200, 200, 80, 60), 80, 60, supersampling=3)
    assert np.abs(whole[200:260, 200:280] - part).max() < 1e-3
    assert np.median(np.abs(fine - part)) < 0.01


def test_the_background_fills_what_the_person_leaves() -> None:
    person, scene = Person.from_seed(2), Scene.draw(np.random.default_rng(4))
    red = replace(
        scene,
        background=replace(
            scene.background, colours=np.array([[5.0, 0, 0]] * 2), texture=0.0, shapes=np.zeros((0, 8))
        ),
    )
    posed = _pose(person)
    picture = person.render(posed, red, CAMERA, Box(0, 0, 480, 640), 120, 160)
    assert picture[:5, :10] == pytest.approx(np.broadcast_to([5.0, 0, 0], (5, 10, 3)), abs=1e-3)
    assert picture[80, 60, 0] < 4


def test_unknown_heads_are_refused() -> None:
    with pytest.raises(UsageError, match="makehuman or ict, not 'marble'"):
        Person.from_seed(1, "marble")  # type: ignore[arg-type]
    for gone in ("procedural", "both"):
        with pytest.raises(UsageError, match=f"--heads {gone} is gone.*use makehuman"):
            Person.from_seed(1, gone)  # type: ignore[arg-type]
