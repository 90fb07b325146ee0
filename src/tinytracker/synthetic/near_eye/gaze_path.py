"""How an eye moves: fixations with drift, tremor and microsaccades, saccades, pursuit, vergence, blinks.

Angles are those of the visual axis in the head's frame: yaw positive towards the picture's right, pitch
positive upwards. Sources: saccades last 21 ms + 2.2 ms per degree and peak at 1.65 times their mean velocity
(Carpenter, Movements of the Eyes, 1988; Becker 1989), the peak earlier in larger ones (van Opstal & van
Gisbergen 1987); drift is a random walk, tremor 40-100 Hz of some 0.005 degrees, microsaccades one or two a
second below one degree (Martinez-Conde et al. 2004); a blink shuts within a tenth of a second and opens two
to three times slower, and the eye turns down and nasally with it (Evinger et al. 1991; Bergamin et al.
2002).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

SAMPLES_PER_S = 10_000
FARTHEST_YAW_DEG, HIGHEST_DEG, LOWEST_DEG = 24.0, 16.0, -22.0
_LID_LAG_S = 0.008

Angles = NDArray[np.float64]
"""(n, 2): yaw and pitch, degrees."""


class Phase(IntEnum):
    """What the eye is doing."""

    fixation = 0
    saccade = 1
    pursuit = 2
    vergence = 3


@dataclass(frozen=True)
class EyePath:
    """An eye's movement, `SAMPLES_PER_S` samples a second.

    gaze_deg (n, 2). lid_pitch_deg (n,): the pitch that the lids follow, a little late. blink (n,): 0 as
    open as it is at rest, 1 shut. pupil_radius_cm (n,). phases (n,) of `Phase`.
    """

    gaze_deg: Angles
    lid_pitch_deg: NDArray[np.float64]
    blink: NDArray[np.float64]
    pupil_radius_cm: NDArray[np.float64]
    phases: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.gaze_deg)


@dataclass(frozen=True, slots=True)
class Habits:
    """What differs between people. drift_deg2_per_s: the random walk's variance per second and axis."""

    fixation_s: float
    drift_deg2_per_s: float
    tremor_deg: float
    microsaccades_per_s: float
    pursuit_share: float
    vergence_share: float
    blinks_per_s: float
    pupil_radius_cm: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Habits:
        """Somebody's."""
        return cls(
            fixation_s=float(rng.uniform(0.18, 0.7)),
            drift_deg2_per_s=float(rng.uniform(0.004, 0.03)),
            tremor_deg=float(rng.uniform(0.002, 0.007)),
            microsaccades_per_s=float(rng.uniform(0.5, 2.0)),
            pursuit_share=float(rng.uniform(0.05, 0.4)),
            vergence_share=float(rng.uniform(0.0, 0.15)),
            blinks_per_s=float(rng.uniform(0.15, 0.6)),
            pupil_radius_cm=float(rng.uniform(0.13, 0.32)),
        )


def eye_path(rng: np.random.Generator, habits: Habits, seconds: float, side: float) -> EyePath:
    """Movements of `seconds`; side: +1 for a left eye, -1 for a right one (which way is nasal)."""
    samples = max(2, round(seconds * SAMPLES_PER_S))
    gaze, phases = _movements(rng, habits, samples)
    lid_pitch = _followed(gaze[:, 1])
    blink = blinks(rng, habits.blinks_per_s, samples)
    gaze[:, 1] -= rng.uniform(0.8, 2.0) * blink
    gaze[:, 0] -= side * rng.uniform(0.3, 1.2) * blink
    return EyePath(gaze, lid_pitch, blink, _pupil(rng, habits.pupil_radius_cm, samples), phases)


def saccade_seconds(amplitude_deg: float) -> float:
    """How long a saccade lasts: the main sequence.

    >>> round(saccade_seconds(10), 3)
    0.043
    """
    return 0.021 + 0.0022 * amplitude_deg


def saccade_shape(samples: int, amplitude_deg: float) -> NDArray[np.float64]:
    """Share of the way (samples,) from 0 to 1: its velocity is a beta density, the more skewed the larger
    the saccade."""
    peak_at = 0.5 - 0.14 * min(1.0, amplitude_deg / 25)
    t = (np.arange(samples) + 0.5) / samples
    velocity = t ** (2.8 * peak_at) * (1 - t) ** (2.8 * (1 - peak_at))
    return np.cumsum(velocity) / velocity.sum()


def blinks(rng: np.random.Generator, per_s: float, samples: int) -> NDArray[np.float64]:
    """Closure of the lids (samples,) from 0 to 1 through blinks of which a fifth stay partial."""
    closure = np.zeros(samples)
    t_s = np.arange(samples) / SAMPLES_PER_S
    begin_s = rng.exponential(1 / per_s)
    while begin_s < t_s[-1]:
        depth = rng.uniform(0.35, 0.8) if rng.random() < 0.2 else 1.0
        shutting_s = rng.uniform(0.06, 0.11)
        shut_s = rng.uniform(0.3, 0.7) if rng.random() < 0.07 else rng.uniform(0.005, 0.06)
        opening_s = shutting_s * rng.uniform(1.8, 3.0)
        shutting = _smooth(np.clip((t_s - begin_s) / shutting_s, 0, 1))
        since = np.clip((t_s - begin_s - shutting_s - shut_s) / opening_s, 0, 1)
        opening = _smooth(since**0.7)  # fast first, and a slow end
        closure = np.maximum(closure, depth * (shutting - opening))
        begin_s += shutting_s + shut_s + opening_s + rng.exponential(1 / per_s)
    return closure


def _movements(rng: np.random.Generator, habits: Habits, samples: int) -> tuple[Angles, NDArray[np.uint8]]:
    place = np.array([rng.uniform(-14, 14), rng.uniform(-12, 8)])
    parts: list[Angles] = []
    phases: list[NDArray[np.uint8]] = []
    done = 0
    while done < samples:
        for phase, move in _turn(rng, habits):
            part = move(place)
            parts.append(part)
            phases.append(np.full(len(part), phase, np.uint8))
            place = part[-1]
            done += len(part)
    return np.concatenate(parts)[:samples], np.concatenate(phases)[:samples]


def _turn(rng: np.random.Generator, habits: Habits) -> list[tuple[Phase, Callable[[Angles], Angles]]]:
    """What comes next: mostly a fixation and the saccade that ends it."""
    kind = rng.random()
    if kind < habits.pursuit_share:
        return [(Phase.pursuit, lambda place: _pursuit(rng, habits, place))]
    if kind < habits.pursuit_share + habits.vergence_share:
        return [(Phase.vergence, lambda place: _vergence(rng, habits, place))]
    return [
        (Phase.fixation, lambda place: _fixation(rng, habits, place)),
        (Phase.saccade, lambda place: _saccade(rng, place)),
    ]


def _fixation(rng: np.random.Generator, habits: Habits, place: Angles) -> Angles:
    lasting_s = np.clip(rng.lognormal(np.log(habits.fixation_s), 0.45), 0.08, 1.5)
    samples = round(lasting_s * SAMPLES_PER_S)
    path = place + _unrest(rng, habits, samples)
    for _ in range(rng.poisson(habits.microsaccades_per_s * lasting_s)):
        amplitude = min(1.0, rng.lognormal(np.log(0.3), 0.5))
        direction = rng.normal(0, 1, 2) * [1.0, 0.5]
        step = amplitude * direction / max(1e-9, float(np.linalg.norm(direction)))
        lasting = round(saccade_seconds(amplitude) * SAMPLES_PER_S)
        begin = int(rng.integers(0, max(1, samples - lasting)))
        shape = np.ones(samples - begin)
        head = saccade_shape(lasting, amplitude)[: samples - begin]
        shape[: len(head)] = head
        path[begin:] += np.outer(shape, step)
    return path


def _unrest(rng: np.random.Generator, habits: Habits, samples: int) -> Angles:
    """Drift and tremor, from about 0."""
    steps = rng.normal(0, np.sqrt(habits.drift_deg2_per_s / SAMPLES_PER_S), (samples, 2))
    t_s = np.arange(samples)[:, None] / SAMPLES_PER_S
    tremor = np.zeros((samples, 2))
    for _ in range(3):
        tremor += np.sin(2 * np.pi * (rng.uniform(40, 100, 2) * t_s + rng.random(2)))
    return np.cumsum(steps, 0) + habits.tremor_deg / np.sqrt(3) * tremor


def _saccade(rng: np.random.Generator, place: Angles) -> Angles:
    """To another place, and the short wobble of the pupil at its end."""
    target = np.array(
        [rng.uniform(-FARTHEST_YAW_DEG, FARTHEST_YAW_DEG), rng.uniform(LOWEST_DEG, HIGHEST_DEG)]
    )
    if rng.random() < 0.6:  # most saccades are small
        target = place + (target - place) * rng.uniform(0.1, 0.5)
    way = target - place
    amplitude = float(np.hypot(*way))
    samples = round(saccade_seconds(amplitude) * SAMPLES_PER_S)
    path = place + np.outer(saccade_shape(samples, amplitude), way)
    t_s = np.arange(round(0.04 * SAMPLES_PER_S)) / SAMPLES_PER_S
    wobble = 0.012 * np.exp(-t_s / 0.012) * np.sin(2 * np.pi * 28 * t_s)
    return np.concatenate([path, path[-1] + np.outer(wobble, way)])


def _pursuit(rng: np.random.Generator, habits: Habits, place: Angles) -> Angles:
    """Following something that moves evenly, from a start of a tenth of a second on; slower at the edge of
    the field."""
    samples = round(rng.uniform(0.3, 1.0) * SAMPLES_PER_S)
    angle = rng.uniform(0, 2 * np.pi)
    velocity = rng.uniform(4, 30) * np.array([np.cos(angle), 0.7 * np.sin(angle)])
    velocity = np.where(place * velocity > 0, -velocity, velocity)  # towards the middle
    starting = np.minimum(1, np.arange(samples) / (0.1 * SAMPLES_PER_S))
    path = place + np.outer(np.cumsum(starting) / SAMPLES_PER_S, velocity)
    limits = np.array([[-FARTHEST_YAW_DEG, LOWEST_DEG], [FARTHEST_YAW_DEG, HIGHEST_DEG]])
    beyond = path - np.clip(path, *limits)
    return np.clip(path, *limits) + 3 * np.tanh(beyond / 3) + _unrest(rng, habits, samples)


def _vergence(rng: np.random.Generator, habits: Habits, place: Angles) -> Angles:
    """The eye's own part of looking nearer or farther: slow, and sideways."""
    samples = round(rng.uniform(0.5, 0.9) * SAMPLES_PER_S)
    t_s = np.arange(samples) / SAMPLES_PER_S
    turn = float(rng.uniform(1, 6)) * (-1 if place[0] > 0 else 1)
    path = np.repeat(place[None], samples, 0) + _unrest(rng, habits, samples)
    path[:, 0] += turn * (1 - (1 + t_s / 0.07) * np.exp(-t_s / 0.07))
    return path


def _followed(pitch_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """What follows a pitch with a lag of the first order."""
    keep = np.exp(-1 / (_LID_LAG_S * SAMPLES_PER_S))
    weights = (1 - keep) * keep ** np.arange(round(6 * _LID_LAG_S * SAMPLES_PER_S))
    padded = np.concatenate([np.full(len(weights) - 1, pitch_deg[0]), pitch_deg])
    return np.convolve(padded, weights / weights.sum(), "valid")


def _pupil(rng: np.random.Generator, radius_cm: float, samples: int) -> NDArray[np.float64]:
    """Radius over time: hippus of a few per cent, and now and then the light changes."""
    t_s = np.arange(samples) / SAMPLES_PER_S
    unrest = sum(
        rng.normal(0, 0.02) * np.sin(2 * np.pi * (rng.uniform(0.1, 1.2) * t_s + rng.random()))
        for _ in range(3)
    )
    radius = radius_cm * (1 + unrest)
    begin_s = rng.exponential(2.0)
    while begin_s < t_s[-1]:
        since_s = np.maximum(0, t_s - begin_s)
        change = rng.uniform(-0.3, 0.25)
        radius *= 1 + change * (1 - np.exp(-since_s / (0.25 if change < 0 else 0.9)))
        begin_s += rng.exponential(2.5)
    return np.clip(radius, 0.1, 0.38)


def _smooth(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """From 0 to 1 with the least jerk."""
    return share**3 * (10 - 15 * share + 6 * share**2)
