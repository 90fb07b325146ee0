"""A pupil followed through events: where it is, when it was, what is said where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from tests.pupils.eyes import START_US, circling, finder
from tinytracker.errors import UsageError
from tinytracker.events.crops import SensorCrop, crop_for
from tinytracker.events.stream import Events
from tinytracker.pupils.follow import RealTime, Rhythm, follow
from tinytracker.pupils.summary import PupilSummary

CROP = crop_for(346, 260)


def test_the_pupil_is_found_on_the_sensor() -> None:
    """Through the crop and back: a middle of a rim of 24 px is within a pixel or two of the true centre,
    in a window of 14 cells of 5 px."""
    recording = circling()
    samples = list(follow(recording.events, finder(), CROP))
    summary = PupilSummary.of(samples, CROP, recording.labels)
    assert len(samples) == 199
    assert summary.valid >= 198
    errors_px = summary.errors_cells[np.isfinite(summary.errors_cells)] * CROP.scale
    assert np.median(errors_px) < 3.0
    shifted = PupilSummary.of(samples, CROP, circling(centre=(183, 130)).labels)
    assert np.nanmedian(shifted.errors_cells) * CROP.scale > 7.0, "an error of 10 px would show"


def test_times_are_those_of_the_events() -> None:
    recording = circling(0.3)
    samples = list(follow(recording.events, finder(), CROP, Rhythm(hz=1000)))
    first_us = int(recording.events.t_us[0])
    assert [sample.t_us - first_us for sample in samples[:3]] == [1000, 2000, 3000]
    assert all(START_US <= sample.newest_us <= sample.t_us for sample in samples)
    assert sum(sample.events for sample in samples) == len(recording.events.between(0, samples[-1].t_us + 1))


def test_an_estimate_after_every_so_many_events() -> None:
    recording = circling(0.2)
    samples = list(follow(recording.events, finder(), CROP, Rhythm(events=500)))
    assert len(samples) == len(recording.events) // 500
    assert {sample.events for sample in samples} == {500}
    assert [sample.t_us for sample in samples] == recording.events.t_us[499::500].tolist()[: len(samples)]


def test_the_same_whatever_the_rhythm_before() -> None:
    """A window is of the events alone: asked twice as often, every second answer is the same."""
    events = circling(0.3).events
    seldom = list(follow(events, finder(), CROP, Rhythm(hz=100)))
    often = list(follow(events, finder(), CROP, Rhythm(hz=200)))
    assert [(s.t_us, s.x_px, s.y_px) for s in seldom] == [(s.t_us, s.x_px, s.y_px) for s in often[1::2]]


def test_what_has_no_pupil_says_why() -> None:
    events = circling(0.1).events
    few = list(follow(events, finder(cells=4000), CROP))
    assert {sample.reason for sample in few} == {"too few events yet"}
    dark = Events(events.t_us, events.x_px, events.y_px, np.zeros(len(events), bool), 346, 260)
    closed = list(follow(dark, finder(), CROP))[-1]
    assert (closed.reason, closed.x_px, closed.closed) == ("the eye is closed", None, 1.0)
    assert list(follow(Events.none(346, 260), finder(), CROP)) == []


def test_a_network_of_another_size_is_refused() -> None:
    with pytest.raises(UsageError, match="sees 64 x 64 cells, not 32"):
        list(follow(circling(0.1).events, finder(), SensorCrop(0, 0, 8, size=32)))
    with pytest.raises(UsageError, match="expected more than 0"):
        Rhythm(hz=0)


def test_real_time_waits_and_says_how_late_it_is() -> None:
    now_s, slept = [0.0], []

    def sleep(seconds: float) -> None:
        slept.append(round(seconds, 6))
        now_s[0] += seconds

    pace = RealTime(lambda: now_s[0], sleep)
    assert pace(5_000) == 0
    now_s[0] += 0.002
    assert pace(10_000) == 0
    assert slept == [0.003]
    now_s[0] += 0.025
    assert pace(20_000) == pytest.approx(15.0)
    samples = list(follow(circling(0.05).events, finder(), CROP, pace=RealTime(lambda: now_s[0], sleep)))
    assert max(sample.late_ms for sample in samples) < 1e-9
