"""Quantisation is the format's definition, for any scale and zero point."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinytracker.engines.protocol import TensorSpec


def defined(real: float, scale: float, zero_point: int, low: int, high: int) -> int:
    steps = real / scale
    nearest = math.floor(abs(steps) + 0.5) * (1 if steps >= 0 else -1)
    return min(max(nearest + zero_point, low), high)


@given(st.floats(-4, 4), st.floats(1e-4, 0.1), st.integers(-128, 127))
def test_int8_is_rounded_and_clipped(real, scale, zero_point):
    stored = TensorSpec("x", (1,), "int8", scale, zero_point).quantize(np.array([real]))
    assert stored.dtype == np.int8
    assert stored[0] == defined(real, scale, zero_point, -128, 127)


@given(st.integers(0, 255), st.floats(1e-4, 0.1), st.integers(0, 255))
def test_uint8_comes_back(step, scale, zero_point):
    tensor = TensorSpec("x", (1,), "uint8", scale, zero_point)
    assert tensor.quantize(tensor.dequantize(np.array([step], np.uint8)))[0] == step


@pytest.mark.parametrize(
    ("real", "expected"), [(0.5, 1), (1.5, 2), (2.5, 3), (-0.5, -1), (-2.5, -3), (500, 127), (-500, -128)]
)
def test_halves_round_away_from_zero(real, expected):
    assert TensorSpec("x", (1,), "int8", 1.0).quantize(np.array([real]))[0] == expected


def test_floats_pass():
    tensor = TensorSpec("x", (2,), "float32")
    assert np.array_equal(tensor.quantize(np.array([0.1, -7.0])), np.float32([0.1, -7.0]))
    assert tensor.dequantize(np.float32([3])).dtype == np.float32
