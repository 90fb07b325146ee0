"""The stopwatch: medians per stage, shares per frame, frames per second."""

import time

import pytest

from tinytracker.tracking.timing import Stopwatch


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A clock that stands still until a test moves it: clock[0] is its time in ns."""
    now = [0]
    monkeypatch.setattr(time, "perf_counter_ns", lambda: now[0])
    return now


def test_stages_add_up_within_a_frame(clock: list[int]) -> None:
    watch = Stopwatch()
    for milliseconds in (1, 2, 30):
        watch.start_frame()
        for _ in range(2):
            with watch.stage("face"):
                clock[0] += milliseconds * 1_000_000
        clock[0] += 1_000_000
        watch.finish_frame()
    face, total = watch.stages()
    assert (face.stage, face.runs, face.median_ms) == ("face", 3, 4.0)
    assert face.per_frame_ms == pytest.approx((2 + 4 + 60) / 3)
    assert face.p95_ms == pytest.approx(4 + 0.9 * 56)
    assert (total.stage, total.median_ms) == ("total", 5.0)
    assert watch.frames_per_second() == pytest.approx(3 / 0.069)


def test_rare_stage_weighs_little_per_frame(clock: list[int]) -> None:
    watch = Stopwatch()
    for index in range(10):
        watch.start_frame()
        if index == 0:
            with watch.stage("search"):
                clock[0] += 10_000_000
        watch.finish_frame()
    search = watch.stages()[0]
    assert (search.runs, search.median_ms, search.per_frame_ms) == (1, 10.0, 1.0)


def test_unfinished_frame_is_not_booked(clock: list[int]) -> None:
    watch = Stopwatch()
    watch.start_frame()
    with watch.stage("read"):
        clock[0] += 5
    watch.start_frame()
    watch.finish_frame()
    assert [stage.stage for stage in watch.stages()] == ["total"]


def test_nothing_timed_yet() -> None:
    watch = Stopwatch()
    assert watch.stages() == []
    assert watch.frames_per_second() == 0.0
