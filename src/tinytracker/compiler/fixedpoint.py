"""Fixed-point functions exactly as TensorFlow Lite Micro computes them, on Python integers.

The formulas are gemmlowp's (fixedpoint/fixedpoint.h) and TFLM's reference kernels'; the compiler evaluates
them for all 256 values of an int8 and stores a table, so that the board computes none of it.
"""

from __future__ import annotations

import math

INT32_MAX, INT32_MIN = 2**31 - 1, -(2**31)
INT16_MAX, INT16_MIN = 2**15 - 1, -(2**15)


def quantize_multiplier(real: float) -> tuple[int, int]:
    """(multiplier, shift) with real = multiplier * 2^(shift - 31) and multiplier in 2^30..2^31 - 1, or (0,
    0). Source: TFLite's QuantizeMultiplier; a positive shift is to the left."""
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    multiplier = math.floor(abs(fraction) * 2**31 + 0.5)  # rounds half away from zero, as TfLiteRound does
    if multiplier == 2**31:
        multiplier //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    return multiplier, shift


def wrap32(value: int) -> int:
    """The low 32 bits as a signed number."""
    return (value + 2**31) % 2**32 - 2**31


def high_mul(a: int, b: int) -> int:
    """SaturatingRoundingDoublingHighMul of int32: a * b / 2^31, rounded to nearest, halves up."""
    if a == b == INT32_MIN:
        return INT32_MAX
    return (a * b + 2**30) >> 31


def high_mul16(a: int, b: int) -> int:
    """The same for int16: a * b / 2^15. gemmlowp's rounds by truncating after the nudge; halves go up as
    well."""
    if a == b == INT16_MIN:
        return INT16_MAX
    return (a * b + 2**14) >> 15


def rounding_shift(value: int, exponent: int) -> int:
    """RoundingDivideByPOT: value / 2^exponent to nearest, halves away from zero."""
    mask = (1 << exponent) - 1
    threshold = (mask >> 1) + (1 if value < 0 else 0)
    return (value >> exponent) + (1 if (value & mask) > threshold else 0)


def multiply(value: int, multiplier: int, shift: int) -> int:
    """MultiplyByQuantizedMultiplier: value * multiplier * 2^(shift - 31), rounded twice."""
    left, right = max(shift, 0), max(-shift, 0)
    return rounding_shift(high_mul(wrap32(value << left), multiplier), right)


def saturating_shift_left(value: int, exponent: int) -> int:
    """value * 2^exponent, kept within int32."""
    return min(max(value << exponent, INT32_MIN), INT32_MAX)


def input_radius(integer_bits: int, left_shift: int, total_bits: int = 31) -> int:
    """CalculateInputRadius: beyond it a fixed-point function is saturated."""
    return math.floor(((1 << integer_bits) - 1) * (1 << (total_bits - integer_bits)) / (1 << left_shift))


# exp(-2^k) for k = -2..4 as Q0.31: gemmlowp's barrel shifter
_EXP_OF_POWERS = (
    (-2, 1672461947),
    (-1, 1302514674),
    (0, 790015084),
    (1, 290630308),
    (2, 39332535),
    (3, 720401),
    (4, 242),
)


def exp_of_negative(value: int, integer_bits: int) -> int:
    """exp(value) in Q0.31 for value <= 0 in Q(integer_bits).(31 - integer_bits)."""
    fraction_bits = 31 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    in_quarter = (value & (quarter - 1)) - quarter
    result = _exp_in_last_quarter(saturating_shift_left(in_quarter, integer_bits))
    remainder = in_quarter - value
    for exponent, factor in _EXP_OF_POWERS:
        if integer_bits > exponent and remainder & (1 << (fraction_bits + exponent)):
            result = high_mul(result, factor)
    return INT32_MAX if value == 0 else result


def _exp_in_last_quarter(value: int) -> int:
    """exp of Q0.31 in [-1/4, 0): a Taylor series round -1/8."""
    x = value + (1 << 28)
    x2 = high_mul(x, x)
    x3, x4 = high_mul(x2, x), high_mul(x2, x2)
    series = rounding_shift(high_mul(rounding_shift(x4, 2) + x3, 715827883) + x2, 1)
    return 1895147668 + high_mul(1895147668, x + series)


def _newton_reciprocal(value: int) -> int:
    """2 / (1 + value) in Q2.29 for value in Q0.31 from 0 to 1, by three steps of Newton and Raphson."""
    half_denominator = (value + INT32_MAX + 1) // 2
    x = 1515870810 + high_mul(half_denominator, -1010580540)
    for _ in range(3):
        error = (1 << 29) - high_mul(half_denominator, x)
        x += saturating_shift_left(high_mul(x, error), 2)
    return x


def one_over_one_plus(value: int) -> int:
    """1 / (1 + value), Q0.31 in and out, for 0..1."""
    return saturating_shift_left(_newton_reciprocal(value), 1)


def logistic(value: int) -> int:
    """1 / (1 + exp(-value)) in Q0.31 of Q4.27."""
    if value == 0:
        return 1 << 30
    positive = one_over_one_plus(exp_of_negative(-abs(value), 4))
    return positive if value > 0 else INT32_MAX - positive


def tanh(value: int) -> int:
    """tanh in Q0.31 of Q4.27."""
    if value == 0:
        return 0
    # -|2 * value| in Q5.26 has the same bits as -|value| in Q4.27.
    positive = saturating_shift_left(_newton_reciprocal(exp_of_negative(-abs(value), 5)) - (1 << 29), 2)
    return positive if value > 0 else -positive
