"""Rendered eyes lie where real ones do: medians between those of real pictures, ranges that hold them, on 200
people (benchmarks/appearance.py).

The rows are those of docs/data/appearance.csv; some of their people are rendered again, all of them with
TINYTRACKER_FULL set.
"""

from __future__ import annotations

import os

import appearance
import numpy as np
import pytest
from documents import table_in

MEDIANS = {
    "sclera / cheek": (0.30, 0.60),
    "lid line / cheek": (0.13, 0.28),
    "iris / sclera": (0.45, 0.75),
    "eye band / cheek": (0.34, 0.54),
    "above / cheek": (0.35, 0.70),
    "below / cheek": (0.65, 0.95),
    "sharpness": (0.13, 0.33),
}
"""Real medians (of the laptop user, phone frames, photographs) and what lies between them; above, below: our
own."""
AGAIN = range(appearance.WRITTEN_PEOPLE) if os.environ.get("TINYTRACKER_FULL") else range(7, 200, 40)


@pytest.fixture(scope="module")
def rows() -> list[appearance.Look]:
    return appearance.read_looks(appearance.ROWS)


def test_they_are_200_people(rows: list[appearance.Look]) -> None:
    """But for a few who look down or away, or whose frames are too dark, in all their frames."""
    assert 0.97 * appearance.WRITTEN_PEOPLE <= len({row.person for row in rows}) <= appearance.WRITTEN_PEOPLE
    assert len(rows) > 0.8 * appearance.WRITTEN_PEOPLE * appearance.WRITTEN.frames


def test_they_are_rendered_so_today(rows: list[appearance.Look]) -> None:
    """Last bits of another processor's arithmetic aside."""
    written = {(row.person, row.frame): row for row in rows}
    for look in appearance.looks(appearance.WRITTEN, AGAIN):
        row = written.pop((look.person, look.frame))
        assert row.camera == look.camera
        assert row.measures == pytest.approx(look.measures, rel=0.02, abs=0.005), (
            f"person {look.person} looks otherwise: python benchmarks/appearance.py --write"
        )


@pytest.mark.parametrize("name", MEDIANS)
def test_medians_lie_among_real_ones(rows: list[appearance.Look], name: str) -> None:
    low, high = MEDIANS[name]
    for camera in ("phone", "laptop"):
        assert low <= np.median(appearance.values(rows, name, camera)) <= high


def test_a_few_people_with_one_kind_of_camera_have_a_table(rows: list[appearance.Look]) -> None:
    phones = [row for row in rows if row.camera == "phone"][:2]
    table = appearance.table_of(phones).splitlines()
    assert len(table) == 2 + len(phones[0].measures)
    assert all(line.split("|")[2].strip() and not line.split("|")[3].strip() for line in table[2:])


def test_ranges_hold_the_real_medians(rows: list[appearance.Look]) -> None:
    """Each within 2-98 % of ours of its kind of camera: the laptop user's is softer than nearly all."""
    for name, medians in appearance.real_medians().items():
        for pictures, median in medians.items():
            camera, _ = appearance.REAL[pictures]
            low, high = np.percentile(appearance.values(rows, name, camera), [2, 98])
            assert low <= median <= high, (
                f"{name}: {pictures} have {median:.2f}, ours {low:.2f} to {high:.2f}"
            )


def test_skin_above_and_below_the_eye_varies_on_its_own(rows: list[appearance.Look]) -> None:
    above, below = (np.log(appearance.values(rows, f"{side} / cheek")) for side in ("above", "below"))
    assert above.std() > 0.2
    assert below.std() > 0.12
    assert abs(np.corrcoef(above, below)[0, 1]) < 0.65


def test_the_documents_table_is_of_these_rows(rows: list[appearance.Look]) -> None:
    assert table_in(appearance.DOCUMENT, "appearance") == appearance.table_of(rows)
