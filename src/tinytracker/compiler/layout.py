"""In which order a tensor of (height, width, channels) lies in memory.

HWC is TFLite's own: a pixel's channels side by side. HCW keeps a row's pixels of one channel side by side,
rows one after the other: kernels that work by rows and on several neighbouring pixels at once want it. CHW:
whole planes. Where the width or the number of channels is 1, HWC and HCW are the same bytes; where the height
is 1, HCW and CHW are.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np


class Layout(StrEnum):
    HWC = "HWC"
    HCW = "HCW"
    CHW = "CHW"


def same_bytes(first: Layout, second: Layout, hwc: tuple[int, int, int]) -> bool:
    """Whether an image of (height, width, channels) has the same bytes in both orders."""
    if first == second:
        return True
    height, width, channels = hwc
    pair = {first, second}
    if pair == {Layout.HWC, Layout.HCW}:
        return width == 1 or channels == 1
    if pair == {Layout.HCW, Layout.CHW}:
        return height == 1 or channels == 1
    return channels == 1 or height * width == 1


def arrange(image: np.ndarray, layout: Layout) -> np.ndarray:
    """An (height, width, channels) array's values in the order they lie in memory, flat."""
    axes = {Layout.HWC: (0, 1, 2), Layout.HCW: (0, 2, 1), Layout.CHW: (2, 0, 1)}[layout]
    return np.ascontiguousarray(image.transpose(axes)).reshape(-1)


def steps(layout: Layout, hwc: tuple[int, int, int]) -> tuple[int, int, int]:
    """Distances in elements from one row, pixel and channel to the next."""
    height, width, channels = hwc
    return {
        Layout.HWC: (width * channels, channels, 1),
        Layout.HCW: (channels * width, 1, width),
        Layout.CHW: (width, 1, height * width),
    }[layout]
