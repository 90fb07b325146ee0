"""The camera's kernels: single precision and short cuts leave every byte as long ways would make it."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from tinytracker.synthetic.develop import _shrunk, _smear, draw_tone_curve
from tinytracker.synthetic.exposing import expose

_BITS_64 = (1 << 64) - 1


def _draws(seed: int) -> tuple[int, list[int]]:
    """A pixel's noise and the generator's state after it: common to the channels, then of each."""

    def stepped(state: int) -> int:
        state ^= (state << 13) & _BITS_64
        state ^= state >> 7
        return state ^ (state << 17) & _BITS_64

    first = stepped(seed)
    second = stepped(first)
    numbers = [(first & 0xFFFF) + (first >> 16 & 0xFFFF) - 65535]
    for c in range(3):
        bits = second >> 21 * c
        numbers.append((bits & 0x3FF) + (bits >> 10 & 0x3FF) - 1023)
    return second, numbers


def _exposed(
    light: np.ndarray, fall: np.ndarray, saturation: float, noise: np.ndarray, seed: int
) -> np.ndarray:
    """Places in the tone curve, all in double precision, pixel by pixel."""
    state = (seed * 2654435761 + 88172645463325252) & _BITS_64
    shot, read, chroma = noise.astype(float)
    out = np.empty(light.shape, int)
    for at in np.ndindex(light.shape[:2]):
        state, (common, *own) = _draws(state)
        rgb = light[at].astype(float) * fall[at]
        grey = rgb @ [0.25, 0.6, 0.15]
        for c in range(3):
            a = max(0.0, grey + saturation * (rgb[c] - grey))
            grain = common * 2.449 / 65535 * math.sqrt(1 - chroma**2) + own[c] * 2.449 / 1023 * chroma
            a = max(0.0, a + grain * math.sqrt(shot * a + read))
            out[*at, c] = min(4096, int(math.sqrt(a / 8) * 4096 + 0.5))
    return out


@pytest.mark.parametrize("seed", range(8))
def test_pictures_are_those_of_double_precision(seed: int) -> None:
    rng = np.random.default_rng(seed)
    light = (rng.random((64, 96, 3)) ** rng.uniform(0.5, 4) * rng.choice([0.05, 0.5, 8])).astype(np.float32)
    gain = np.exp(rng.normal(0, 0.3, 3)).astype(np.float32)
    shot = 10 ** rng.uniform(-4.6, -2.2)
    noise = np.array([shot, shot * rng.uniform(0.005, 0.06), rng.uniform(0.3, 0.95)], np.float32)
    place = np.array([-0.5, -0.5, 1 / 96, 1 / 64, rng.uniform(0, 0.8)], np.float32)
    saturation, tone = np.float32(rng.uniform(0.35, 1.6)), draw_tone_curve(rng)
    out = np.empty(light.shape, np.uint8)
    expose(light, gain, place, saturation, noise, tone, seed, out)
    u, v = (float(place[k]) + (np.arange(n) + 0.5) * float(place[2 + k]) for k, n in ((0, 96), (1, 64)))
    fall = 1 - float(place[4]) * (u**2 + v[:, None] ** 2)
    np.testing.assert_array_equal(out, tone[_exposed(light * gain, fall, float(saturation), noise, seed)])


@pytest.mark.parametrize("seed", range(20))
def test_a_smear_is_the_mean_of_the_picture_and_itself_moved_both_ways(seed: int) -> None:
    rng = np.random.default_rng(seed)
    light = rng.random((40, 50, 3), np.float32)
    x_px, y_px = rng.normal(0, 1.5, 2) * rng.integers(0, 2, 2)
    ways = (np.array([[1, 0, s * x_px], [0, 1, s * y_px]], np.float32) for s in (-0.5, 0.5))
    first, second = (cv2.warpAffine(light, way, (50, 40), borderMode=cv2.BORDER_REPLICATE) for way in ways)
    expected = (light + first + second) * np.float32(1 / 3)
    np.testing.assert_array_equal(_smear(light, float(x_px), float(y_px)), expected)


@pytest.mark.parametrize("seed", range(40))
def test_a_picture_is_made_smaller_as_opencv_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(2, 90, 2)
    image = rng.integers(0, 256, (rows, columns, 3), np.uint8)
    small = [max(1, round(size / rng.uniform(1, 3.5))) for size in (columns, rows)]
    if seed % 8 == 0:
        image, small = image[: rows // 2 * 2, : columns // 2 * 2].copy(), [columns // 2, rows // 2]
    expected = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(_shrunk(image, *small), expected)
