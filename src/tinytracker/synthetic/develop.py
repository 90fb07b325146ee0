"""From linear light to the picture a cheap camera gives: blur, exposure, noise, tone curve, denoising,
sharpening, JPEG.

Every camera differs in these, and a network must not read the gaze from any of them; so each is drawn at
random, the optics and processing once per recording (`Sensor`), the exposure once per trial (`Exposure`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import cv2
import numpy as np

from tinytracker.domain import Box
from tinytracker.synthetic.exposing import average, expose, shrink

_STEPS, _BRIGHTEST = 4096, 8.0  # the tone table goes over sqrt(light / _BRIGHTEST)


@dataclass(frozen=True)
class Sensor:
    """A camera's optics and processing.

    blur_px: Gaussian blur in frame pixels. vignetting: light lost in the corners. shot, read: variance of the
    noise, per unit of light and constant. chroma: share of the noise that differs between the channels. tone:
    uint8 (4097,) from light to pixel values. saturation: 1 leaves colours as they are. resolution: frame
    pixels per pixel really resolved (a cheap webcam's picture is blown up). sharpening: strength of the
    unsharp mask. jpeg_quality: of the frames that are written. sharpening_px: radius of the unsharp mask,
    which is how wide its halos are; 0 as narrow as can be. motion_px: (x, y) by which the picture smears
    while the shutter is open. denoising: 0 none, 1 pictures as if painted in water-colours. chroma_px: frame
    pixels per pixel of colour, beyond the two that JPEG has anyway. stream_quality: JPEG quality of a
    webcam's own stream, 0 without.
    """

    blur_px: float
    vignetting: float
    shot: float
    read: float
    chroma: float
    saturation: float
    resolution: float
    sharpening: float
    jpeg_quality: int
    tone: np.ndarray = field(repr=False)
    sharpening_px: float = 0.0
    motion_px: tuple[float, float] = (0.0, 0.0)
    denoising: float = 0.0
    chroma_px: float = 1.0
    stream_quality: int = 0

    @classmethod
    def draw(cls, rng: np.random.Generator, webcam: bool) -> Sensor:
        """webcam: laptops and monitors, whose cameras resolve less."""
        shot = 10 ** rng.uniform(-4.5, -2.6)
        is_coarse = rng.random() < (0.4 if webcam else 0.25)
        return cls(
            blur_px=float(rng.uniform(0.25, 0.9) + 0.6 * rng.random() ** 3),
            vignetting=float(rng.uniform(0, 0.4)),
            shot=float(shot),
            read=float(shot * rng.uniform(0.005, 0.04)),
            chroma=float(rng.uniform(0.3, 0.9)),
            saturation=float(np.clip(rng.normal(1.05, 0.2), 0.4, 1.6)),
            resolution=float(rng.uniform(1.2, 1.7 if webcam else 2.2)) if is_coarse else 1.0,
            sharpening=float(rng.uniform(0.2, 1.0)) if rng.random() < 0.4 else 0.0,
            jpeg_quality=int(rng.integers(45, 98)),
            tone=draw_tone_curve(rng),
        )

    @classmethod
    def phone(cls, rng: np.random.Generator) -> Sensor:
        """A phone's or tablet's front camera: sharp, denoised by its processor, halos when it tries hard."""
        shot = 10 ** rng.uniform(-4.6, -2.9)
        return cls(
            blur_px=float(rng.uniform(0.25, 0.7) + 0.6 * rng.random() ** 3),
            vignetting=float(rng.uniform(0, 0.25)),
            shot=float(shot),
            read=float(shot * rng.uniform(0.005, 0.03)),
            chroma=float(rng.uniform(0.3, 0.9)),
            saturation=float(np.clip(rng.normal(1.05, 0.16), 0.5, 1.4)),
            resolution=float(rng.uniform(1.2, 2.2)) if rng.random() < 0.25 else 1.0,
            sharpening=float(rng.uniform(0.3, 1.6)) if rng.random() < 0.6 else 0.0,
            jpeg_quality=int(rng.integers(40, 98)),
            tone=draw_tone_curve(rng),
            sharpening_px=float(rng.uniform(0.8, 2.0)),
            motion_px=_motion(rng, 0.25, 1.2),
            denoising=float(rng.uniform(0.2, 0.8)) if rng.random() < 0.45 else 0.0,
        )

    @classmethod
    def webcam(cls, rng: np.random.Generator) -> Sensor:
        """A laptop's or monitor's camera: soft, noisy in dim rooms, smeared by denoising, sharpened with wide
        halos, and often compressed once before the computer sees the picture."""
        dim = rng.random() < 0.4
        shot = 10 ** (rng.uniform(-3.4, -2.2) if dim else rng.uniform(-4.4, -3.0))
        return cls(
            blur_px=float(rng.uniform(0.45, 1.9) + 0.8 * rng.random() ** 3),
            vignetting=float(rng.uniform(0, 0.45)),
            shot=float(shot),
            read=float(shot * rng.uniform(0.01, 0.06)),
            chroma=float(rng.uniform(0.4, 0.95)),
            saturation=float(np.clip(rng.normal(0.95, 0.2), 0.35, 1.35)),
            resolution=float(rng.uniform(1.2, 3.0)) if rng.random() < 0.6 else 1.0,
            sharpening=float(rng.uniform(0.3, 1.8)) if rng.random() < 0.55 else 0.0,
            jpeg_quality=int(rng.integers(28, 97)),
            tone=draw_tone_curve(rng),
            sharpening_px=float(rng.uniform(0.9, 2.6)),
            motion_px=_motion(rng, 0.5 if dim else 0.2, 1.8),
            denoising=float(rng.uniform(0.3, 1.0)) if rng.random() < (0.75 if dim else 0.4) else 0.0,
            chroma_px=4.0 if rng.random() < 0.35 else 1.0,
            stream_quality=int(rng.integers(35, 85)) if rng.random() < 0.4 else 0,
        )


def _motion(rng: np.random.Generator, share: float, longest_px: float) -> tuple[float, float]:
    """A smear in some direction in `share` of the cases."""
    if rng.random() >= share:
        return 0.0, 0.0
    x, y = rng.normal(0, longest_px / 2, 2)
    return float(np.clip(x, -longest_px, longest_px)), float(np.clip(y, -longest_px, longest_px))


@dataclass(frozen=True)
class Exposure:
    """What automatic exposure made of a scene. gain: (3,) factors on linear light, with the error of the
    white balance."""

    gain: np.ndarray


def meter(light: np.ndarray, face_light: float, rng: np.random.Generator) -> Exposure:
    """Exposes for a frame. light: (rows, columns, 3) a small rendering of it. face_light: mean light of the
    face.

    Cameras meter the whole frame, the face, or something between, and miss by a third of a stop or so.
    """
    face_share = rng.uniform(0.3, 1.0)
    level = face_share * face_light + (1 - face_share) * float(light.mean())
    miss = math.exp(rng.normal(0, 0.30))
    return Exposure(np.exp(rng.normal(0, 0.09, 3)) * (0.27 / (level + 0.02)) * miss)


def draw_tone_curve(rng: np.random.Generator) -> np.ndarray:
    """A random curve from light to pixel values: uint8 (4097,) over sqrt(light / 8).

    Kinds: a film-like shoulder, a plain gamma that clips, an S-curve as phones apply, a flat one as of lifted
    shadows.
    """
    light = (np.arange(_STEPS + 1) / _STEPS) ** 2 * _BRIGHTEST
    kind = rng.choice(["shoulder", "gamma", "s-curve", "flat"], p=[0.4, 0.2, 0.25, 0.15])
    gamma = 1 / rng.uniform(1.8, 2.5)
    if kind == "gamma":
        value = np.minimum(light, 1) ** gamma
    else:
        knee = rng.uniform(0.25, 0.7)
        value = np.minimum(light * (1 + 0.10 * light) / (1 + knee * light) * (1 + 0.6 * knee), 1) ** gamma
    if kind == "s-curve":
        strength = rng.uniform(0.15, 0.6)
        value = value + strength * (value * value * (3 - 2 * value) - value)
    if kind == "flat":
        value = value ** rng.uniform(0.75, 0.95)
    black = rng.uniform(0, 0.05) if rng.random() < 0.5 else 0.0
    return (255 * (black + (1 - black) * np.clip(value, 0, 1)) + 0.5).astype(np.uint8)


def develop(
    light: np.ndarray, region: Box, frame_px: tuple[int, int], sensor: Sensor, exposure: Exposure, seed: int
) -> np.ndarray:
    """A picture, uint8 (rows, columns, 3) RGB, from linear light, float32 of the same shape.

    region: the part of the frame (frame pixels) that `light` shows; frame_px: the frame's (width, height).
    Blur, noise and resolution are those of the frame, scaled to the picture. seed: of the noise.
    """
    rows, columns = light.shape[:2]
    scale = columns / region.width_px
    sigma = sensor.blur_px * scale
    if sigma > 0.3:
        light = cv2.GaussianBlur(light, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    if sensor.motion_px != (0.0, 0.0):
        light = _smear(light, sensor.motion_px[0] * scale, sensor.motion_px[1] * scale)
    averaging = min(1.0, scale) ** 2  # shrinking averages the noise away
    x0, y0 = region.x_px / frame_px[0] - 0.5, region.y_px / frame_px[1] - 0.5
    steps = region.width_px / columns / frame_px[0], region.height_px / rows / frame_px[1]
    out = np.empty(light.shape, np.uint8)
    expose(
        light,
        np.asarray(exposure.gain, np.float32),
        np.array([x0, y0, *steps, 2 * sensor.vignetting], np.float32),
        np.float32(sensor.saturation),
        np.array([sensor.shot * averaging, sensor.read * averaging, sensor.chroma], np.float32),
        sensor.tone,
        seed,
        out,
    )
    out = _denoise(out, sensor.denoising, scale)
    out = _sharpen(
        _coarsen(out, sensor.resolution * scale),
        sensor.sharpening,
        max(0.8, (sensor.sharpening_px or 1) * scale),
    )
    out = _blur_colour(out, sensor.chroma_px * scale)
    return _compress(out, sensor.stream_quality)


def _smear(light: np.ndarray, x_px: float, y_px: float) -> np.ndarray:
    """Averages along a line of this length: three taps suffice, as it is a few pixels long at most."""
    margin = math.ceil(max(abs(x_px), abs(y_px)) / 2) + 1
    padded = cv2.copyMakeBorder(light, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
    ends = tuple(_between_pixels(margin + s * x_px, margin + s * y_px) for s in (0.5, -0.5))
    out = np.empty_like(light)
    average(padded.reshape(len(padded), -1), margin, ends, out.reshape(len(out), -1))
    return out


def _between_pixels(x_px: float, y_px: float) -> tuple[int, int, tuple[np.float32, ...]]:
    """A place as `exposing.average` takes it: bilinear, to a 32nd of a pixel."""
    column, right = _thirty_seconds(x_px)
    row, down = _thirty_seconds(y_px)
    left, up = 1 - right, 1 - down
    return row, 3 * column, (left * up, right * up, left * down, right * down)


def _thirty_seconds(length_px: float) -> tuple[int, np.float32]:
    """Whole pixels and the rest, to the nearest 32nd of the nearest 1024th, as OpenCV rounds."""
    parts = (round(1024 * length_px) + 16) >> 5
    return parts >> 5, np.float32((parts & 31) / 32)


def _denoise(image: np.ndarray, strength: float, scale: float) -> np.ndarray:
    """Smooths what differs little, keeps edges, loses fine texture: part of the median of each pixel's
    neighbourhood."""
    if strength <= 0 or scale < 0.6:
        return image
    calm = cv2.medianBlur(image, 3 if scale < 1.6 else 5)
    return calm if strength >= 0.95 else cv2.addWeighted(image, 1 - strength, calm, strength, 0)


def _blur_colour(image: np.ndarray, pixels: float) -> np.ndarray:
    """Keeps the brightness, loses colour's detail finer than `pixels`."""
    if pixels <= 1.2:
        return image
    rows, columns = image.shape[:2]
    luma, *chroma = cv2.split(cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb))
    small = (max(1, round(columns / pixels)), max(1, round(rows / pixels)))
    coarse = cv2.resize(
        cv2.resize(cv2.merge(chroma), small, interpolation=cv2.INTER_AREA),
        (columns, rows),
        interpolation=cv2.INTER_LINEAR,
    )
    return cv2.cvtColor(cv2.merge([luma, *cv2.split(coarse)]), cv2.COLOR_YCrCb2RGB)


def _compress(image: np.ndarray, quality: int) -> np.ndarray:
    """As a webcam's MJPEG stream leaves a picture."""
    if quality <= 0:
        return image
    _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR))


def _coarsen(image: np.ndarray, pixels: float) -> np.ndarray:
    """Loses detail finer than `pixels`, as a small sensor's picture that was enlarged."""
    if pixels <= 1.05:
        return image
    rows, columns = image.shape[:2]
    small = _shrunk(image, max(1, round(columns / pixels)), max(1, round(rows / pixels)))
    return cv2.resize(small, (columns, rows), interpolation=cv2.INTER_LINEAR)


def _shrunk(image: np.ndarray, columns: int, rows: int) -> np.ndarray:
    """As `cv2.resize` gives it with INTER_AREA."""
    ratios = image.shape[1] / columns, image.shape[0] / rows
    if max(ratios) >= 3 or all(ratio.is_integer() for ratio in ratios) or min(image.shape[:2]) < 4:
        return cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA)
    out = np.empty((rows, columns, 3), np.uint8)
    shrink(image, out)
    return out


def _sharpen(image: np.ndarray, strength: float, sigma: float) -> np.ndarray:
    if strength <= 0:
        return image
    return cv2.addWeighted(image, 1 + strength, cv2.GaussianBlur(image, (0, 0), sigma), -strength, 0)
