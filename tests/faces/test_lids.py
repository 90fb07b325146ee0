"""Shut eyes by what is usual for a person: on readings made up, and on rendered people who blink."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinytracker.domain import EyeLandmarks
from tinytracker.faces.eyes import CLOSED_OPENNESS
from tinytracker.faces.lids import Lids, LidSettings

SETTINGS = LidSettings()


def eyes(left: float, right: float | None = None) -> EyeLandmarks:
    return EyeLandmarks(
        np.zeros((2, 2, 2)), np.zeros((2, 2)), np.array([left, left if right is None else right])
    )


def after(openness: float, frames: int = 60) -> Lids:
    lids = Lids()
    for _ in range(frames):
        lids.are_shut(eyes(openness))
    return lids


def test_nothing_is_usual_at_first() -> None:
    lids = Lids()
    assert lids.limit == CLOSED_OPENNESS
    assert lids.are_shut(eyes(CLOSED_OPENNESS - 0.001))
    assert not lids.are_shut(eyes(CLOSED_OPENNESS + 0.001))


def test_one_shut_eye_is_a_wink() -> None:
    assert not Lids().are_shut(eyes(0.01, 0.3))
    assert Lids().are_shut(eyes(0.01, 0.03))


def test_wide_eyes_are_shut_sooner_than_narrow_ones() -> None:
    assert after(0.35).limit == SETTINGS.most
    assert after(0.08).limit == SETTINGS.least
    between = (SETTINGS.least + SETTINGS.most) / 2
    assert after(between / SETTINGS.fallen).limit == pytest.approx(between)


def test_eyes_that_sink_slowly_look_down_and_those_that_fall_are_shut() -> None:
    """From 0.15 to 0.07, in a second or from one frame to the next."""
    lids = after(0.15)
    assert not any(lids.are_shut(eyes(openness)) for openness in np.linspace(0.15, 0.07, 30))
    assert after(0.15).are_shut(eyes(0.07))


def test_eyes_cast_down_at_once_are_believed_a_few_frames_later() -> None:
    lids = after(0.15)
    told = [lids.are_shut(eyes(0.07)) for _ in range(SETTINGS.lately)]
    assert told[:3] == [True] * 3
    assert not any(told[5:])


def test_eyes_that_stay_shut_are_shut_all_the_while() -> None:
    lids = after(0.17)
    assert all(lids.are_shut(eyes(SETTINGS.least - 0.01)) for _ in range(1000))
    assert not lids.are_shut(eyes(0.17))


def test_blinks_do_not_become_usual() -> None:
    """Neither a blink every second nor ten seconds of sleep."""
    lids = Lids()
    told = [lids.are_shut(eyes(0.01 if frame % 30 < 4 else 0.3)) for frame in range(300)]
    assert told == [frame % 30 < 4 for frame in range(300)]
    before = lids.limit
    assert all(lids.are_shut(eyes(0.02)) for _ in range(300))
    assert lids.limit == before


def test_somebody_else_is_somebody_else() -> None:
    lids = after(0.3)
    lids.reset()
    assert lids.limit == CLOSED_OPENNESS


def test_the_limits_are_those_that_are_promised() -> None:
    settings = LidSettings()
    said = " ".join((Path(__file__).parents[2] / "docs" / "robustness.md").read_text().split())
    assert f"below an openness of {settings.closed:.2f} (`faces.eyes.CLOSED_OPENNESS`)" in said
    assert f"a limit between {settings.least:.2f} and {settings.most:.2f}" in said
