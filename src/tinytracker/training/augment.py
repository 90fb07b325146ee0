"""Augmentation: boxes that lie a little otherwise, other light, other cameras. Random numbers are drawn for a
whole batch at once; pixels are touched as uint8, once per step of the chain (one warp, one table look-up, one
noise addition).

Geometry is one affine map per crop, from the new crop's coordinates to the stored one's, both from -1 to 1:
stored = matrix @ new + shift. Mirroring is part of it (matrix[0, 0] < 0), so labels follow by the same
formula.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tinytracker.training.recipe import Geometric, Photometric

EYE_PX_PER_FACE = 0.289  # an eye box's side over the face box's (0.41 x 0.704, see faces.boxes)
NOISE_LEVELS = 12


@dataclass(frozen=True, slots=True)
class Maps:
    """Affine maps of a batch: matrix float32 (n, 2, 2), shift float32 (n, 2); see the module's text."""

    matrix: np.ndarray
    shift: np.ndarray

    def to_new(self, points: np.ndarray) -> np.ndarray:
        """Points (n, ..., 2) of the stored crop, in the new one's coordinates."""
        flat = points.reshape(len(points), -1, 2) - self.shift[:, None]
        return (
            np.einsum("nij,npj->npi", np.linalg.inv(self.matrix), flat)
            .reshape(points.shape)
            .astype(np.float32)
        )


def identity(count: int) -> Maps:
    """Maps that change nothing."""
    return Maps(np.tile(np.eye(2, dtype=np.float32), (count, 1, 1)), np.zeros((count, 2), np.float32))


def draw_turns(rng: np.random.Generator, rotation_deg: float, count: int) -> np.ndarray:
    """By how much to turn each picture counter-clockwise, float (n,) radians: normal, cut off at 2.5
    standard deviations."""
    return np.radians(rotation_deg) * np.clip(rng.standard_normal(count), -2.5, 2.5)


def draw_maps(
    rng: np.random.Generator,
    mirrored: np.ndarray,
    turns_rad: np.ndarray,
    shift: float,
    zoom: float,
    aspect: float = 1.0,
) -> Maps:
    """Random maps: shift, zoom are standard deviations as in recipe.Geometric, cut off at 2.5 of them;
    mirrored: bool (n,), turns_rad: float (n,), pictures are turned, then mirrored. aspect: of the crop,
    height over width."""
    normal = np.clip(rng.standard_normal((3, len(mirrored))), -2.5, 2.5)
    size = np.exp(zoom * normal[0])
    cos, sin = size * np.cos(turns_rad), size * np.sin(turns_rad)
    matrix = np.stack([np.stack([cos, -sin * aspect], -1), np.stack([sin / aspect, cos], -1)], -2)
    matrix[mirrored, :, 0] *= -1
    return Maps(
        matrix.astype(np.float32), (2 * shift * normal[1:] / [[1], [aspect]]).T.astype(np.float32)
    )  # a box is 2 wide


def in_middle(maps: Maps, share_x: float, share_y: float) -> Maps:
    """Maps within a rectangle, as maps within the larger one whose middle it is: `share_x` of its width,
    `share_y` of its height."""
    shares = np.array([share_x, share_y], np.float32)
    return Maps(maps.matrix * shares[:, None], maps.shift * shares)


def moved_boxes(boxes_px: np.ndarray, maps: Maps, turns_rad: np.ndarray, frame_px: np.ndarray) -> np.ndarray:
    """Where boxes (n, 4) lie when seen through maps, pixels of the frame (n, 2) turned about its middle,
    not mirrored."""
    size = boxes_px[:, 2:] * np.sqrt(np.abs(np.linalg.det(maps.matrix)))[:, None]
    centre = boxes_px[:, :2] + boxes_px[:, 2:] * (1 + maps.shift) / 2
    centre = frame_px / 2 + turned(centre - frame_px / 2, turns_rad)
    return np.concatenate([centre - size / 2, size], axis=1)


def turned(vectors: np.ndarray, turns_rad: np.ndarray) -> np.ndarray:
    """Vectors (n, 2) of pictures that are turned counter-clockwise: x to the right, y down. A gaze point
    turns alike: about the camera, x to the left and y up in the picture."""
    cos, sin = np.cos(turns_rad), np.sin(turns_rad)
    x, y = vectors[:, 0], vectors[:, 1]
    return np.stack([cos * x + sin * y, cos * y - sin * x], axis=1).astype(vectors.dtype)


def warp(images: np.ndarray, maps: Maps, height: int, width: int) -> np.ndarray:
    """Crops through maps: uint8 (n, H, W, C) -> (n, height, width, C); edge pixels are repeated beyond the
    stored crop."""
    stored = np.array(images.shape[2:0:-1], np.float64)  # width, height
    new = np.array([width, height], np.float64)
    # Pixel i's centre is at (2 i + 1) / size - 1.
    matrix = maps.matrix * (stored[:, None] / new[None, :])
    shift = ((maps.shift + 1) * stored - 1) / 2 + np.einsum(
        "nij,j->ni", maps.matrix, (1 / new - 1)
    ) * stored / 2
    affine = np.concatenate([matrix, shift[:, :, None]], axis=2)
    out = np.empty((len(images), height, width, images.shape[3]), np.uint8)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    for image, one, place in zip(images, affine, out, strict=True):
        warped = cv2.warpAffine(image, one, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        place[:] = warped.reshape(place.shape)
    return out


@dataclass(frozen=True, slots=True)
class Looks:
    """What photometric augmentation drew for a batch; the crops of one sample share the camera but not the
    ramps (`Light`).

    exponent, contrast, pivot: float (n,), of the curve that the camera answers light with, added: float (n,
    3), what it adds to each channel (`tables`). shrink: float (n,), 1 for a good camera. noise: int (n,), a
    level of NoiseBank. grey: bool (n,).
    """

    exponent: np.ndarray
    contrast: np.ndarray
    pivot: np.ndarray
    added: np.ndarray
    shrink: np.ndarray
    noise: np.ndarray
    grey: np.ndarray

    def tables(self) -> np.ndarray:
        """What becomes of each level of each channel: uint8 (n, 256, 3)."""
        exponent, contrast, pivot = (
            drawn[:, None, None] for drawn in (self.exponent, self.contrast, self.pivot)
        )
        level = np.linspace(0, 1, 256)[None, :, None] ** exponent
        tables = ((level - pivot) * contrast + pivot + self.added[:, None]) * 255
        return np.asarray(np.clip(tables + 0.5, 0, 255).astype(np.uint8))


@dataclass(frozen=True, slots=True)
class Light:
    """What was drawn for one kind of crop. ramps: float (n, 2), the logarithm of the light at its right and
    its lower edge. places: float (n,) in [0, 1), where the bank of noise is cut."""

    ramps: np.ndarray
    places: np.ndarray


def draw_looks(rng: np.random.Generator, options: Photometric, count: int, mean: np.ndarray) -> Looks:
    """Draws for `count` samples; mean: float (n,), the mean of each face crop, white being 1."""
    exponent: np.ndarray = np.exp(options.gamma * rng.standard_normal(count))
    contrast: np.ndarray = np.exp(options.contrast * rng.standard_normal(count))
    brightness = options.brightness * rng.standard_normal((count, 1))
    added = brightness + options.colour * rng.standard_normal((count, 3))
    worse = rng.random(count) < options.low_resolution
    shrink = np.where(worse, np.exp(rng.uniform(np.log(options.finest), np.log(4.0), count)), 1.0)
    noise = (rng.random(count) * (NOISE_LEVELS + 1)).astype(int)
    return Looks(exponent, contrast, mean**exponent, added, shrink, noise, rng.random(count) < options.grey)


def draw_light(rng: np.random.Generator, options: Photometric, count: int) -> Light:
    """Draws for one kind of crop of `count` samples."""
    return Light(options.ramp * rng.standard_normal((count, 2)), rng.random(count))


class NoiseBank:
    """White noise made once: int16 arrays of NOISE_LEVELS strengths up to `largest` (white being 1), cut
    at random places."""

    def __init__(self, largest: float, seed: int) -> None:
        normal = np.random.default_rng((seed, 1)).standard_normal(1 << 18)
        levels = np.arange(NOISE_LEVELS + 1)[:, None] * (largest / NOISE_LEVELS)
        self.levels = np.round(normal * levels * 255).astype(np.int16)

    def starts(self, places: np.ndarray, size: int) -> np.ndarray:
        """Where the bank is cut for pictures of `size` numbers: int (n,); places in [0, 1)."""
        starts: np.ndarray = (places * (self.levels.shape[1] - size)).astype(np.int64)
        return starts

    def add(self, image: np.ndarray, level: int, start: int) -> np.ndarray:
        """The image with noise of a level, cut at `start`."""
        noise = self.levels[level, start : start + image.size].reshape(image.shape)
        return cv2.add(image, noise, dtype=cv2.CV_8U).reshape(image.shape)


def change_looks(
    images: np.ndarray,
    looks: Looks,
    light: Light,
    options: Photometric,
    bank: NoiseBank,
    is_face: bool,
) -> None:
    """Changes crops in place: uint8 (n, H, W, 3 or 1). is_face: as wide as a face, be it a face crop or an
    eye band."""
    count, height, width, channels = images.shape
    across, down = (
        np.exp(light.ramps[:, [axis]] * np.linspace(-1, 1, length)).astype(np.float32)
        for axis, length in enumerate((width, height))
    )
    tables, starts = looks.tables(), bank.starts(light.places, height * width * channels)
    for i in range(count):
        image = images[i]
        if looks.shrink[i] > 1:
            image = _blur(image, looks.shrink[i], is_face)
        if options.ramp:
            field = np.multiply.outer(down[i], across[i])
            image = cv2.multiply(
                image, cv2.merge([field] * channels) if channels > 1 else field, dtype=cv2.CV_8U
            )
        image = cv2.LUT(image, tables[i : i + 1, :, :channels]).reshape(height, width, channels)
        if looks.grey[i] and channels == 3:
            image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        if looks.noise[i] and options.noise:
            image = bank.add(np.ascontiguousarray(image), looks.noise[i], starts[i])
        images[i] = image


def seen_sizes(shrink: np.ndarray, height: int, width: int, is_face: bool) -> np.ndarray:
    """How many pixels a camera with `shrink` (n,) times fewer would have given a crop: int (n, 2) [height,
    width]; those of the crop itself where no detail is lost.

    The eye crop is taken to be 64 px of that camera's 64 / shrink; the face crop of the same camera has 1 /
    0.289 times as many, so a small face crop loses nothing.
    """
    seen = 64 / shrink / (EYE_PX_PER_FACE if is_face else 1.0)  # of the width
    sizes = np.maximum(8, np.round(np.stack([seen * height / width, seen], axis=1)))
    loses = (shrink > 1) & (seen < width)
    return np.where(loses[:, None], sizes, [height, width]).astype(np.int64)


def _blur(image: np.ndarray, shrink: float, is_face: bool) -> np.ndarray:
    """What a camera with `shrink` times fewer pixels would show."""
    height, width = image.shape[:2]
    ((seen_height, seen_width),) = seen_sizes(np.array([shrink]), height, width, is_face).tolist()
    if (seen_height, seen_width) == (height, width):
        return image
    small = cv2.resize(image, (seen_width, seen_height), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def draw_mirrored(rng: np.random.Generator, options: Geometric, count: int) -> np.ndarray:
    """Which samples to mirror: bool (n,)."""
    return rng.random(count) < options.flip


# By how much of its side a face crop may reach beyond the frame: left, top, right, lower edge.
DEEPEST_CUTS = np.array([0.2, 0.2, 0.2, 0.5])


def draw_cuts(rng: np.random.Generator, options: Geometric, count: int) -> np.ndarray:
    """What of each face crop lies inside its frame: float (n, 4), left, top, right and lower edge as shares
    of its side. At most one edge is cut."""
    edge = rng.integers(4, size=count)
    depth = np.where(rng.random(count) < options.cut, rng.random(count) * DEEPEST_CUTS[edge], 0.0)
    inside = np.tile([0.0, 0.0, 1.0, 1.0], (count, 1))
    inside[np.arange(count), edge] += np.where(edge < 2, depth, -depth)
    return inside


def inside_px(inside: np.ndarray, height: int, width: int) -> np.ndarray:
    """`draw_cuts` in whole pixels of a crop: int (n, 4), first column and row inside, first ones outside."""
    return np.round(inside * [width, height, width, height]).astype(np.int64)
