"""Batches: made by background threads ahead of time, each a function of (seed, step, rank) alone.

So a resumed run sees the batches an undisturbed one would have, whatever the number of threads, and no random
state has to be saved.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from tinytracker.cards import InputSpec
from tinytracker.domain import LANDMARKS, Box
from tinytracker.faces.boxes import band_share_of_stored
from tinytracker.faces.crops import BLANK, face_grid, grid_cells
from tinytracker.faces.crops import low_pass as smooth
from tinytracker.inputs import EYE_PICTURES, KINDS, PICTURES
from tinytracker.models.network import NetworkSpec
from tinytracker.training import augment
from tinytracker.training.angles import mirrored_angles, turned_angles
from tinytracker.training.recipe import Recipe
from tinytracker.training.samples import Samples

# Gaze angles, head angles, eye points, logarithm of distance, landmarks, eye points in the eyes' own crops,
# openness.
AUXILIARY_SIZES = (4, 3, 12, 1, 2 * len(LANDMARKS), 12, 2)
AUXILIARY = sum(AUXILIARY_SIZES)
REFERENCE_DISTANCE_CM = 35.0


@dataclass(frozen=True, slots=True)
class Batch:
    """n samples as the network sees them.

    places: int (n,), which of the samples; mirrored: bool (n,). turns_rad: float (n,), by how much the
        mirrored or plain picture is turned counter-clockwise.
    crops: by kind, uint8 (n, H, W, C). grid: float32 (n, 625) or
        empty. frame_box: float32 (n, 4), the face box over the frame: x, y, width, height in [0, 1];
        band_box: the same of the eye band, NaN if the network sees none.
    target: float32 (n, 2) gaze in cm, or (n, 14) the eye locator's numbers. distance_cm: float32 (n,), NaN
    unknown.
    auxiliary: float32 (n, AUXILIARY), NaN unknown.
    """

    places: np.ndarray
    mirrored: np.ndarray
    turns_rad: np.ndarray
    crops: dict[str, np.ndarray]
    frame_box: np.ndarray
    band_box: np.ndarray
    grid: np.ndarray
    target: np.ndarray
    distance_cm: np.ndarray
    auxiliary: np.ndarray

    def gaze_of(self, answers_cm: np.ndarray) -> np.ndarray:
        """What an answer about the samples, (2, all, 2) [plain, mirrored], is for this batch: float32 (n,
        2)."""
        return augment.turned(answers_cm[self.mirrored.astype(int), self.places], self.turns_rad)

    def inputs(self, spec: NetworkSpec, device: torch.device) -> tuple[Tensor, ...]:
        """The network's input tensors: float32, maps (n, C, H, W) in channels-last memory."""
        pixels = {
            kind: torch.from_numpy(crops).to(device).permute(0, 3, 1, 2) for kind, crops in self.crops.items()
        }
        frame_box, band_box, grid = (
            torch.from_numpy(numbers).to(device) for numbers in (self.frame_box, self.band_box, self.grid)
        )
        return network_inputs(spec, pixels, frame_box, band_box, grid)


def network_inputs(
    spec: NetworkSpec, pixels: dict[str, Tensor], frame_box: Tensor, band_box: Tensor, grid: Tensor
) -> tuple[Tensor, ...]:
    """A network's input tensors from crops, (n, C, H, W) by kind, levels 0 to 255; the others as in Batch."""

    def one(what: InputSpec) -> Tensor:
        if what.kind == "face_box":
            return frame_box * 2 - 1
        if what.kind == "eye_band_box":
            return band_box * 2 - 1
        if what.kind == "face_grid":
            return grid
        return _map(what, pixels[what.kind], frame_box)

    return tuple(one(what) for what in spec.inputs)


def _map(spec: InputSpec, pixels: Tensor, frame_box: Tensor) -> Tensor:
    """Pixels as a network sees them, with position channels where it wants them."""
    if spec.mirrored:
        pixels = pixels.flip(3)
    count, colours, height, width = pixels.shape
    channels = colours + 2 if spec.position == "channels" else colours
    out = torch.empty(
        (count, channels, height, width), device=pixels.device, memory_format=torch.channels_last
    )
    out[:, :colours] = pixels
    out[:, :colours].mul_(spec.pixel_scale).add_(spec.pixel_offset)
    if spec.position == "channels":
        columns, rows = batch_positions(frame_box, width, height)
        out[:, colours] = (columns.flip(1) if spec.mirrored else columns)[:, None, :]
        out[:, colours + 1] = rows[:, :, None]
    return out


def batch_positions(frame_box: Tensor, width: int, height: int) -> tuple[Tensor, Tensor]:
    """faces.crops.position_vectors for a batch: float32 (n, width) and (n, height); frame_box as in Batch."""

    def along(axis: int, length: int) -> Tensor:
        share = torch.linspace(0, 1, length, device=frame_box.device)
        return (2 * (frame_box[:, axis, None] + frame_box[:, axis + 2, None] * share) - 1).clamp(-1, 1)

    return along(0, width), along(1, height)


@dataclass(frozen=True, slots=True)
class Draw:
    """What chance decided for a batch of n samples: everything that is then done to them follows.

    places, mirrored, turns_rad: as in Batch, but turns of pictures not yet mirrored. maps, light: by kind of
    crop. hides_face: bool (n,), whose face crop is blank. inside: float (n, 4), what of each face crop lies
    inside the frame (`augment.draw_cuts`).
    """

    places: np.ndarray
    mirrored: np.ndarray
    turns_rad: np.ndarray
    maps: dict[str, augment.Maps]
    looks: augment.Looks
    light: dict[str, augment.Light]
    hides_face: np.ndarray
    inside: np.ndarray


class BatchMaker:
    """Makes batches of samples for a network; thread-safe."""

    def __init__(self, samples: Samples, spec: NetworkSpec, recipe: Recipe, seed: int) -> None:
        self._samples = samples
        self._spec = spec
        self._recipe = recipe
        self._seed = seed
        self.sizes: dict[str, tuple[int, int]] = {
            one.kind: (one.height_px, one.width_px) for one in spec.inputs if KINDS[one.kind].is_picture
        }
        seen = {one.kind: one for one in spec.inputs}
        self._shares_y: dict[str, float] = {
            kind: seen[kind].height_px / seen[kind].box_height_px for kind in EYE_PICTURES if kind in seen
        }
        self._wants_grid = any(one.kind == "face_grid" for one in spec.inputs)
        self._landmarks_in_mirror = _landmarks_in_mirror()
        self.bank = augment.NoiseBank(recipe.photometric.noise, seed)
        # Brightest to darkest differ by camera; contrast turns about each face's own mean.
        widest = samples.crops.get("face", next(iter(samples.crops.values())))
        self._means = widest[:, ::8, ::8].mean(axis=(1, 2, 3)) / 255
        self._permutation = lru_cache(maxsize=2)(self._shuffled)

    def training(self, step: int, rank: int = 0, world: int = 1) -> Batch:
        """The batch of a step (from 0) for one of `world` processes: epochs of shuffled samples,
        augmented."""
        draw, photometric = self.draw(step, rank, world), self._recipe.photometric
        batch = self.labelled(draw)
        for kind in self.sizes:
            images = self._crop(kind, draw.places, draw.mirrored, draw.maps[kind])
            is_face = kind not in EYE_PICTURES
            augment.change_looks(images, draw.looks, draw.light[kind], photometric, self.bank, is_face)
            batch.crops[kind] = images
        if "face" in batch.crops:
            faces = batch.crops["face"]
            for face, (left, top, right, bottom) in zip(
                faces, augment.inside_px(draw.inside, *self.sizes["face"]), strict=True
            ):
                face[:top] = face[bottom:] = face[:, :left] = face[:, right:] = 0
            faces[draw.hides_face] = BLANK
        return self._as_defined(batch, low_pass=photometric.low_resolution < 1)

    def draw(self, step: int, rank: int = 0, world: int = 1) -> Draw:
        """What chance decides for `training` of the same arguments."""
        recipe, total = self._recipe, self._recipe.batch_size
        own = np.arange(total)[rank::world] + step * total
        epochs, within = np.divmod(own, len(self._samples))
        places = np.array(
            [self._permutation(int(epoch))[place] for epoch, place in zip(epochs, within, strict=True)]
        )
        rng, geometric, count = np.random.default_rng((self._seed, step, rank)), recipe.geometric, len(places)
        mirrored = augment.draw_mirrored(rng, geometric, count)
        turns = augment.draw_turns(rng, geometric.rotation_deg, count)
        maps = {"face": augment.draw_maps(rng, mirrored, turns, geometric.face_shift, geometric.face_zoom)}
        for kind in EYE_PICTURES:
            aspect = self._shares_y.get(kind, 1.0)  # boxes are square
            maps[kind] = augment.draw_maps(
                rng, mirrored, turns, geometric.eye_shift, geometric.eye_zoom, aspect
            )
        if "eye_band" in self.sizes:
            height, width = self.sizes["eye_band"]
            band = augment.draw_maps(
                rng, mirrored, turns, geometric.band_shift, geometric.band_zoom, height / width
            )
            maps["eye_band"] = band
        looks = augment.draw_looks(rng, recipe.photometric, count, self._means[places])
        light = {kind: augment.draw_light(rng, recipe.photometric, count) for kind in self.sizes}
        hides_face = np.zeros(count, bool)
        if recipe.face_dropout and "face" in self.sizes:
            hides_face = rng.random(count) < recipe.face_dropout
        inside = augment.draw_cuts(rng, geometric, count)
        return Draw(places, mirrored, turns, maps, looks, light, hides_face, inside)

    def plain(self, places: np.ndarray, mirror: bool = False) -> Batch:
        """Samples without augmentation, or all mirrored."""
        mirrored, upright = np.full(len(places), mirror), np.zeros(len(places))
        same = augment.draw_maps(np.random.default_rng(0), mirrored, upright, 0.0, 0.0)
        batch = self._labelled(places, mirrored, upright, dict.fromkeys(PICTURES, same))
        for kind in self.sizes:
            batch.crops[kind] = self._crop(kind, places, mirrored, same)
        return self._as_defined(batch)

    def _as_defined(self, batch: Batch, low_pass: bool = True) -> Batch:
        """The batch, whose crops have lost in place what the network's inputs are defined without: the
        last thing done."""
        for one in self._spec.inputs:
            if one.low_pass_px and low_pass:
                for image in batch.crops[one.kind]:
                    image[:] = smooth(image, one.low_pass_px)
            if one.blank_rows:
                batch.crops[one.kind][:, : one.blank_rows] = BLANK
        return batch

    def _shuffled(self, epoch: int) -> np.ndarray:
        return np.random.default_rng((self._seed, 2, epoch)).permutation(len(self._samples))

    def labelled(self, draw: Draw) -> Batch:
        """A batch as it was drawn, without crops."""
        return self._labelled(draw.places, draw.mirrored, draw.turns_rad, draw.maps)

    def _labelled(
        self, places: np.ndarray, mirrored: np.ndarray, turns_rad: np.ndarray, maps: dict[str, augment.Maps]
    ) -> Batch:
        """All labels of samples seen through maps."""
        samples = self._samples
        sees_band = "eye_band" in self.sizes
        boxes = self._boxes(samples.face_box_px, places, mirrored, turns_rad, maps["face"])
        bands = np.full_like(boxes, np.nan)
        if sees_band:
            bands = self._boxes(samples.band_box_px, places, mirrored, turns_rad, maps["eye_band"])
        gaze = augment.turned(samples.gaze_cm[places], turns_rad)
        gaze[mirrored, 0] *= -1
        points = maps["eye_band" if sees_band else "face"].to_new(samples.points[places])
        openness = samples.openness[places]
        landmarks = maps["face"].to_new(samples.landmarks[places])
        landmarks[mirrored] = landmarks[mirrored][:, self._landmarks_in_mirror]
        points[mirrored], openness[mirrored] = points[mirrored, ::-1], openness[mirrored, ::-1]
        angles = mirrored_angles(turned_angles(samples.angles[places], turns_rad), mirrored)
        distance = samples.distance_cm[places]
        target = gaze if self._spec.output == "gaze" else locator_targets(points, openness)
        logarithm = np.log(distance / REFERENCE_DISTANCE_CM)
        own_points = self._own_points(places, mirrored, maps)
        parts = (
            angles,
            points,
            logarithm,
            landmarks,
            own_points,
            openness,
        )  # in the order of AUXILIARY_SIZES
        return Batch(
            places,
            mirrored,
            np.where(mirrored, -turns_rad, turns_rad),
            {},
            boxes.astype(np.float32),
            bands.astype(np.float32),
            self._grids(boxes) if self._wants_grid else np.empty((len(places), 0), np.float32),
            target.astype(np.float32),
            distance,
            np.concatenate([part.reshape(len(places), -1) for part in parts], axis=1).astype(np.float32),
        )

    def _boxes(
        self,
        boxes_px: np.ndarray,
        places: np.ndarray,
        mirrored: np.ndarray,
        turns_rad: np.ndarray,
        maps: augment.Maps,
    ) -> np.ndarray:
        """Boxes over the frame, (n, 4) in [0, 1], as they lie when seen through maps."""
        frame_px = self._samples.frame_px[places]
        boxes = augment.moved_boxes(boxes_px[places], maps, turns_rad, frame_px) / np.tile(frame_px, 2)
        boxes[mirrored, 0] = 1 - boxes[mirrored, 0] - boxes[mirrored, 2]
        return boxes

    def _own_points(
        self, places: np.ndarray, mirrored: np.ndarray, maps: dict[str, augment.Maps]
    ) -> np.ndarray:
        """The points of each eye in its own crop, (n, 2, 3, 2): half widths from its middle; NaN if the
        network sees no eyes."""
        stored = self._samples.own_points[places]
        stored[mirrored] = stored[mirrored, ::-1]
        out = np.full_like(stored, np.nan)
        for eye, (kind, share_y) in enumerate(self._shares_y.items()):
            shares = np.array([1.0, share_y], np.float32)
            out[:, eye] = maps[kind].to_new(stored[:, eye] / shares) * shares
        return out

    def _crop(self, kind: str, places: np.ndarray, mirrored: np.ndarray, maps: augment.Maps) -> np.ndarray:
        """A mirrored person's left eye is their right one."""
        crops = self._samples.crops
        images = crops[kind][places]
        other_eye = KINDS[kind].other_eye
        if other_eye is not None:
            images[mirrored] = crops[other_eye][places[mirrored]]
        return augment.warp(images, self.in_stored(kind, maps), *self.sizes[kind])

    def in_stored(self, kind: str, maps: augment.Maps) -> augment.Maps:
        """Maps of what the network sees of a kind, as maps of what is stored of it."""
        if kind == "eye_band":
            height, width = self.sizes[kind]
            return augment.in_middle(maps, *band_share_of_stored(height / width))
        if KINDS[kind].other_eye is not None:
            return augment.in_middle(maps, 1.0, self._shares_y[kind])
        return maps

    def _grids(self, boxes: np.ndarray) -> np.ndarray:
        return np.stack([face_grid(*grid_cells(Box(*map(float, box)), 1, 1)) for box in boxes])


def locator_targets(points: np.ndarray, openness: np.ndarray) -> np.ndarray:
    """The eye locator's 14 numbers (`inputs.OUTPUTS`) from points (n, 2, 3, 2) and openness (n, 2)."""
    corners, centres = points[:, :, :2].reshape(-1, 8), points[:, :, 2].reshape(-1, 4)
    return np.concatenate([corners, centres, openness], axis=1)


def _landmarks_in_mirror() -> list[int]:
    """For each landmark, which one a mirror puts in its place."""
    other = {"left": "right", "right": "left"}
    parts = [name.partition("_") for name in LANDMARKS]
    return [LANDMARKS.index("".join((other.get(side, side), *rest))) for side, *rest in parts]


T = TypeVar("T")


def ahead(make: Callable[[int], T], first: int, last: int, threads: int = 1) -> Iterator[tuple[int, T]]:
    """(step, make(step)) for the steps first <= step < last, made by `threads` background threads two batches
    ahead of need."""
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[T]] = deque()
        upcoming = iter(range(first, last))
        for step in range(first, last):
            while len(waiting) < threads + 2 and (following := next(upcoming, None)) is not None:
                waiting.append(pool.submit(make, following))
            yield step, waiting.popleft().result()
