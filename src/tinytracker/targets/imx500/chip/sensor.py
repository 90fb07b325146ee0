"""The sensor as data, and where a rectangle of the host's picture lies on it.

Frames of reference
- Sensor: full-sensor pixels, 4056 x 3040, x right, y down, as the sensor reads out (its own flips included).
  Regions of interest are given in these whatever the mode: binning halves the pixels, not the numbers.
- Picture: what the host works on, pixels. It shows one rectangle of the sensor (libcamera's ScalerCrop),
  scaled to the stream's size, then turned upright and perhaps mirrored by the host. A `View` knows all of it
  and converts both ways.

Line times are the Raspberry Pi kernel driver's (drivers/media/i2c/imx500.c: line_length_pix over a pixel rate
of 744 MHz, at least 1117 blank lines). The sensor itself can read out faster than that driver lets it over
two lanes: `fastest_readout_ms`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from tinytracker.domain import Box
from tinytracker.errors import UsageError

WIDTH_PX, HEIGHT_PX = 4056, 3040
PIXEL_RATE_HZ = 744_000_000
LEAST_BLANK_LINES = 1117
ROI_STEP_PX = 2  # a region keeps to whole cells of the Bayer pattern

Turn = Literal[0, 90, 180, 270]


@dataclass(frozen=True, slots=True)
class SensorMode:
    """One way of reading the pixels out.

    width_px, height_px: of the picture it gives. binning: full-sensor pixels per pixel of that picture, each
    way.
    fastest_readout_ms: all its lines at the sensor's full speed. line_pixels: the Raspberry Pi driver's line
    length, in periods of its pixel clock.
    """

    name: str
    width_px: int
    height_px: int
    binning: int
    fastest_readout_ms: float
    line_pixels: int

    @property
    def line_us(self) -> float:
        """Time of one line on a Raspberry Pi."""
        return 1e6 * self.line_pixels / PIXEL_RATE_HZ

    @property
    def pi_readout_ms(self) -> float:
        """From the first line to the last on a Raspberry Pi: a rolling shutter, so the picture leans by
        that much."""
        return self.height_px * self.line_us / 1e3

    @property
    def pi_frame_ms(self) -> float:
        """The shortest time from frame to frame on a Raspberry Pi."""
        return (self.height_px + LEAST_BLANK_LINES) * self.line_us / 1e3


MODES = {
    "full": SensorMode("full", 4056, 3040, 1, 16.52, 17_900),
    "binned": SensorMode("binned", 2028, 1520, 2, 5.52, 9_398),
}


def mode_named(name: str) -> SensorMode:
    """A mode of MODES; raises UsageError for another name."""
    if name not in MODES:
        raise UsageError(f"the sensor has no mode {name!r}; expected one of {', '.join(MODES)}")
    return MODES[name]


@dataclass(frozen=True, slots=True)
class Roi:
    """A region of interest: whole full-sensor pixels, at least one each way."""

    x_px: int
    y_px: int
    width_px: int
    height_px: int

    @property
    def box(self) -> Box:
        return Box(float(self.x_px), float(self.y_px), float(self.width_px), float(self.height_px))

    @property
    def as_tuple(self) -> tuple[int, int, int, int]:
        """(left, top, width, height), as picamera2's set_inference_roi_abs takes it."""
        return self.x_px, self.y_px, self.width_px, self.height_px

    @property
    def is_inside(self) -> bool:
        """Whether all of it lies on the sensor."""
        within = self.x_px >= 0 and self.y_px >= 0 and self.width_px > 0 and self.height_px > 0
        return within and self.x_px + self.width_px <= WIDTH_PX and self.y_px + self.height_px <= HEIGHT_PX


WHOLE_SENSOR = Roi(0, 0, WIDTH_PX, HEIGHT_PX)


def parse_roi(text: str) -> Roi:
    """A region written as LEFT,TOP,WIDTH,HEIGHT; raises UsageError if it is none or leaves the sensor."""
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    roi = Roi(*numbers) if len(numbers) == 4 else None
    if roi is None or not roi.is_inside:
        raise UsageError(
            f"a region of interest is LEFT,TOP,WIDTH,HEIGHT in full-sensor pixels, inside {WIDTH_PX} x "
            f"{HEIGHT_PX}, "
            f"not {text!r}; for example 1500,900,1000,1000"
        )
    return roi


def roi_around(box: Box, tensor_size: tuple[int, int], mode: SensorMode) -> Roi:
    """The region that shows `box` (sensor pixels) best: on the sensor, of the box's shape where that fits.

    The camera's software cuts off what leaves the sensor, and the chip then stretches what is left: a face
    would change its shape. So a region that reaches outside is moved in, at its size, and only one larger
    than the sensor is cut. The chip's scaler is not documented to enlarge: a box smaller than the input
    tensor (tensor_size: width, height) in the mode's pixels grows about its middle. Edges lie on even pixels.
    """
    x, y = box.centre_px
    left, width = _span(x, max(box.width_px, tensor_size[0] * mode.binning), WIDTH_PX)
    top, height = _span(y, max(box.height_px, tensor_size[1] * mode.binning), HEIGHT_PX)
    return Roi(left, top, width, height)


def _span(middle: float, length: float, limit: int) -> tuple[int, int]:
    """Start and length on an axis of `limit` pixels, both multiples of ROI_STEP_PX, moved inside."""
    step = ROI_STEP_PX
    whole = min(max(step, math.ceil(length / step - 1e-9) * step), limit // step * step)
    start = round((middle - whole / 2) / step) * step
    return min(max(start, 0), (limit - whole) // step * step), whole


@dataclass(frozen=True, slots=True)
class View:
    """How the host's picture shows the sensor.

    picture_px: width and height of the picture that the host works on. crop: the sensor's rectangle that it
    shows (libcamera's ScalerCrop); it may reach outside the sensor when a simulated picture has another
    shape. turn_deg: clockwise turn by which the host makes the stream upright. mirrored: whether it then
    swaps left and right.
    """

    picture_px: tuple[int, int]
    crop: Box
    turn_deg: Turn = 0
    mirrored: bool = False

    def to_sensor(self, box: Box) -> Box:
        """A box of the picture in sensor pixels."""
        corners = [self._point_to_sensor(x, y) for x, y in _corners(box)]
        return _around(corners)

    def to_picture(self, box: Box) -> Box:
        """A box of the sensor in pixels of the picture; may lie outside it."""
        corners = [self._point_to_picture(x, y) for x, y in _corners(box)]
        return _around(corners)

    def _point_to_sensor(self, x_px: float, y_px: float) -> tuple[float, float]:
        u, v = x_px / self.picture_px[0], y_px / self.picture_px[1]
        u = 1 - u if self.mirrored else u
        # The stream's point that the clockwise turn brings to (u, v).
        u, v = {0: (u, v), 90: (v, 1 - u), 180: (1 - u, 1 - v), 270: (1 - v, u)}[self.turn_deg]
        return self.crop.x_px + u * self.crop.width_px, self.crop.y_px + v * self.crop.height_px

    def _point_to_picture(self, x_px: float, y_px: float) -> tuple[float, float]:
        u = (x_px - self.crop.x_px) / self.crop.width_px
        v = (y_px - self.crop.y_px) / self.crop.height_px
        u, v = {0: (u, v), 90: (1 - v, u), 180: (1 - u, 1 - v), 270: (v, 1 - u)}[self.turn_deg]
        u = 1 - u if self.mirrored else u
        return u * self.picture_px[0], v * self.picture_px[1]


def view_of_whole_picture(width_px: int, height_px: int) -> View:
    """A picture of any shape as if the sensor had taken it: as large as fits, in the middle, black beside
    it."""
    scale = min(WIDTH_PX / width_px, HEIGHT_PX / height_px)
    width, height = width_px * scale, height_px * scale
    return View((width_px, height_px), Box((WIDTH_PX - width) / 2, (HEIGHT_PX - height) / 2, width, height))


def _corners(box: Box) -> tuple[tuple[float, float], tuple[float, float]]:
    return (box.x_px, box.y_px), (box.x_px + box.width_px, box.y_px + box.height_px)


def _around(corners: list[tuple[float, float]]) -> Box:
    (x0, y0), (x1, y1) = corners
    return Box(min(x0, x1), min(y0, y1), abs(x1 - x0), abs(y1 - y0))
