"""What surfaces look like: cloth covers what is under it without a seam."""

from __future__ import annotations

import numpy as np
import pytest

from tinytracker.synthetic.colours import scaled
from tinytracker.synthetic.surfaces import (
    BARE,
    CHEST,
    CLOTH_GLOSS,
    CLOTHED,
    FACE,
    HAIR,
    MIXED,
    TORSO,
    Look,
    cloth_colour,
    cloth_fold,
    edge_light,
    is_covered,
    part_of,
    surface_colour,
    torso_colour,
    torso_fold,
)

_LOOK = Look((0.05, 0.03, 0.02), (0.0, 0.0, 0.0), (0.3, 0.1, 0.5), (0.2, 0.6, 0.1), 0.8, (0.7, 1.5, 2.0), 7)
_HEM_CM = 0.03


@pytest.mark.parametrize("kind", [FACE, TORSO])
@pytest.mark.parametrize("y", [-14.0, 6.0])
def test_where_cloth_begins_to_cover_it_looks_as_before(kind: int, y: float) -> None:
    """Whether what is under it was drawn first or not."""
    assert is_covered(kind, _HEM_CM)
    assert not is_covered(kind, _HEM_CM - 1e-9)
    for skin in ((0.5, 0.4, 0.3), (0.0, 0.0, 0.0)):
        drawn, gloss = surface_colour(kind, 1.2, y, -3.0, 0.4, _HEM_CM, skin, 0.3, _LOOK)
        cloth = cloth_colour(1.2, y, cloth_fold(1.2, y, -3.0, _LOOK.seed), _LOOK)
        assert np.allclose(drawn, scaled(cloth, edge_light(_HEM_CM)), rtol=1e-14)
        assert gloss == pytest.approx(CLOTH_GLOSS)


def test_deep_in_cloth_there_is_no_shadow_of_its_edge() -> None:
    """Just before the shadow is left out it is too faint for a float already."""
    assert edge_light(0.8) == 1


def test_hair_is_not_covered() -> None:
    assert not is_covered(HAIR, 2.0)


def test_a_part_looks_as_what_it_is_part_of() -> None:
    """Wherever in its triangles one looks: skin as painted, nothing but the torso, nothing but cloth."""
    rng = np.random.default_rng(0)
    count = 1200
    chart = rng.uniform([-8, -13, -9], [8, 10, 3], (count, 3, 3))
    chart[:, :, 1] = chart[:, :1, 1] + rng.normal(0, 0.4, (count, 3))
    hair, cloth = rng.uniform(-0.02, 0.03, (count, 3)), rng.uniform(-1.5, -0.1, (count, 3))
    cloth[::2] = rng.uniform(0.3, 3, (count // 2, 1))
    kind = rng.choice([FACE, TORSO, HAIR], count)
    part = part_of(kind, chart, hair, cloth)
    assert set(part) == {BARE, CLOTHED, CHEST, MIXED}
    assert set(part[kind == HAIR]) == {MIXED}
    skin, gloss = (0.5, 0.4, 0.3), 0.3
    for t in np.flatnonzero(part != MIXED):
        for weights in [*np.eye(3), *rng.dirichlet(np.ones(3), 5)]:
            (x, y, z), within = weights @ chart[t], weights @ cloth[t]
            if part[t] == CLOTHED:
                assert is_covered(kind[t], within)
                assert edge_light(within) == 1
                continue
            seen = surface_colour(kind[t], x, y, z, weights @ hair[t], within, skin, gloss, _LOOK)
            chest = torso_colour(x, y, torso_fold(x, y, _LOOK.seed), _LOOK), CLOTH_GLOSS
            assert seen == ((skin, gloss) if part[t] == BARE else chest)


def test_stripes_are_where_a_wave_is_high() -> None:
    places = np.random.default_rng(1).uniform(-30, -10, (300, 2))
    contrast, across, up = _LOOK.cloth_waves
    for x, y in places:
        expected = contrast if np.sin(x * across + y * up) > 0.3 else 1.0
        assert cloth_colour(x, y, 1.0, _LOOK) == pytest.approx(scaled(_LOOK.cloth, expected))
