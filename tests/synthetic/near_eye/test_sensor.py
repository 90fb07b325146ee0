"""The sensor's model against what can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tinytracker.errors import UsageError
from tinytracker.events.stream import Events
from tinytracker.synthetic.near_eye.pixel_kernels import read_out
from tinytracker.synthetic.near_eye.sensor import (
    DARK_LIGHT,
    REFERENCE_LIGHT,
    EventSensor,
    SensorSettings,
    noise_rate_hz,
    sensor_kinds,
)
from tinytracker.synthetic.near_eye.variation import Aspect, Way

IDEAL = SensorSettings(
    name="ideal",
    width_px=40,
    height_px=30,
    on_threshold=0.2,
    off_threshold=0.25,
    threshold_spread=0.0,
    leak_hz=0.0,
    shot_hz=0.0,
    refractory_us=0.0,
    bandwidth_hz=1e9,
    hot_share=0.0,
    hot_hz=0.0,
    jitter_us=0.0,
    scan_us=0.0,
    readout_events_per_s=1e12,
)
SHAPE = (IDEAL.height_px, IDEAL.width_px)


def seen(
    settings: SensorSettings, pictures: list[np.ndarray], step_us: float, is_just_reset: bool = False
) -> Events:
    """The events of pictures so far apart."""
    sensor = EventSensor(settings, np.random.default_rng(0), is_just_reset)
    for number, picture in enumerate(pictures):
        sensor.see(picture.astype(np.float32), number * step_us)
    return sensor.events()


def still(light: float, seconds: float, step_s: float = 0.01) -> list[np.ndarray]:
    return [np.full(SHAPE, light)] * (round(seconds / step_s) + 1)


def test_nothing_moves_nothing_is_said() -> None:
    assert len(seen(IDEAL, still(0.5, 5), 1e4)) == 0


@pytest.mark.parametrize("light", [0.05, REFERENCE_LIGHT, 2.0])
def test_nothing_moves_noise_at_the_stated_rate(light: float) -> None:
    settings = replace(IDEAL, shot_hz=2.0)
    events = seen(settings, still(light, 4), 1e4)
    expected = noise_rate_hz(2.0, light) * 4 * SHAPE[0] * SHAPE[1]
    assert len(events) == pytest.approx(expected, abs=4 * np.sqrt(expected))
    assert events.on.mean() == pytest.approx(0.5, abs=0.05)
    # A Poisson process, not a clock: the times between one pixel's events are as spread as they are long.
    pixel = events.y_px.astype(int) * SHAPE[1] + events.x_px
    gaps = np.concatenate([np.diff(events.t_us[pixel == k]) for k in range(200)])
    if len(gaps) > 300:
        assert gaps.std() / gaps.mean() == pytest.approx(1, abs=0.25)


def test_noise_does_not_depend_on_how_often_one_looks() -> None:
    settings = replace(IDEAL, shot_hz=3.0)
    counts = [len(seen(settings, still(0.5, 2, step), step * 1e6)) for step in (0.0005, 0.02)]
    expected = 3.0 * 2 * SHAPE[0] * SHAPE[1]
    assert counts == pytest.approx([expected, expected], abs=4 * np.sqrt(expected))


def test_leak_fires_on_events_at_the_stated_rate() -> None:
    events = seen(replace(IDEAL, leak_hz=1.5), still(0.5, 4), 1e4)
    assert events.on.all()
    assert len(events) == pytest.approx(1.5 * 4 * SHAPE[0] * SHAPE[1], rel=0.02)


def test_hot_pixels_are_few_and_busy() -> None:
    events = seen(replace(IDEAL, hot_share=0.01, hot_hz=50.0), still(0.5, 2), 1e4)
    counts = np.bincount(events.y_px.astype(int) * SHAPE[1] + events.x_px, minlength=SHAPE[0] * SHAPE[1])
    hot = counts > 0
    assert 2 <= hot.sum() <= 30
    assert counts[hot].mean() == pytest.approx(100, rel=0.15)


def edge(step_px: float, steps: int, low: float, high: float) -> list[np.ndarray]:
    """A bright side that moves in from the left, its border as soft as a pixel."""
    columns = np.arange(SHAPE[1])
    pictures = []
    for k in range(steps):
        share = np.clip(k * step_px - columns, 0, 1)
        pictures.append(np.broadcast_to(low + (high - low) * share, SHAPE).copy())
    return pictures


@pytest.mark.parametrize(("low", "high"), [(0.1, 0.8), (0.3, 0.5), (0.02, 1.5)])
def test_a_moving_edge_gives_the_analytic_count_within_one(low: float, high: float) -> None:
    steps = round(SHAPE[1] / 0.25) + 5
    rising = seen(IDEAL, edge(0.25, steps, low, high), 500.0, is_just_reset=True)
    contrast = np.log((high + DARK_LIGHT) / (low + DARK_LIGHT))
    crossed = np.bincount(rising.y_px.astype(int) * SHAPE[1] + rising.x_px, minlength=SHAPE[0] * SHAPE[1])
    assert rising.on.all()
    assert (crossed == np.floor(contrast / IDEAL.on_threshold)).all()
    falling = seen(IDEAL, edge(0.25, steps, high, low), 500.0, is_just_reset=True)
    assert not falling.on.any()
    crossed = np.bincount(falling.y_px.astype(int) * SHAPE[1] + falling.x_px, minlength=SHAPE[0] * SHAPE[1])
    assert (crossed == np.floor(contrast / IDEAL.off_threshold)).all()


def test_pixels_that_were_not_just_reset_give_the_analytic_count_on_average() -> None:
    steps = round(SHAPE[1] / 0.25) + 5
    events = seen(IDEAL, edge(0.25, steps, 0.1, 0.8), 500.0)
    contrast = np.log((0.8 + DARK_LIGHT) / (0.1 + DARK_LIGHT)) / IDEAL.on_threshold
    counts = np.bincount(events.y_px.astype(int) * SHAPE[1] + events.x_px, minlength=SHAPE[0] * SHAPE[1])
    assert np.abs(counts - contrast).max() < 1
    assert counts.mean() == pytest.approx(contrast, abs=0.05)


def test_events_come_when_the_edge_does_and_in_order() -> None:
    steps = round(SHAPE[1] / 0.25) + 5
    events = seen(IDEAL, edge(0.25, steps, 0.1, 0.8), 500.0)
    assert (np.diff(events.t_us) >= 0).all()
    arrived_us = events.x_px / 0.25 * 500.0
    assert (events.t_us >= arrived_us - 1).all()
    assert (events.t_us <= arrived_us + 4 * 500.0 + 1).all()


def test_time_between_pictures_is_a_straight_line() -> None:
    dark, bright = np.full(SHAPE, 0.2), np.full(SHAPE, 0.2 * np.e)
    events = seen(IDEAL, [dark, bright], 10_000.0)
    rise_us = 0.2 / np.log((0.2 * np.e + DARK_LIGHT) / (0.2 + DARK_LIGHT)) * 10_000
    for row in range(5):
        own = events.t_us[(events.x_px == 3) & (events.y_px == row)]
        assert np.diff(own) == pytest.approx(rise_us, abs=1.5)


def test_refractory_time_costs_as_many_events_as_it_should() -> None:
    """A ramp of slope s gives an event every threshold / s + refractory."""
    light = 0.05 * np.exp(np.linspace(0, 3, 301))
    pictures = [np.full(SHAPE, value) for value in light]
    events = seen(replace(IDEAL, refractory_us=2000.0), pictures, 100.0)
    slope = np.log((light[-1] + DARK_LIGHT) / (light[0] + DARK_LIGHT)) / (300 * 100.0)
    expected = 300 * 100.0 / (IDEAL.on_threshold / slope + 2000.0)
    assert len(events) / SHAPE[0] / SHAPE[1] == pytest.approx(expected, abs=0.6)
    own = events.t_us[(events.x_px == 5) & (events.y_px == 5)]
    assert np.diff(own).min() >= 2000


def test_bandwidth_grows_with_light() -> None:
    """A step is followed by a first-order lag whose time constant is that of the light."""
    delays = {}
    for light in (0.05, 0.5):
        settings = replace(IDEAL, bandwidth_hz=100.0)
        after = light * 1.5
        pictures = [np.full(SHAPE, light)] + [np.full(SHAPE, after)] * 4000
        events = seen(settings, pictures, 50.0, is_just_reset=True)
        first = [events.t_us[(events.x_px == x) & (events.y_px == 0)][0] for x in range(SHAPE[1])]
        rise = np.log((after + DARK_LIGHT) / (light + DARK_LIGHT))
        # The first picture's step takes 50 us of its own.
        delays[light] = np.mean(first) / -np.log(1 - IDEAL.on_threshold / rise)
    expected = (0.75 + DARK_LIGHT) / (0.075 + DARK_LIGHT)
    assert delays[0.05] / delays[0.5] == pytest.approx(expected, rel=0.05)


def test_thresholds_differ_between_pixels() -> None:
    bright = [np.full(SHAPE, value) for value in 0.05 * np.exp(np.linspace(0, 4, 101))]
    spread = seen(replace(IDEAL, threshold_spread=0.04), bright, 100.0)
    counts = np.bincount(spread.y_px.astype(int) * SHAPE[1] + spread.x_px)
    assert counts.std() > 2
    same = seen(IDEAL, bright, 100.0, is_just_reset=True)
    assert np.bincount(same.y_px.astype(int) * SHAPE[1] + same.x_px).std() == 0


def test_the_bus_sends_in_turn_and_drops_what_waits_too_long() -> None:
    sent = read_out(np.zeros(10), 100.0, 450.0)
    assert sent[:5] == pytest.approx([0, 100, 200, 300, 400])
    assert np.isnan(sent[5:]).all()
    steps = [np.full(SHAPE, 0.1), np.full(SHAPE, 1.0)]
    everything = seen(IDEAL, steps, 100.0)
    choked = seen(replace(IDEAL, readout_events_per_s=1e6), steps, 100.0)
    assert len(everything) > 10_000
    assert len(choked) == pytest.approx(1100, abs=30)  # 1 an us for the 100 us it takes, and the queue's 1000
    assert np.diff(choked.t_us).min() >= 0


def test_a_scanning_sensor_stamps_its_scans() -> None:
    events = seen(replace(IDEAL, scan_us=200.0), edge(0.25, 100, 0.1, 0.8), 500.0)
    assert (events.t_us % 200 == 0).all()


def test_jitter_delays_and_keeps_the_order() -> None:
    pictures = edge(0.25, 100, 0.1, 0.8)
    late = seen(replace(IDEAL, jitter_us=30.0), pictures, 500.0)
    exact = seen(IDEAL, pictures, 500.0)
    assert len(late) == len(exact)
    assert late.t_us.mean() - exact.t_us.mean() == pytest.approx(30 * np.sqrt(2 / np.pi), abs=3)
    assert (np.diff(late.t_us) >= 0).all()


@pytest.mark.parametrize("name", list(sensor_kinds()))
def test_every_kind_of_sensor_is_drawn_within_its_ranges(name: str) -> None:
    rng = np.random.default_rng(0)
    entry = sensor_kinds()[name]
    usual = [SensorSettings.draw(name, rng, {}) for _ in range(20)]
    for key, value in entry.items():
        drawn = [getattr(settings, key) for settings in usual]
        low, high = value if isinstance(value, list) else (value, value)
        assert low <= min(drawn)
        assert max(drawn) <= high
    same = {SensorSettings.draw(name, rng, {Aspect.sensor: Way.fixed}) for _ in range(3)}
    assert len(same) == 1


def test_refusals() -> None:
    with pytest.raises(UsageError, match="davis346, dvxplorer, speck"):
        SensorSettings.draw("retina", np.random.default_rng(0), {})
    sensor = EventSensor(IDEAL, np.random.default_rng(0))
    sensor.see(np.ones(SHAPE, np.float32), 5)
    assert len(sensor.events()) == 0
    with pytest.raises(ValueError, match="after one at 5"):
        sensor.see(np.ones(SHAPE, np.float32), 5)
