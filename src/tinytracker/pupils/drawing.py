"""Pictures of events with the pupil drawn."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tinytracker.domain import Image
from tinytracker.events.crops import SensorCrop
from tinytracker.events.stream import Events
from tinytracker.pupils.follow import PupilSample

BACKGROUND, ROSE, FELL = (22, 24, 30), (240, 214, 130), (70, 130, 230)
PUPIL, TRUTH, CROP, TEXT = (72, 232, 110), (255, 255, 255), (70, 74, 84), (225, 228, 235)
SMALLEST_SIDE_PX = 480
SHIFT = 4  # OpenCV's fixed point: sixteenths of a pixel


def picture_of(
    events: Events,
    sample: PupilSample | None = None,
    truth: NDArray[np.void] | None = None,
    crop: SensorCrop | None = None,
    caption: str = "",
) -> Image:
    """The events of a moment, light that rose yellow, light that fell blue; the pupil as a green cross, the
    true one (a row of labels) as a white ellipse, the square that the network sees as a frame.

    Gives uint8 (height, width, 3), RGB, each pixel of the sensor enlarged to a whole number of pixels.
    """
    scale = max(1, -(-SMALLEST_SIDE_PX // min(events.width_px, events.height_px)))
    small = np.full((events.height_px, events.width_px, 3), BACKGROUND, np.uint8)
    small[events.y_px, events.x_px] = np.where(events.on[:, None], ROSE, FELL).astype(np.uint8)
    picture = np.repeat(np.repeat(small, scale, 0), scale, 1)
    if crop is not None:
        side = crop.size * crop.scale
        corners = [(crop.left_px, crop.top_px), (crop.left_px + side, crop.top_px + side)]
        first, second = ((x * scale, y * scale) for x, y in corners)
        cv2.rectangle(picture, first, second, CROP, 1)
    if truth is not None:
        _draw_truth(picture, truth, scale)
    if sample is not None and sample.x_px is not None and sample.y_px is not None:
        _draw_cross(picture, sample.x_px * scale, sample.y_px * scale)
    if caption:
        cv2.putText(picture, caption, (10, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.55, TEXT, 1, cv2.LINE_AA)
    return picture


def caption_of(sample: PupilSample | None, first_us: int, unit: str = "") -> str:
    """A line about a sample: its time, its pupil, its gaze.

    >>> caption_of(PupilSample(0, 1_500_000, 1_499_000, 40, 300, x_px=12.25, y_px=20.5), 1_000_000)
    '500.0 ms   pupil 12.2, 20.5'
    """
    if sample is None:
        return ""
    time = f"{(sample.t_us - first_us) / 1e3:.1f} ms"
    if sample.x_px is None or sample.y_px is None:
        return f"{time}   {sample.reason}"
    pupil = f"{time}   pupil {sample.x_px:.1f}, {sample.y_px:.1f}"
    return (
        pupil if sample.gaze is None else f"{pupil}   gaze {sample.gaze[0]:.1f}, {sample.gaze[1]:.1f} {unit}"
    )


def _draw_cross(picture: Image, x: float, y: float) -> None:
    arm = min(picture.shape[:2]) * 0.03
    for dx, dy in ((arm, 0.0), (0.0, arm)):
        cv2.line(picture, _fixed(x - dx, y - dy), _fixed(x + dx, y + dy), PUPIL, 2, cv2.LINE_AA, SHIFT)
    cv2.circle(picture, _fixed(x, y), round(1.6 * arm * (1 << SHIFT)), PUPIL, 1, cv2.LINE_AA, SHIFT)


def _draw_truth(picture: Image, truth: NDArray[np.void], scale: int) -> None:
    numbers = [float(truth[name]) for name in ("x_px", "y_px", "major_px", "minor_px", "angle_deg")]
    x, y, major, minor, angle = numbers
    if truth["closed"] or np.isnan([x, y]).any():
        return
    if np.isnan(numbers).any():
        cv2.circle(picture, _fixed(x * scale, y * scale), 4 << SHIFT, TRUTH, 1, cv2.LINE_AA, SHIFT)
        return
    axes = _fixed(major / 2 * scale, minor / 2 * scale)
    cv2.ellipse(picture, _fixed(x * scale, y * scale), axes, angle, 0, 360, TRUTH, 1, cv2.LINE_AA, SHIFT)


def _fixed(x: float, y: float) -> tuple[int, int]:
    """A place between pixels as OpenCV takes it."""
    return round(x * (1 << SHIFT)), round(y * (1 << SHIFT))
