"""The pixels of an event camera and its bus. Numba kernels; `sensor` says what they model."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tinytracker.synthetic.jit import njit

MOST_PER_STEP = 64
"""Events of one pixel in one step; more are lost."""
LONGEST_STILL_US = 10_000.0
"""A pixel before which nothing changes is looked at so often: in between it is a straight line."""

CONVERGED = 1e-5
"""A filtered logarithm so near to its target has got there."""


class Pixels(NamedTuple):
    """State of all pixels, arrays (H, W).

    light: last seen; target: its logarithm; level: that, filtered; told: the level last told of; since: the
    time (us) that these are of; ready: when the refractory time ends. on, off: thresholds. hot_hz: noise of
    its own.
    """

    light: np.ndarray
    target: np.ndarray
    level: np.ndarray
    told: np.ndarray
    since: np.ndarray
    ready: np.ndarray
    on: np.ndarray
    off: np.ndarray
    hot_hz: np.ndarray


class Physics(NamedTuple):
    """What is the same for all pixels; see `sensor.SensorSettings`."""

    leak_hz: float
    shot_hz: float
    refractory_us: float
    bandwidth_hz: float
    reference_light: float
    dark_light: float


class Found(NamedTuple):
    """Room for events: time (us), place, whether brighter."""

    t: np.ndarray
    x: np.ndarray
    y: np.ndarray
    on: np.ndarray


@njit(cache=True, nogil=True, inline="always")
def _drawn(state):
    """Uniform in [0, 1): xorshift64*, its state in state[0]."""
    s = state[0]
    s ^= s >> np.uint64(12)
    s ^= s << np.uint64(25)
    s ^= s >> np.uint64(27)
    state[0] = s
    return np.float64((s * np.uint64(2685821657736338717)) >> np.uint64(11)) / 9007199254740992.0


@njit(error_model="numpy", cache=True, nogil=True)
def advance(lit, now, end, row, pixels, physics, random, found):
    """All pixels from `row` on, from wherever they are to `end`: lit (H, W) is the light on them then, and
    since `now` it has changed evenly.

    Stops where `found` might not hold another row's events. Returns (the row to go on with, events found).
    One long function: numba's calls that take so many arrays cost more than what they would do.
    """
    height, width = lit.shape
    light, target, level, told = pixels.light, pixels.target, pixels.level, pixels.told
    since, ready, on, off, hot_hz = pixels.since, pixels.ready, pixels.on, pixels.off, pixels.hot_hz
    t, x, y, is_on = found.t, found.x, found.y, found.on
    leak_hz, refractory = physics.leak_hz, physics.refractory_us
    per_light_us = 2e-6 * math.pi * physics.bandwidth_hz / physics.reference_light
    count = 0
    for j in range(row, height):
        if count + 2 * MOST_PER_STEP * width > t.shape[0]:
            return j, count
        for i in range(width):
            goal = level[j, i]
            is_still = lit[j, i] == light[j, i] and abs(goal - target[j, i]) < CONVERGED
            begin = since[j, i]
            if is_still and end - begin < LONGEST_STILL_US:
                continue
            while begin < end:
                # Until `now` a pixel that was left alone was still; then it follows the light.
                until = now if begin < now and not is_still else end
                before, goal = level[j, i], target[j, i]
                if begin >= now and not is_still:
                    if lit[j, i] != light[j, i]:
                        light[j, i] = lit[j, i]
                        target[j, i] = math.log(lit[j, i] + physics.dark_light)
                    share = per_light_us * (lit[j, i] + physics.dark_light) * (end - begin)
                    goal = target[j, i]
                    if share < 20.0:
                        goal += (before - goal) * math.exp(-share)
                level[j, i], since[j, i] = goal, until
                step = until - begin
                leak = leak_hz * on[j, i] * 1e-6  # per us; a rise that nobody sees
                rise = (goal - before) / step + leak
                base, start = told[j, i], begin
                if ready[j, i] > begin:
                    if ready[j, i] >= until:
                        told[j, i] = base - leak * step
                        begin = until
                        continue
                    start = ready[j, i]
                    base = before + rise * (start - begin)
                top, bottom, last = on[j, i], off[j, i], before + rise * step
                fired = 0
                while fired < MOST_PER_STEP:
                    is_up = rise > 0 and last - base >= top
                    if not is_up and not (rise < 0 and base - last >= bottom):
                        break
                    at = max(start, begin + (base + (top if is_up else -bottom) - before) / rise)
                    t[count], x[count], y[count], is_on[count] = at, i, j, is_up
                    count += 1
                    fired += 1
                    start = at + refractory
                    ready[j, i] = start
                    if start >= until:
                        break
                    base = before + rise * (start - begin)
                if fired == 0:
                    noise = hot_hz[j, i] + physics.shot_hz * min(
                        4.0, math.sqrt(physics.reference_light / max(light[j, i], 1e-9))
                    )
                    while start < until and noise > 0:
                        # A number that says whether there is any before `until` says also when the first is.
                        expected = noise * (until - start) * 1e-6
                        number = _drawn(random)
                        if number >= expected or number >= -math.expm1(-expected):
                            break
                        at = start - math.log(1.0 - number) / noise * 1e6
                        t[count], x[count], y[count], is_on[count] = at, i, j, _drawn(random) < 0.5
                        count += 1
                        fired += 1
                        start = at + refractory
                        ready[j, i] = start
                        base = before + rise * (min(until, start) - begin)
                        if fired == MOST_PER_STEP:
                            break
                told[j, i] = base - leak * step
                begin = until
    return height, count


@njit(cache=True, nogil=True)
def read_out(t, gap_us, queue_us):
    """When each event (in the order of t, us) leaves a bus that sends one every gap_us; NaN if it would wait
    longer than queue_us."""
    sent = np.empty(len(t))
    free = -math.inf
    for k in range(len(t)):
        at = max(t[k], free)
        if at - t[k] > queue_us:
            sent[k] = math.nan
            continue
        sent[k] = at
        free = at + gap_us
    return sent
