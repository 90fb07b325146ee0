"""From linear light to the picture a cheap camera gives: blur, exposure, colour, noise, tone curve, low resolution, JPEG.

Every camera differs in these, and a network must not read the gaze from any of them; so each is drawn at random, the optics
and processing once per recording (`Sensor`), the exposure once per trial (`Exposure`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import cv2
import numpy as np

from tinytracker.domain import Box
from tinytracker.synthetic.noise import njit

_STEPS, _BRIGHTEST = 4096, 8.0  # the tone table goes over sqrt(light / _BRIGHTEST)


@dataclass(frozen=True)
class Sensor:
    """A camera's optics and processing.

    blur_px: Gaussian blur in frame pixels. vignetting: light lost in the corners. shot, read: variance of the noise, per
    unit of light and constant. chroma: share of the noise that differs between the channels. tone: uint8 (4097,) from light
    to pixel values. saturation: 1 leaves colours as they are. resolution: frame pixels per pixel really resolved (a cheap
    webcam's picture is blown up). sharpening: strength of the unsharp mask. jpeg_quality: 45 to 97.
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


@dataclass(frozen=True)
class Exposure:
    """What automatic exposure made of a scene. gain: (3,) factors on linear light, with the error of the white balance."""

    gain: np.ndarray


def meter(light: np.ndarray, face_light: float, rng: np.random.Generator) -> Exposure:
    """Exposes for a frame. light: (rows, columns, 3) a small rendering of it. face_light: mean light of the face.

    Cameras meter the whole frame, the face, or something between, and miss by a third of a stop or so.
    """
    face_share = rng.uniform(0.3, 1.0)
    level = face_share * face_light + (1 - face_share) * float(light.mean())
    miss = math.exp(rng.normal(0, 0.30))
    return Exposure(np.exp(rng.normal(0, 0.09, 3)) * (0.27 / (level + 0.02)) * miss)


def draw_tone_curve(rng: np.random.Generator) -> np.ndarray:
    """A random curve from light to pixel values: uint8 (4097,) over sqrt(light / 8).

    Kinds: a film-like shoulder, a plain gamma that clips, an S-curve as phones apply, a flat one as of lifted shadows.
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

    region: the part of the frame (frame pixels) that `light` shows; frame_px: the frame's (width, height). Blur, noise and
    resolution are those of the frame, scaled to the picture. seed: of the noise.
    """
    rows, columns = light.shape[:2]
    scale = columns / region.width_px
    sigma = sensor.blur_px * scale
    if sigma > 0.3:
        light = cv2.GaussianBlur(light, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    averaging = min(1.0, scale) ** 2  # shrinking averages the noise away
    x0, y0 = region.x_px / frame_px[0] - 0.5, region.y_px / frame_px[1] - 0.5
    steps = region.width_px / columns / frame_px[0], region.height_px / rows / frame_px[1]
    out = np.empty(light.shape, np.uint8)
    _expose(
        light,
        np.asarray(exposure.gain, np.float32),
        np.array([x0, y0, *steps, 2 * sensor.vignetting], np.float32),
        np.float32(sensor.saturation),
        np.array([sensor.shot * averaging, sensor.read * averaging, sensor.chroma], np.float32),
        sensor.tone,
        seed,
        out,
    )
    return _sharpen(_coarsen(out, sensor.resolution * scale), sensor.sharpening, max(0.8, scale))


def _coarsen(image: np.ndarray, pixels: float) -> np.ndarray:
    """Loses detail finer than `pixels`, as a small sensor's picture that was enlarged."""
    if pixels <= 1.05:
        return image
    rows, columns = image.shape[:2]
    small = cv2.resize(image, (max(1, round(columns / pixels)), max(1, round(rows / pixels))), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (columns, rows), interpolation=cv2.INTER_LINEAR)


def _sharpen(image: np.ndarray, strength: float, sigma: float) -> np.ndarray:
    if strength <= 0:
        return image
    return cv2.addWeighted(image, 1 + strength, cv2.GaussianBlur(image, (0, 0), sigma), -strength, 0)


@njit(fastmath=True, cache=True, nogil=True)
def _expose(light, gain, place, saturation, noise, tone, seed, out):
    """Gain, vignetting, saturation, noise and tone curve of every pixel.

    place: [x, y of the picture's corner from the middle of the frame, x and y per pixel, vignetting], in frames. noise:
    [shot, read, chroma]. Noise is the sum of two uniform numbers of 16 (common) or 10 bits (per channel): near enough to a
    Gaussian, and fast. The generator is xorshift64 (Marsaglia, "Xorshift RNGs", 2003).
    """
    state = np.uint64(seed) * np.uint64(2654435761) + np.uint64(88172645463325252)
    shot, read = noise[0], noise[1]
    common, own = math.sqrt(1 - noise[2] * noise[2]), noise[2]
    rows, columns = light.shape[0], light.shape[1]
    for i in range(rows):
        v = place[1] + (i + np.float32(0.5)) * place[3]
        for j in range(columns):
            u = place[0] + (j + np.float32(0.5)) * place[2]
            fall = 1 - place[4] * (u * u + v * v)
            state ^= state << np.uint64(13)
            state ^= state >> np.uint64(7)
            state ^= state << np.uint64(17)
            shared = (
                (int(state & np.uint64(0xFFFF)) + int((state >> np.uint64(16)) & np.uint64(0xFFFF)) - 65535)
                * (2.449 / 65535.0)
                * common
            )
            state ^= state << np.uint64(13)
            state ^= state >> np.uint64(7)
            state ^= state << np.uint64(17)
            r, g, b = light[i, j, 0] * gain[0] * fall, light[i, j, 1] * gain[1] * fall, light[i, j, 2] * gain[2] * fall
            grey = 0.25 * r + 0.6 * g + 0.15 * b
            for c in range(3):
                a = r if c == 0 else (g if c == 1 else b)
                a = max(0.0, grey + saturation * (a - grey))
                bits = state >> np.uint64(21 * c)
                private = (
                    (int(bits & np.uint64(0x3FF)) + int((bits >> np.uint64(10)) & np.uint64(0x3FF)) - 1023)
                    * (2.449 / 1023.0)
                    * own
                )
                a = max(0.0, a + (shared + private) * math.sqrt(shot * a + read))
                out[i, j, c] = tone[min(4096, int(math.sqrt(a * 0.125) * 4096 + 0.5))]
