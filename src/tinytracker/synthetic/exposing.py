"""Numba kernels of the camera: how a picture smears while the shutter is open, how light becomes pixel
values, how a picture is made smaller. For `develop`."""

from __future__ import annotations

import math

import numpy as np

from tinytracker.synthetic.jit import njit

_THIRD = np.float32(1 / 3)
_NONE, _EIGHTH, _HALF, _LAST = np.float32(0), np.float32(0.125), np.float32(0.5), np.float32(4096)
_LIGHT_OF_A_STEP = np.float32(8 / 4096**2)
"""Times a step's square: the light of the step."""
_DOUBT = np.float32(2e-6)
"""Share of a light by which a dozen steps in single precision may be off, and then some."""
_BANDS = 4
"""Of rows, whose random numbers are drawn side by side."""
_MOST_SHARES = 4
"""Of pixels in one less than three times as wide."""


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
    frames. noise: [shot, read, chroma]. tone: rising. What takes most of the time waits for itself: random
    numbers, each made from the last one, so that those of four bands of rows are drawn side by side; and
    roots in double precision, so that they are taken in single precision, of many pixels at once, and again
    of the few where that leaves a doubt.
    """
    rows, columns = light.shape[0], light.shape[1]
    # Neighbours in flat rows are three apart, which the compiler knows: it then takes many at once.
    light, out = light.reshape(rows, 3 * columns), out.reshape(rows, 3 * columns)
    band = (rows + _BANDS - 1) // _BANDS
    states = _states(seed, 2 * band * columns)
    numbers = np.empty((_BANDS, 2, columns), np.uint64)
    drawn, seen, steps = (
        np.empty((4, columns), np.int32),
        np.empty((3, columns)),
        np.empty((3, columns), np.int32),
    )
    for within in range(band):
        _draw(states, numbers)
        for k in range(_BANDS):
            i = k * band + within
            if i >= rows:
                break
            _as_noise(numbers[k, 0], numbers[k, 1], drawn)
            _as_seen(light[i], gain, place, place[1] + (i + 0.5) * place[3], saturation, seen)
            for c in range(3):
                _single_steps(seen[c], drawn[0], drawn[1 + c], noise, steps[c])
            _develop(seen, drawn, steps, noise, tone, out[i])


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _as_seen(light, gain, place, v, saturation, seen):
    """A row of pixels with gain, vignetting and saturation: float64 (3, columns)."""
    x, step, vignetting = place[0], place[2], place[4]
    red, green, blue = gain[0], gain[1], gain[2]
    for j in range(seen.shape[1]):
        u = x + (j + 0.5) * step
        fall = 1 - vignetting * (u * u + v * v)
        r, g, b = light[3 * j] * red * fall, light[3 * j + 1] * green * fall, light[3 * j + 2] * blue * fall
        grey = 0.25 * r + 0.6 * g + 0.15 * b
        seen[0, j] = max(0.0, grey + saturation * (r - grey))
        seen[1, j] = max(0.0, grey + saturation * (g - grey))
        seen[2, j] = max(0.0, grey + saturation * (b - grey))


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _develop(seen, drawn, steps, noise, tone, out):
    """A row's values from its places in the tone curve."""
    for j in range(seen.shape[1]):
        for c in range(3):
            step = steps[c, j]
            if step < 0:
                step = _step(seen[c, j], drawn[0, j], drawn[1 + c, j], noise)
            out[3 * j + c] = tone[step]


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _step(seen, common, own, noise):
    """Where in the tone curve a channel's light is with its noise."""
    shot, read, chroma = noise[0], noise[1], noise[2]
    grain = common * (2.449 / 65535.0) * math.sqrt(1 - chroma * chroma) + own * (2.449 / 1023.0) * chroma
    a = max(0.0, seen + grain * math.sqrt(shot * seen + read))
    return np.int32(min(4096.0, math.sqrt(a * 0.125) * 4096 + 0.5))


@njit(fastmath=True, cache=True, nogil=True, error_model="numpy")
def _single_steps(seen, common, own, noise, steps):
    """`_step` of a row by single precision, -1 where that is too near to the next step."""
    shot, read = np.float32(noise[0]), np.float32(noise[1])
    of_common = np.float32(2.449 / 65535.0 * math.sqrt(1 - noise[2] * noise[2]))
    of_own = np.float32(2.449 / 1023.0 * noise[2])
    for j in range(len(seen)):
        a = np.float32(seen[j])
        grain = np.float32(common[j]) * of_common + np.float32(own[j]) * of_own
        change = grain * math.sqrt(shot * a + read)
        doubt = _DOUBT * (a + abs(change))
        a = max(_NONE, a + change)
        step = np.int32(min(_LAST, math.sqrt(a * _EIGHTH) * _LAST + _HALF))
        low, high = np.float32(step) - _HALF, np.float32(step) + _HALF
        above = a - doubt > low * abs(low) * _LIGHT_OF_A_STEP
        below = (a + doubt < high * high * _LIGHT_OF_A_STEP) | (step == 4096)
        steps[j] = step if above & below else -1


@njit(fastmath=True, cache=True, nogil=True)
def _as_noise(first, second, drawn):
    """A row's noise from its random numbers, whole numbers about zero, (4, columns): common to the channels,
    then of each.

    Each is the sum of two uniform ones of 16 (common) or 10 bits (per channel): near enough to a Gaussian,
    and fast.
    """
    for j in range(len(first)):
        drawn[0, j] = _sum(first[j], np.uint64(16)) - 65535
    for j in range(len(second)):
        for c in range(3):
            drawn[1 + c, j] = _sum(second[j] >> np.uint64(21 * c), np.uint64(10)) - 1023


@njit(fastmath=True, cache=True, nogil=True)
def _sum(state, bits):
    """Of the two numbers in the lowest bits."""
    mask = (np.uint64(1) << bits) - np.uint64(1)
    return np.int32(state & mask) + np.int32((state >> bits) & mask)


@njit(fastmath=True, cache=True, nogil=True)
def _draw(states, numbers):
    """Two random numbers for each pixel of a row in each band: uint64 (bands, 2, columns)."""
    a, b, c, d = states
    for j in range(numbers.shape[2]):
        for k in range(2):
            a, b, c, d = _next(a), _next(b), _next(c), _next(d)
            numbers[0, k, j], numbers[1, k, j], numbers[2, k, j], numbers[3, k, j] = a, b, c, d
    states[0], states[1], states[2], states[3] = a, b, c, d


@njit(fastmath=True, cache=True, nogil=True)
def _next(state):
    """xorshift64 (Marsaglia, "Xorshift RNGs", 2003)."""
    state ^= state << np.uint64(13)
    state ^= state >> np.uint64(7)
    return state ^ (state << np.uint64(17))


@njit(cache=True, nogil=True)
def _states(seed, numbers):
    """The generator's state uint64 (bands,) before each band, which takes so many numbers.

    A number is a linear function of the last one, bit by bit: a matrix of bits, here a column per bit. Its
    powers by twos lead to any number ahead.
    """
    power = np.array([_next(np.uint64(1) << np.uint64(bit)) for bit in range(64)])
    states = np.full(_BANDS, np.uint64(seed) * np.uint64(2654435761) + np.uint64(88172645463325252))
    two = 0
    while numbers * (_BANDS - 1) >> two:
        for k in range(_BANDS):
            if numbers * k >> two & 1:
                states[k] = _times(power, states[k])
        power = np.array([_times(power, column) for column in power])
        two += 1
    return states


@njit(cache=True, nogil=True)
def _times(matrix, vector):
    """The sum of the columns where the vector has a bit."""
    out = np.uint64(0)
    for bit in range(64):
        out ^= matrix[bit] * ((vector >> np.uint64(bit)) & np.uint64(1))
    return out


@njit(cache=True, nogil=True)
def shrink(image, out):
    """Makes a picture, uint8 (rows, columns, 3) of at least four each, smaller, to more than a third: means
    over areas.

    Adds and rounds as OpenCV's INTER_AREA does where the sizes' ratios are not whole (so no fastmath), in a
    third of the time.
    """
    rows, values = image.shape[0], 3 * image.shape[1]
    image, out = image.reshape(rows, values), out.reshape(out.shape[0], 3 * out.shape[1])
    lefts, across = _areas(values // 3, out.shape[1] // 3)
    tops, down = _areas(rows, out.shape[0])
    row, narrow = np.empty(values, np.float32), np.empty(out.shape[1], np.float32)
    mean, held = np.empty(out.shape[1], np.float32), -1
    for i in range(out.shape[0]):
        mean[:] = 0
        for p in range(_MOST_SHARES):
            share = down[i, p]
            if share == 0:
                continue
            if held != tops[i] + p:  # two of `out` may share a row
                held = tops[i] + p
                for k in range(values):
                    row[k] = image[held, k]
                _narrow(row, lefts, across, narrow)
            for k in range(len(mean)):
                mean[k] += share * narrow[k]
        for k in range(len(mean)):
            out[i, k] = np.uint8(np.rint(mean[k]))


@njit(cache=True, nogil=True)
def _narrow(row, lefts, shares, out):
    """A row's means over areas, pixels of three values."""
    for j in range(len(lefts)):
        k = 3 * lefts[j]
        r = g = b = np.float32(0)
        for p in range(_MOST_SHARES):
            share = shares[j, p]
            r += row[k + 3 * p] * share
            g += row[k + 3 * p + 1] * share
            b += row[k + 3 * p + 2] * share
        out[3 * j], out[3 * j + 1], out[3 * j + 2] = r, g, b


@njit(cache=True, nogil=True)
def _areas(size, small):
    """Of which pixels, `size` in a row, each of `small` in their place is the mean: int64 (small,) the first
    of four, and float32 (small, 4) their shares."""
    scale = 1 / (small / size)
    firsts, shares = np.empty(small, np.int64), np.zeros((small, _MOST_SHARES), np.float32)
    for j in range(small):
        start = j * scale
        end, area = start + scale, min(scale, size - start)
        last = min(math.floor(end), size - 1)
        whole = min(math.ceil(start), last)
        first = whole - 1 if whole - start > 1e-3 else whole
        firsts[j] = min(first, size - _MOST_SHARES)
        n = first - firsts[j]
        if first < whole:
            shares[j, n] = (whole - start) / area
        for k in range(whole, last):
            shares[j, k - firsts[j]] = 1 / area
        if end - last > 1e-3:
            shares[j, last - firsts[j]] = min(end - last, 1.0, area) / area
    return firsts, shares
