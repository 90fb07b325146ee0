"""The processor's arithmetic against registers worked out by hand, and picamera2's own inverse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinytracker.domain import Box
from tinytracker.errors import ModelError
from tinytracker.targets.imx500.chip.isp import (
    Registers,
    look,
    padded,
    registers_for,
    registers_of,
    tensor_of,
    unpadded,
)
from tinytracker.targets.imx500.chip.sensor import Roi, view_of_whole_picture

PIXELS = np.array([0, 1, 127, 128, 200, 255], np.uint8)


def applied(registers: Registers, values: np.ndarray = PIXELS) -> np.ndarray:
    return registers.apply(np.broadcast_to(values, (3, 1, len(values))))[:, 0]


class TestByHand:
    def test_signed_default(self) -> None:
        """t * 1024 >> 6 = 16 t; 16 t - 2048 >> 4 = t - 128."""
        q = applied(Registers("RGB", (1024,) * 3, (-2048,) * 3, is_signed=True))
        assert q.dtype == np.int8
        assert q[0].tolist() == [-128, -127, -1, 0, 72, 127]

    def test_unsigned_default(self) -> None:
        """16 t + 0 >> 4 = t."""
        q = applied(Registers("RGB", (1024,) * 3, (0,) * 3, is_signed=False))
        assert q.dtype == np.uint8
        assert q[2].tolist() == PIXELS.tolist()

    def test_each_shift_rounds_down_on_its_own(self) -> None:
        """div 700, norm -1000: t = 1: 700 >> 6 = 10, 10 - 1000 = -990 >> 4 = -62 (floor of -61.9), not -61;
        t = 127: 88900 >> 6 = 1389, 389 >> 4 = 24; t = 200: 140000 >> 6 = 2187, 1187 >> 4 = 74;
        t = 128: 89600 >> 6 = 1400, 400 >> 4 = 25; t = 255: 178500 >> 6 = 2789, 1789 >> 4 = 111; t = 0: -1000
        >> 4 = -63."""
        q = applied(Registers("RGB", (700,) * 3, (-1000,) * 3, is_signed=True))
        assert q[1].tolist() == [-63, -62, 24, 25, 74, 111]

    def test_two_shifts_are_not_one(self) -> None:
        """t = 3, div 90, norm 12: (270 >> 6) + 12 = 16 >> 4 = 1; in one step (270 + 12 * 64) / 1024 = 1.01;
        but with norm -5: 4 - 5 = -1 >> 4 = -1, where (270 - 320) / 1024 would round to 0."""
        assert applied(Registers("RGB", (90,) * 3, (12,) * 3, True), np.array([3], np.uint8))[0, 0] == 1
        assert applied(Registers("RGB", (90,) * 3, (-5,) * 3, True), np.array([3], np.uint8))[0, 0] == -1

    def test_negative_gain(self) -> None:
        """div -1024: -16 t + 2032 >> 4 = 127 - t."""
        q = applied(Registers("RGB", (-1024,) * 3, (2032,) * 3, is_signed=True))
        assert q[0].tolist() == [127, 126, 0, -1, -73, -128]

    def test_each_plane_has_its_own(self) -> None:
        q = applied(Registers("RGB", (1024, 512, 256), (-2048, -1024, 0), is_signed=True))
        assert q[:, -1].tolist() == [127, (255 * 8 - 1024) >> 4, (255 * 4) >> 4]

    def test_beyond_eight_bits_stays_at_the_end(self) -> None:
        q = applied(Registers("RGB", (2047,) * 3, (0,) * 3, is_signed=True))
        assert q[0].tolist() == [0, 1, 127, 127, 127, 127]


INFO = {
    "inputTensorFormat": "RGB",
    "inputTensorNorm_K00": "0x0400",
    "inputTensorNorm_K02": "0x0000",
    "inputTensorNorm_K03": "0x1800",
    "inputTensorNorm_K11": "0x0401",
    "inputTensorNorm_K13": "0x1801",
    "inputTensorNorm_K20": "0x0000",
    "inputTensorNorm_K22": "0x0402",
    "inputTensorNorm_K23": "0x1802",
}


class TestRegistersOf:
    def test_rgb_signed(self) -> None:
        """0x1800 of 13 bits is -2048."""
        registers = registers_of(INFO)
        assert registers == Registers("RGB", (1024, 1025, 1026), (-2048, -2047, -2046), is_signed=True)

    def test_bgr_takes_the_other_diagonal(self) -> None:
        bgr = INFO | {
            "inputTensorFormat": "BGR",
            "inputTensorNorm_K02": "0x0300",
            "inputTensorNorm_K20": "0x0FFF",
        }
        assert registers_of(bgr).div_val == (0x300, 1025, -1)

    def test_unsigned_by_bit_12_of_k03(self) -> None:
        unsigned = registers_of(INFO | {"inputTensorNorm_K03": "0x0000"})
        assert not unsigned.is_signed
        assert unsigned.norm_val[0] == 0

    @pytest.mark.parametrize(
        "broken", [{"inputTensorFormat": "Y"}, {"inputTensorNorm_K11": "many"}, {"inputTensorFormat": ""}]
    )
    def test_anything_else_is_named(self, broken: dict[str, str]) -> None:
        with pytest.raises(ModelError, match=r"my\.rpk"):
            registers_of(INFO | broken, "my.rpk")

    def test_missing_key_is_named(self) -> None:
        with pytest.raises(ModelError, match="inputTensorNorm_K22"):
            registers_of({key: value for key, value in INFO.items() if key != "inputTensorNorm_K22"})


def test_our_pixels_are_exact() -> None:
    registers = registers_for(1 / 128, -1.0, 1 / 128)
    assert registers == Registers("RGB", (1024,) * 3, (-2048,) * 3, is_signed=True)
    everything = np.arange(256, dtype=np.uint8)
    real = registers.real(applied(registers, everything), 1 / 128)
    np.testing.assert_array_equal(real[0], (everything.astype(np.float32) - 128) / 128)


@given(st.floats(1 / 300, 1 / 80), st.floats(-1.2, 0.0), st.sampled_from([1 / 64, 1 / 128]))
def test_registers_for_is_within_a_step(scale: float, offset: float, step: float) -> None:
    registers = registers_for(scale, offset, step)
    everything = np.arange(256, dtype=np.uint8)
    wanted = everything * scale + offset
    real = registers.real(applied(registers, everything), step)[0]
    inside = np.abs(wanted) < 126 * step
    assert (
        np.abs(real - wanted)[inside].max(initial=0) < 1.6 * step
    )  # rounded down, and registers are rounded themselves


def test_registers_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ModelError, match="12 and 13 bits"):
        registers_for(1.0, -128.0, 1 / 128)


@given(
    st.tuples(*[st.integers(-2048, 2047)] * 3),
    st.tuples(*[st.integers(-4096, 4095)] * 3),
    st.integers(0, 255),
)
def test_formula_for_any_register(div: tuple[int, int, int], norm: tuple[int, int, int], pixel: int) -> None:
    """Python's own integers, which shift arithmetically, are the reference."""
    q = Registers("RGB", div, norm, is_signed=True).apply(np.full((3, 1, 1), pixel, np.uint8))
    expected = [max(-128, min(127, (((pixel * d) >> 6) + n) >> 4)) for d, n in zip(div, norm, strict=True)]
    assert q[:, 0, 0].tolist() == expected


def test_order_of_planes() -> None:
    picture = np.zeros((2, 32, 3), np.uint8)
    picture[..., 0] = 250  # red
    rgb, bgr = (
        tensor_of(picture, Registers(order, (1024,) * 3, (0,) * 3, False)) for order in ("RGB", "BGR")
    )
    assert rgb[:, 0, 0].tolist() == [250, 0, 0]
    assert bgr[:, 0, 0].tolist() == [0, 0, 250]


@pytest.mark.parametrize("order", ["RGB", "BGR"])
@pytest.mark.parametrize(("norm", "signed"), [(-2048, True), (0, False)])
def test_restore_is_the_inverse(order: str, norm: int, signed: bool) -> None:
    rng = np.random.default_rng(1)
    picture = rng.integers(0, 256, (4, 32, 3), dtype=np.uint8)
    registers = Registers("RGB" if order == "RGB" else "BGR", (1024,) * 3, (norm,) * 3, signed)
    np.testing.assert_array_equal(registers.restore(tensor_of(picture, registers)), picture)


@pytest.mark.parametrize(
    ("size", "memory"), [((112, 112), (112, 128)), ((64, 256), (64, 256)), ((97, 100), (98, 128))]
)
def test_padding(size: tuple[int, int], memory: tuple[int, int]) -> None:
    """To 32 wide and 2 high, with zeros, each plane on its own."""
    rng = np.random.default_rng(2)
    registers = registers_for(1 / 128, -1.0, 1 / 128)
    tensor = tensor_of(rng.integers(1, 256, (*size, 3), dtype=np.uint8), registers)
    wide = padded(tensor)
    assert wide.shape == (3, *memory)
    assert not wide[:, size[0] :].any()
    assert not wide[:, :, size[1] :].any()
    listed = np.frombuffer(wide.tobytes(), np.uint8)
    np.testing.assert_array_equal(unpadded(listed, size[1], size[0], registers), tensor)
    np.testing.assert_array_equal(unpadded(tensor.view(np.uint8), size[1], size[0], registers), tensor)


def test_tensor_of_another_network_is_refused() -> None:
    with pytest.raises(ModelError, match="expected 128 x 128"):
        unpadded(np.zeros(77, np.uint8), 128, 128, registers_for(1 / 128, -1.0, 1 / 128))


def test_look_stretches() -> None:
    """A region twice as wide as high fills a square tensor: a square of the scene becomes a rectangle."""
    picture = np.zeros((304, 406, 3), np.uint8)
    picture[100:140, 100:140] = 200  # sensor 999 .. 1399
    view = view_of_whole_picture(406, 304)
    bright = look(picture, view, Roi(600, 900, 1200, 600), 64, 64) > 100
    rows, columns = np.flatnonzero(bright[..., 0].any(1)), np.flatnonzero(bright[..., 0].any(0))
    assert len(rows) / len(columns) == pytest.approx(2.0, rel=0.1)


def test_look_is_black_beyond_the_picture() -> None:
    view = view_of_whole_picture(640, 360)  # wider than the sensor: bands above and below
    picture = np.full((360, 640, 3), 255, np.uint8)
    assert view.crop == Box(
        0.0, pytest.approx((3040 - 4056 * 9 / 16) / 2), 4056.0, pytest.approx(4056 * 9 / 16)
    )
    seen = look(picture, view, Roi(0, 0, 4056, 3040), 64, 64)
    assert seen[0].max() == 0
    assert seen[32].min() == 255
