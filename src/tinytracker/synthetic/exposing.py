"""Numba kernels of the camera: how a picture smears while the shutter is open, and how light becomes pixel
values. For `develop`."""

from __future__ import annotations

import math

import numpy as np

from tinytracker.synthetic.jit import njit

_THIRD = np.float32(1 / 3)
_NONE, _EIGHTH, _HALF, _LAST = np.float32(0), np.float32(0.125), np.float32(0.5), np.float32(4096)
_DOUBT = np.float32(2e-6)
"""Share of a light by which a dozen steps in single precision may be off, and then some."""


@njit(cache=True, nogil=True)
def average(padded, margin, ends, out):
    """The mean of each value and of two places beside it, in single precision and in this order (no
    fastmath).

    padded: float32 (rows, values), pixels of three values with `margin` more of them on every side than `out`
    has. ends: for each of the two places, the row and the value of a pixel's first value in `padded` that
    belong to the first of `out`, and the weights of this pixel, the next, and those below.
    """
    for i in range(out.shape[0]):
        middle, mean = padded[margin + i, 3 * margin :], out[i]
        for k in range(len(mean)):
            mean[k] = middle[k]
        for row, value, weights in ends:
            a, b, c, d = weights
            above, below = padded[row + i, value:], padded[row + i + 1, value:]
            above_right, below_right = above[3:], below[3:]
            for k in range(len(mean)):
                mean[k] += above[k] * a + above_right[k] * b + below[k] * c + below_right[k] * d
        for k in range(len(mean)):
            mean[k] *= _THIRD


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def expose(light, gain, place, saturation, noise, tone, seed, out):
    """Gain, vignetting, saturation, noise and tone curve of every pixel.

    place: [x, y of the picture's corner from the middle of the frame, x and y per pixel, vignetting], in
    frames. noise: [shot, read, chroma]. tone: rising. Roots in double precision would take most of the time.
    So they are taken in single precision, of many pixels at once, and again of the few where that leaves a
    doubt.
    """
    rows, columns = light.shape[0], light.shape[1]
    red, green, blue = gain[0], gain[1], gain[2]
    state = np.uint64(seed) * np.uint64(2654435761) + np.uint64(88172645463325252)
    drawn, seen = np.empty((4, columns), np.int32), np.empty((3, columns))
    low, high = np.empty((3, columns), np.int32), np.empty((3, columns), np.int32)
    for i in range(rows):
        state = _load(light[i], red, green, blue, state, seen, drawn)
        _without_noise(seen, place, place[1] + (i + 0.5) * place[3], saturation)
        for c in range(3):
            _bounds(seen[c], drawn[0], drawn[1 + c], noise, low[c], high[c])
        for j in range(columns):
            for c in range(3):
                value = tone[low[c, j]]
                if value != tone[high[c, j]]:
                    value = tone[_step(seen[c, j], drawn[0, j], drawn[1 + c, j], noise)]
                out[i, j, c] = value


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _without_noise(seen, place, v, saturation):
    """Vignetting and saturation of a row of pixels, in place."""
    x, step, vignetting = place[0], place[2], place[4]
    for j in range(seen.shape[1]):
        u = x + (j + 0.5) * step
        fall = 1 - vignetting * (u * u + v * v)
        r, g, b = seen[0, j] * fall, seen[1, j] * fall, seen[2, j] * fall
        grey = 0.25 * r + 0.6 * g + 0.15 * b
        seen[0, j] = max(0.0, grey + saturation * (r - grey))
        seen[1, j] = max(0.0, grey + saturation * (g - grey))
        seen[2, j] = max(0.0, grey + saturation * (b - grey))


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _step(seen, common, own, noise):
    """Where in the tone curve a channel's light is with its noise."""
    shot, read, chroma = noise[0], noise[1], noise[2]
    grain = common * (2.449 / 65535.0) * math.sqrt(1 - chroma * chroma) + own * (2.449 / 1023.0) * chroma
    a = max(0.0, seen + grain * math.sqrt(shot * seen + read))
    return np.int32(min(4096.0, math.sqrt(a * 0.125) * 4096 + 0.5))


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _bounds(seen, common, own, noise, low, high):
    """Least and greatest `_step` that each channel's may be, by single precision."""
    shot, read = np.float32(noise[0]), np.float32(noise[1])
    of_common = np.float32(2.449 / 65535.0 * math.sqrt(1 - noise[2] * noise[2]))
    of_own = np.float32(2.449 / 1023.0 * noise[2])
    for j in range(len(seen)):
        a = np.float32(seen[j])
        grain = np.float32(common[j]) * of_common + np.float32(own[j]) * of_own
        change = grain * math.sqrt(shot * a + read)
        doubt = _DOUBT * (a + abs(change))
        low[j] = _single_step(a + change - doubt)
        high[j] = _single_step(a + change + doubt)


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _single_step(a):
    return np.int32(min(_LAST, math.sqrt(max(_NONE, a) * _EIGHTH) * _LAST + _HALF))


@njit(fastmath=True, cache=True, nogil=True)
def _load(light, red, green, blue, state, seen, drawn):
    """A row of pixels, times the gain, and its noise, whole numbers about zero: common to the channels, then
    of each.

    Each number is the sum of two uniform ones of 16 (common) or 10 bits (per channel): near enough to a
    Gaussian, and fast. The generator is xorshift64 (Marsaglia, "Xorshift RNGs", 2003), whose state is
    returned.
    """
    for j in range(light.shape[0]):
        seen[0, j], seen[1, j], seen[2, j] = light[j, 0] * red, light[j, 1] * green, light[j, 2] * blue
        state = _next(state)
        drawn[0, j] = _sum(state, np.uint64(16)) - 65535
        state = _next(state)
        for c in range(3):
            drawn[1 + c, j] = _sum(state >> np.uint64(21 * c), np.uint64(10)) - 1023
    return state


@njit(fastmath=True, cache=True, nogil=True)
def _next(state):
    state ^= state << np.uint64(13)
    state ^= state >> np.uint64(7)
    return state ^ (state << np.uint64(17))


@njit(fastmath=True, cache=True, nogil=True)
def _sum(state, bits):
    """Of the two numbers in the lowest bits."""
    mask = (np.uint64(1) << bits) - np.uint64(1)
    return np.int32(state & mask) + np.int32((state >> bits) & mask)
