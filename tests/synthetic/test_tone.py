"""Eyes are as dark against the cheeks as on photographs: the largest gap between earlier renderings and
real faces."""

from __future__ import annotations

import numpy as np
import pytest

from tests.synthetic.assets import ict_model
from tests.synthetic.tone import measure
from tinytracker.synthetic.camera import Camera
from tinytracker.synthetic.head_kinds import HEAD_KINDS, HeadKind
from tinytracker.synthetic.person import Person
from tinytracker.synthetic.pose import rotation
from tinytracker.synthetic.scene import Scene
from tinytracker.synthetic.subject import Expression

PEOPLE = 100
BAND: dict[str, tuple[float, float]] = {
    "makehuman": (0.26, 0.66),
    "ict": (0.25, 0.50),
}
SCLERA: dict[str, tuple[float, float]] = {
    "makehuman": (0.42, 1.0),
    "ict": (0.45, 0.80),
}
SHARE = 0.8
"""At least this share of the people lies in each range, and so does the median."""


@pytest.mark.parametrize("heads", HEAD_KINDS)
def test_eyes_against_cheeks(heads: HeadKind) -> None:
    ict = ict_model() if heads == "ict" else None
    camera = Camera(590, 240, 320, 480, 640)
    tones = []
    for seed in range(PEOPLE):
        rng = np.random.default_rng([seed, 11])
        person = Person.from_seed(seed, heads, ict)
        turn = rotation(*np.radians(rng.normal([0, 4, 0], [7, 7, 4])))
        place = np.array([rng.normal(0, 2), rng.normal(2, 2), -34.0])
        target = (rng.uniform(-5, 5), rng.uniform(-11, 1))
        posed = person.pose(place, turn, target, Expression.draw(rng, blink_share=0), rng)
        tones.append(measure(person, posed, Scene.draw(rng), camera, width_px=120))
    for name, values, (low, high) in (
        ("eye band", np.array([t.band for t in tones]), BAND[heads]),
        ("sclera", np.array([t.sclera for t in tones]), SCLERA[heads]),
    ):
        inside = float(np.mean((values >= low) & (values <= high)))
        median = float(np.median(values))
        assert low <= median <= high, f"{name}: median {median:.2f}"
        spread = np.percentile(values, [10, 90])
        assert inside >= SHARE, (
            f"{name}: {inside:.0%} in {low} to {high}, median {median:.2f}, 10-90 % {spread.round(2)}"
        )
        assert spread[1] - spread[0] > 0.1, f"{name} hardly varies: a network could rely on it"
