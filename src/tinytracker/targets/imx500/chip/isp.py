"""The sensor's small image processor: from a region of the sensor to the network's input tensor, bit by bit.

It cuts one rectangle, scales it to the tensor's size without keeping its shape, and stores three planes of 8
bits, each by

    q = (((t * div_val) >> div_shift) + norm_val) >> norm_shift        t: 0 .. 255, shifts arithmetic, 6 and 4

div_val and norm_val are the K registers in network_info.txt inside the packaged network: a 3 x 4 matrix of
which plane i uses one colour and the last column. Their widths and signs, the meaning of RGB and BGR and the
padding follow picamera2 0.3.38 (devices/imx500/imx500.py). Two things no source tells: how the scaler
interpolates (here: by area when it shrinks), and what becomes of a q outside 8 bits (here: it stays at the
end of the range); with the registers of our own networks none lies there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tinytracker.errors import ModelError
from tinytracker.faces import crops as cropping
from tinytracker.targets.imx500.chip.limits import HEIGHT_MULTIPLE, WIDTH_MULTIPLE
from tinytracker.targets.imx500.chip.sensor import Roi, View

DIV_SHIFT, NORM_SHIFT = 6, 4
DIV_BITS, NORM_BITS = 12, 13  # two's complement
Order = Literal["RGB", "BGR"]


@dataclass(frozen=True, slots=True)
class Registers:
    """What turns a pixel into a number of the input tensor.

    order: which colours the planes hold, first to last. div_val, norm_val: per plane. is_signed: int8 or
    uint8.
    """

    order: Order
    div_val: tuple[int, int, int]
    norm_val: tuple[int, int, int]
    is_signed: bool

    @property
    def dtype(self) -> type[np.int8] | type[np.uint8]:
        return np.int8 if self.is_signed else np.uint8

    def apply(self, planes: np.ndarray) -> np.ndarray:
        """Pixels uint8 (3, height, width), in the registers' order -> the tensor's numbers, int8 or uint8."""
        t = planes.astype(np.int32)
        div, norm = (np.array(values, np.int32)[:, None, None] for values in (self.div_val, self.norm_val))
        q = (((t * div) >> DIV_SHIFT) + norm) >> NORM_SHIFT
        limits = np.iinfo(self.dtype)
        return np.clip(q, limits.min, limits.max).astype(self.dtype)

    def restore(self, tensor: np.ndarray) -> np.ndarray:
        """The picture that a tensor (3, height, width) was made of, uint8 (height, width, 3) RGB, as near as
        rounding lets.

        The smallest pixel value whose q is the one given, or whose q is nearest: exact where the registers
        lose nothing.
        """
        table = self.apply(np.broadcast_to(np.arange(256, dtype=np.uint8), (3, 1, 256)))[:, 0].astype(
            np.int32
        )
        planes = [
            np.abs(table[i][:, None] - np.arange(*_values(self.dtype))[None, :]).argmin(0) for i in range(3)
        ]
        low = np.iinfo(self.dtype).min
        picture = np.stack([planes[i][tensor[i].astype(np.int32) - low] for i in range(3)], axis=-1).astype(
            np.uint8
        )
        return picture if self.order == "RGB" else picture[..., ::-1]

    def real(self, tensor: np.ndarray, step: float) -> np.ndarray:
        """What the network's first layer sees, float32: q times the quantisation step of its input."""
        return tensor.astype(np.float32) * np.float32(step)


def registers_for(
    pixel_scale: float, pixel_offset: float, step: float, order: Order = "RGB", is_signed: bool = True
) -> Registers:
    """The registers that make q * step = p * pixel_scale + pixel_offset of a pixel p, as near as their bits
    let.

    For our networks, (p - 128) / 128 and a step of 1 / 128, they are 1024 and -2048: q = p - 128, exact.
    Raises ModelError if they do not fit into their bits.
    """
    div = round(pixel_scale / step * (1 << (DIV_SHIFT + NORM_SHIFT)))
    norm = round(pixel_offset / step * (1 << NORM_SHIFT))
    if not _fits(div, DIV_BITS) or not _fits(norm, NORM_BITS):
        raise ModelError(
            f"pixels of scale {pixel_scale:g} and offset {pixel_offset:g} over a step of {step:g} need "
            f"registers {div} and "
            f"{norm}; the sensor has {DIV_BITS} and {NORM_BITS} bits, so scale the input otherwise"
        )
    return Registers(order, (div, div, div), (norm, norm, norm), is_signed)


def registers_of(network_info: Mapping[str, str], place: str = "network_info.txt") -> Registers:
    """The registers named inputTensorNorm_K.. and inputTensorFormat in a packaged network's network_info.txt.

    In BGR the planes are blue, green, red: plane 0 takes K02, plane 2 takes K20. Numbers are signed if bit 12
    of K03 is set. Raises ModelError, naming `place`, if a key is missing or the format is neither RGB nor
    BGR.
    """
    order = network_info.get("inputTensorFormat", "")
    if order not in ("RGB", "BGR"):
        raise ModelError(
            f"{place}: the input tensor's format is {order!r}; expected RGB or BGR: export the network again"
        )
    outer = ("K00", "K11", "K22") if order == "RGB" else ("K02", "K11", "K20")
    try:
        values = {
            key: int(network_info[f"inputTensorNorm_{key}"], 0) for key in (*outer, "K03", "K13", "K23")
        }
    except (KeyError, ValueError) as error:
        raise ModelError(
            f"{place}: no usable {error}; expected inputTensorNorm_K00 and its like: package it again"
        ) from error
    div = tuple(_from_bits(values[key], DIV_BITS) for key in outer)
    norm = tuple(_from_bits(values[key], NORM_BITS) for key in ("K03", "K13", "K23"))
    is_signed = bool(values["K03"] >> (NORM_BITS - 1) & 1)
    return Registers(
        "RGB" if order == "RGB" else "BGR", (div[0], div[1], div[2]), (norm[0], norm[1], norm[2]), is_signed
    )


def look(picture: np.ndarray, view: View, roi: Roi, width_px: int, height_px: int) -> np.ndarray:
    """What the chip's scaler makes of a region: uint8 (height_px, width_px, 3) RGB, stretched to the tensor's
    shape.

    picture: what `view` describes, uint8 RGB; beyond it is black.
    """
    return cropping.crop(picture, view.to_picture(roi.box), width_px, height_px)


def tensor_of(picture: np.ndarray, registers: Registers) -> np.ndarray:
    """A picture of the tensor's size, uint8 (height, width, 3) RGB -> the input tensor, (3, height,
    width)."""
    ordered = picture if registers.order == "RGB" else picture[..., ::-1]
    return registers.apply(np.ascontiguousarray(ordered.transpose(2, 0, 1)))


def padded(tensor: np.ndarray) -> np.ndarray:
    """A tensor with zeros to the right and below, up to multiples of 32 and 2: how it lies in memory and
    is injected."""
    _, height, width = tensor.shape
    return np.pad(tensor, ((0, 0), (0, -height % HEIGHT_MULTIPLE), (0, -width % WIDTH_MULTIPLE)))


def unpadded(numbers: np.ndarray, width_px: int, height_px: int, registers: Registers) -> np.ndarray:
    """The tensor (3, height, width) of a frame's CnnInputTensor: bytes, planes one after the other, padded or
    not.

    Raises ModelError if there are as many as neither.
    """
    flat = np.asarray(numbers).astype(np.uint8).reshape(-1).view(registers.dtype)
    wide, high = width_px + -width_px % WIDTH_MULTIPLE, height_px + -height_px % HEIGHT_MULTIPLE
    for shape in ((3, height_px, width_px), (3, high, wide)):
        if flat.size == np.prod(shape):
            return flat.reshape(shape)[:, :height_px, :width_px]
    raise ModelError(
        f"the sensor's input tensor has {flat.size} numbers; expected {width_px} x {height_px} in 3 planes"
    )


def _from_bits(value: int, bits: int) -> int:
    """A register's bits as a number in two's complement."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def _fits(value: int, bits: int) -> bool:
    return -(1 << (bits - 1)) <= value < 1 << (bits - 1)


def _values(dtype: type[np.int8] | type[np.uint8]) -> tuple[int, int]:
    limits = np.iinfo(dtype)
    return int(limits.min), int(limits.max) + 1
