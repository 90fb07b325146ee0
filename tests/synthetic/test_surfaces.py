"""What surfaces look like: cloth covers what is under it without a seam."""

from __future__ import annotations

import numpy as np
import pytest

from tinytracker.synthetic.surfaces import (
    FACE,
    HAIR,
    TORSO,
    Look,
    cloth_colour,
    is_bare,
    is_covered,
    surface_colour,
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
        cloth, cloth_gloss = cloth_colour(1.2, y, -3.0, _HEM_CM, _LOOK)
        assert np.allclose(drawn, cloth, rtol=1e-14)
        assert gloss == pytest.approx(cloth_gloss)


def test_deep_in_cloth_there_is_no_shadow_of_its_edge() -> None:
    """Just before the shadow is left out it is too faint for a float already."""
    nearly, _ = cloth_colour(0.0, -16.0, 0.0, 0.8 - 1e-9, _LOOK)
    beyond, _ = cloth_colour(0.0, -16.0, 0.0, 0.8, _LOOK)
    assert np.array_equal(nearly, beyond)


def test_hair_is_not_covered() -> None:
    assert not is_covered(HAIR, 2.0)


def test_nothing_changes_the_painted_skin_of_a_bare_triangle() -> None:
    """Wherever in it one looks; and triangles of other kinds are not bare."""
    rng = np.random.default_rng(0)
    chart = rng.uniform([-8, -13, -9], [8, 10, 3], (400, 3, 3))
    chart[:, :, 1] = chart[:, :1, 1] + rng.normal(0, 0.4, (400, 3))
    hair, cloth = rng.uniform(-0.02, 0.03, (400, 3)), rng.uniform(-1.5, -0.1, (400, 3))
    bare = is_bare(np.full(400, FACE), chart, hair, cloth)
    assert 0.05 < bare.mean() < 0.95
    assert not is_bare(np.full(400, TORSO), chart, hair, cloth).any()
    skin, gloss = (0.5, 0.4, 0.3), 0.3
    for t in np.flatnonzero(bare):
        for weights in [*np.eye(3), *rng.dirichlet(np.ones(3), 5)]:
            x, y, z = weights @ chart[t]
            seen = surface_colour(FACE, x, y, z, weights @ hair[t], weights @ cloth[t], skin, gloss, _LOOK)
            assert seen == (skin, gloss)
