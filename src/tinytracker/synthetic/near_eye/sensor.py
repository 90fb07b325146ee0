"""An event camera: light over time becomes events.

Each pixel keeps the logarithm of the light it last told of, and tells when it has changed by more than a
threshold (Lichtsteiner et al. 2008). What makes a real one different from that sentence is here too:
thresholds that differ from pixel to pixel, a front end whose bandwidth falls with the light, a leak that
fires ON events by itself, shot noise that grows in the dark, a refractory time after each event, a few hot
pixels, time stamps that jitter, and a bus that takes only so many events a second. Between two pictures the
filtered logarithm of a pixel is a straight line over time, and an event's time is where that line crosses
the threshold.
"""

from __future__ import annotations

import math
import tomllib
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinytracker.errors import UsageError
from tinytracker.events.stream import Events
from tinytracker.synthetic.near_eye.pixel_kernels import (
    MOST_PER_STEP,
    Found,
    Physics,
    Pixels,
    advance,
    read_out,
)
from tinytracker.synthetic.near_eye.variation import Aspect, Range, Way, Ways

REFERENCE_LIGHT = 0.5
"""Light at which bandwidth_hz and shot_hz hold: bright skin."""
DARK_LIGHT = 0.004
"""Photocurrent without light, in the same units: the logarithm is of light plus this."""
QUEUE_US = 1000.0
"""An event that waits longer than this for the bus is lost."""


@dataclass(frozen=True, slots=True)
class SensorSettings:
    """One camera's own numbers.

    on_threshold, off_threshold: change of the natural logarithm; threshold_spread: standard deviation between
    pixels. leak_hz: ON events of a pixel that sees nothing move. shot_hz: events of noise of a pixel at
    REFERENCE_LIGHT (see `noise_rate_hz`). bandwidth_hz: at REFERENCE_LIGHT, in proportion to light.
    hot_share: of the pixels, each firing hot_hz. jitter_us: standard deviation of a time stamp's delay.
    scan_us: the array is read once in so long, and what it says bears that time; 0: each event is sent by
    itself.
    """

    name: str
    width_px: int
    height_px: int
    on_threshold: float
    off_threshold: float
    threshold_spread: float
    leak_hz: float
    shot_hz: float
    refractory_us: float
    bandwidth_hz: float
    hot_share: float
    hot_hz: float
    jitter_us: float
    scan_us: float
    readout_events_per_s: float

    @classmethod
    def draw(cls, name: str, rng: np.random.Generator, ways: Ways) -> SensorSettings:
        """A camera of a kind; `ways` matters for Aspect.sensor. Raises UsageError for a kind nobody knows."""
        entry = sensor_kinds().get(name)
        if entry is None:
            raise UsageError(f"sensor should be one of {', '.join(sensor_kinds())}, not {name!r}")
        way = ways.get(Aspect.sensor, Way.usual)
        values: dict[str, Any] = {
            field.name: _drawn(entry[field.name], rng, way) for field in fields(cls) if field.name != "name"
        }
        return cls(name=name, **values)

    def as_json(self) -> dict[str, Any]:
        """For the settings of a recording."""
        return asdict(self)


def _drawn(value: Any, rng: np.random.Generator, way: Way) -> Any:
    return Range(*value).draw(rng, way) if isinstance(value, list) else value


@cache
def sensor_kinds() -> dict[str, dict[str, Any]]:
    """The kinds of sensors, from sensors.toml."""
    return tomllib.loads((Path(__file__).with_name("sensors.toml")).read_text())


def noise_rate_hz(shot_hz: float, light: float) -> float:
    """Events of shot noise per pixel and second: fewer the more light, by its square root, and at most four
    times as many in the dark.

    >>> noise_rate_hz(1.0, 4 * REFERENCE_LIGHT)
    0.5
    """
    return shot_hz * min(4.0, math.sqrt(REFERENCE_LIGHT / max(light, 1e-9)))


class EventSensor:
    """A camera at work: give it pictures with their times, take its events at the end.

    >>> settings = SensorSettings.draw("speck", np.random.default_rng(0), {Aspect.sensor: Way.fixed})
    >>> sensor = EventSensor(settings, np.random.default_rng(1))
    >>> for k in range(3):
    ...     sensor.see(np.full((128, 128), 0.2 + 0.4 * k, np.float32), 1000 * k)
    >>> events = sensor.events()
    >>> bool(events.on.mean() > 0.95)
    True
    """

    def __init__(
        self, settings: SensorSettings, rng: np.random.Generator, is_just_reset: bool = False
    ) -> None:
        """is_just_reset: the first picture is what every pixel last told of; else each has leaked for a while
        of its own, and they do not fire in step."""
        self.settings = settings
        self._rng = rng
        self._is_just_reset = is_just_reset
        shape = (settings.height_px, settings.width_px)

        def thresholds(mean: float) -> NDArray[np.float64]:
            spread = rng.normal(mean, settings.threshold_spread, shape)
            return np.maximum(spread, 0.3 * mean)

        on, off = thresholds(settings.on_threshold), thresholds(settings.off_threshold)
        zeros = np.zeros(shape)
        self._pixels = Pixels(
            light=np.zeros(shape, np.float32),
            target=zeros.copy(),
            level=zeros.copy(),
            told=zeros.copy(),
            since=zeros.copy(),
            ready=np.full(shape, -np.inf),
            on=on,
            off=off,
            hot_hz=(rng.random(shape) < settings.hot_share) * settings.hot_hz,
        )
        self._physics = Physics(
            leak_hz=settings.leak_hz,
            shot_hz=settings.shot_hz,
            refractory_us=settings.refractory_us,
            bandwidth_hz=settings.bandwidth_hz,
            reference_light=REFERENCE_LIGHT,
            dark_light=DARK_LIGHT,
        )
        self._random = rng.integers(1, 1 << 63, 1, np.uint64)
        self._now_us = -np.inf
        self._found = _room(max(1 << 18, 4 * MOST_PER_STEP * settings.width_px))
        self._parts: list[Found] = []

    def see(self, light: NDArray[np.float32], t_us: float) -> None:
        """The light (H, W) that falls on the pixels at a time; between two calls it changes evenly."""
        if t_us <= self._now_us:
            raise ValueError(f"a picture at {t_us} us after one at {self._now_us} us")
        if np.isneginf(self._now_us):
            self._begin(light, t_us)
            return
        row = 0
        while row < self.settings.height_px:
            row, count = advance(
                light,
                self._now_us,
                t_us,
                row,
                self._pixels,
                self._physics,
                self._random,
                self._found,
            )
            if count:
                self._parts.append(Found(*(column[:count].copy() for column in self._found)))
        self._now_us = t_us

    def _begin(self, light: NDArray[np.float32], t_us: float) -> None:
        pixels = self._pixels
        pixels.light[:] = light
        pixels.target[:] = np.log(light.astype(np.float64) + DARK_LIGHT)
        pixels.level[:] = pixels.target
        leaked = 0.0 if self._is_just_reset else self._rng.random(light.shape)
        pixels.told[:] = pixels.level - leaked * pixels.on
        pixels.since[:] = self._now_us = t_us

    def events(self) -> Events:
        """All that was told so far, as it left the bus: in the order of time, some of it late or lost."""
        settings = self.settings
        if not self._parts:
            return Events.none(settings.width_px, settings.height_px)
        t, x, y, on = (np.concatenate(column) for column in zip(*self._parts, strict=True))
        late = np.abs(self._rng.normal(0, settings.jitter_us, len(t))) if settings.jitter_us else 0.0
        t = t + late
        if settings.scan_us > 0:
            t = np.ceil(t / settings.scan_us) * settings.scan_us
        order = np.argsort(t, kind="stable")
        t, x, y, on = t[order], x[order], y[order], on[order]
        sent = read_out(t, 1e6 / settings.readout_events_per_s, QUEUE_US)
        kept = ~np.isnan(sent)
        return Events(
            t_us=np.floor(sent[kept]).astype(np.int64),
            x_px=x[kept],
            y_px=y[kept],
            on=on[kept],
            width_px=settings.width_px,
            height_px=settings.height_px,
        )


def _room(events: int) -> Found:
    return Found(
        t=np.empty(events),
        x=np.empty(events, np.uint16),
        y=np.empty(events, np.uint16),
        on=np.empty(events, np.bool_),
    )
