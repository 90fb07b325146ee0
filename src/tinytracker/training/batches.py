"""Batches: made by background threads ahead of time, each a function of (seed, step, rank) alone.

So a resumed run sees the batches an undisturbed one would have, whatever the number of threads, and no random state has to
be saved.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from tinytracker.cards import InputSpec
from tinytracker.domain import LANDMARKS, Box
from tinytracker.faces.boxes import band_share_of_stored
from tinytracker.faces.crops import face_grid, grid_cells
from tinytracker.geometry import angles_deg_to_direction, direction_to_angles_deg
from tinytracker.models.network import NetworkSpec
from tinytracker.training import augment
from tinytracker.training.recipe import Recipe
from tinytracker.training.samples import ANGLES, Samples

CROP_KINDS = ("face", "left_eye", "right_eye", "eye_band")
OTHER_EYE = {"left_eye": "right_eye", "right_eye": "left_eye"}
# Gaze angles, head angles, eye points, logarithm of distance, landmarks, eye points in the eyes' own crops, openness.
AUXILIARY_SIZES = (4, 3, 12, 1, 2 * len(LANDMARKS), 12, 2)
AUXILIARY = sum(AUXILIARY_SIZES)
REFERENCE_DISTANCE_CM = 35.0
FACE_BOX_SHAPE = 4


@dataclass(frozen=True, slots=True)
class Batch:
    """n samples as the network sees them.

    places: int (n,), which of the samples; mirrored: bool (n,). turns_rad: float (n,), by how much the mirrored or plain
        picture is turned counter-clockwise.
    crops: by kind, uint8 (n, H, W, C). grid: float32 (n, 625) or
        empty. frame_box: float32 (n, 4), the face box over the frame: x, y, width, height in [0, 1]; band_box: the same of
        the eye band, NaN if the network sees none.
    target: float32 (n, 2) gaze in cm, or (n, 14) the eye locator's numbers. distance_cm: float32 (n,), NaN unknown.
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
        """What an answer about the samples, (2, all, 2) [plain, mirrored], is for this batch: float32 (n, 2)."""
        return augment.turned(answers_cm[self.mirrored.astype(int), self.places], self.turns_rad)

    def inputs(self, spec: NetworkSpec, device: torch.device) -> tuple[Tensor, ...]:
        """The network's input tensors: float32, maps (n, C, H, W) in channels-last memory."""
        return tuple(self._input(one, device) for one in spec.inputs)

    def _input(self, spec: InputSpec, device: torch.device) -> Tensor:
        if spec.kind == "face_box":
            return torch.from_numpy(self.frame_box * 2 - 1).to(device)
        if spec.kind == "eye_band_box":
            return torch.from_numpy(self.band_box * 2 - 1).to(device)
        if spec.kind == "face_grid":
            return torch.from_numpy(self.grid).to(device)
        pixels = torch.from_numpy(self.crops[spec.kind]).to(device).permute(0, 3, 1, 2)
        if spec.mirrored:
            pixels = pixels.flip(3)
        if spec.position != "channels":
            return pixels.float().mul_(spec.pixel_scale).add_(spec.pixel_offset)
        count, colours, height, width = pixels.shape
        out = torch.empty((count, colours + 2, height, width), device=device, memory_format=torch.channels_last)
        out[:, :colours] = pixels
        out[:, :colours].mul_(spec.pixel_scale).add_(spec.pixel_offset)
        columns, rows = (torch.from_numpy(vector).to(device) for vector in position_vectors(self.frame_box, width, height))
        out[:, colours] = (columns.flip(1) if spec.mirrored else columns)[:, None, :]
        out[:, colours + 1] = rows[:, :, None]
        return out


def position_vectors(frame_box: np.ndarray, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """faces.crops.position_vectors for a batch: float32 (n, width) and (n, height); frame_box as in Batch."""
    start, length = frame_box[:, :2, None], frame_box[:, 2:, None]
    xs = 2 * (start[:, 0] + length[:, 0] * np.linspace(0, 1, width, dtype=np.float32)) - 1
    ys = 2 * (start[:, 1] + length[:, 1] * np.linspace(0, 1, height, dtype=np.float32)) - 1
    return np.clip(xs, -1, 1).astype(np.float32), np.clip(ys, -1, 1).astype(np.float32)


class BatchMaker:
    """Makes batches of samples for a network; thread-safe."""

    def __init__(self, samples: Samples, spec: NetworkSpec, recipe: Recipe, seed: int) -> None:
        self._samples = samples
        self._spec = spec
        self._recipe = recipe
        self._seed = seed
        self._sizes: dict[str, tuple[int, int]] = {
            one.kind: (one.height_px, one.width_px) for one in spec.inputs if one.kind in CROP_KINDS
        }
        seen = {one.kind: one for one in spec.inputs}
        self._shares_y: dict[str, float] = {
            kind: seen[kind].height_px / seen[kind].box_height_px for kind in OTHER_EYE if kind in seen
        }
        self._wants_grid = any(one.kind == "face_grid" for one in spec.inputs)
        self._landmarks_in_mirror = _landmarks_in_mirror()
        self._bank = augment.NoiseBank(recipe.photometric.noise, seed)
        # Brightest to darkest differ by camera; contrast turns about each face's own mean.
        widest = samples.crops.get("face", next(iter(samples.crops.values())))
        self._means = widest[:, ::8, ::8].mean(axis=(1, 2, 3)) / 255
        self._permutation = lru_cache(maxsize=2)(self._shuffled)

    def training(self, step: int, rank: int = 0, world: int = 1) -> Batch:
        """The batch of a step (from 0) for one of `world` processes: epochs of shuffled samples, augmented."""
        total = self._recipe.batch_size
        own = np.arange(total)[rank::world] + step * total
        epochs, within = np.divmod(own, len(self._samples))
        places = np.array([self._permutation(int(epoch))[place] for epoch, place in zip(epochs, within, strict=True)])
        rng = np.random.default_rng((self._seed, step, rank))
        geometric = self._recipe.geometric
        mirrored = augment.draw_mirrored(rng, geometric, len(places))
        turns = augment.draw_turns(rng, geometric.rotation_deg, len(places))
        maps = {"face": augment.draw_maps(rng, mirrored, turns, geometric.face_shift, geometric.face_zoom)}
        for kind in OTHER_EYE:
            aspect = self._shares_y.get(kind, 1.0)  # boxes are square
            maps[kind] = augment.draw_maps(rng, mirrored, turns, geometric.eye_shift, geometric.eye_zoom, aspect)
        if "eye_band" in self._sizes:
            height, width = self._sizes["eye_band"]
            band = augment.draw_maps(rng, mirrored, turns, geometric.band_shift, geometric.band_zoom, height / width)
            maps["eye_band"] = band
        batch = self._seen(places, mirrored, turns, maps)
        looks = augment.draw_looks(rng, self._recipe.photometric, len(places), self._means[places])
        for kind, images in batch.crops.items():
            augment.change_looks(rng, images, looks, self._recipe.photometric, self._bank, kind not in OTHER_EYE)
        if self._recipe.face_dropout and "face" in batch.crops:
            batch.crops["face"][rng.random(len(places)) < self._recipe.face_dropout] = 128
        return batch

    def plain(self, places: np.ndarray, mirror: bool = False) -> Batch:
        """Samples without augmentation, or all mirrored."""
        mirrored, upright = np.full(len(places), mirror), np.zeros(len(places))
        same = augment.draw_maps(np.random.default_rng(0), mirrored, upright, 0.0, 0.0)
        return self._seen(places, mirrored, upright, dict.fromkeys(CROP_KINDS, same))

    def _shuffled(self, epoch: int) -> np.ndarray:
        return np.random.default_rng((self._seed, 2, epoch)).permutation(len(self._samples))

    def _seen(self, places: np.ndarray, mirrored: np.ndarray, turns_rad: np.ndarray, maps: dict[str, augment.Maps]) -> Batch:
        """Samples through maps, all labels with them."""
        samples = self._samples
        sees_band = "eye_band" in self._sizes
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
        angles = _mirrored_angles(_turned_angles(samples.angles[places], turns_rad), mirrored)
        distance = samples.distance_cm[places]
        target = gaze if self._spec.output == "gaze" else locator_targets(points, openness)
        logarithm = np.log(distance / REFERENCE_DISTANCE_CM)
        own_points = self._own_points(places, mirrored, maps)
        parts = (angles, points, logarithm, landmarks, own_points, openness)  # in the order of AUXILIARY_SIZES
        return Batch(
            places,
            mirrored,
            np.where(mirrored, -turns_rad, turns_rad),
            {kind: self._crop(kind, places, mirrored, maps[kind]) for kind in self._sizes},
            boxes.astype(np.float32),
            bands.astype(np.float32),
            self._grids(boxes) if self._wants_grid else np.empty((len(places), 0), np.float32),
            target.astype(np.float32),
            distance,
            np.concatenate([part.reshape(len(places), -1) for part in parts], axis=1).astype(np.float32),
        )

    def _boxes(
        self, boxes_px: np.ndarray, places: np.ndarray, mirrored: np.ndarray, turns_rad: np.ndarray, maps: augment.Maps
    ) -> np.ndarray:
        """Boxes over the frame, (n, 4) in [0, 1], as they lie when seen through maps."""
        frame_px = self._samples.frame_px[places]
        boxes = augment.moved_boxes(boxes_px[places], maps, turns_rad, frame_px) / np.tile(frame_px, 2)
        boxes[mirrored, 0] = 1 - boxes[mirrored, 0] - boxes[mirrored, 2]
        return boxes

    def _own_points(self, places: np.ndarray, mirrored: np.ndarray, maps: dict[str, augment.Maps]) -> np.ndarray:
        """The points of each eye in its own crop, (n, 2, 3, 2): half widths from its middle; NaN if the network sees no eyes."""
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
        if kind in OTHER_EYE:
            images[mirrored] = crops[OTHER_EYE[kind]][places[mirrored]]
        height, width = self._sizes[kind]
        if kind == "eye_band":
            maps = augment.in_middle(maps, *band_share_of_stored(height / width))
        if kind in OTHER_EYE:
            maps = augment.in_middle(maps, 1.0, self._shares_y[kind])
        return augment.warp(images, maps, height, width)

    def _grids(self, boxes: np.ndarray) -> np.ndarray:
        return np.stack([face_grid(*grid_cells(Box(*map(float, box)), 1, 1)) for box in boxes])


def locator_targets(points: np.ndarray, openness: np.ndarray) -> np.ndarray:
    """The eye locator's 14 numbers (models.eye_locator.OUTPUTS) from points (n, 2, 3, 2) and openness (n, 2)."""
    corners, centres = points[:, :, :2].reshape(-1, 8), points[:, :, 2].reshape(-1, 4)
    return np.concatenate([corners, centres, openness], axis=1)


def _landmarks_in_mirror() -> list[int]:
    """For each landmark, which one a mirror puts in its place."""
    other = {"left": "right", "right": "left"}
    parts = [name.partition("_") for name in LANDMARKS]
    return [LANDMARKS.index("".join((other.get(side, side), *rest))) for side, *rest in parts]


def _mirrored_angles(angles: np.ndarray, mirrored: np.ndarray) -> np.ndarray:
    """Angles (n, 7) in the order of samples.ANGLES: eyes change places, yaw and roll change sign, pitch stays."""
    swapped = angles[:, [2, 3, 0, 1, 4, 5, 6]] * np.array([-1, 1, -1, 1, -1, 1, -1], np.float32)
    return np.where(mirrored[:, None], swapped, angles)


def _turned_angles(angles: np.ndarray, turns_rad: np.ndarray) -> np.ndarray:
    """Angles (n, 7) in the order and units of samples.ANGLES, of pictures turned counter-clockwise by turns_rad (n,)."""
    units = np.array([unit for _, unit in ANGLES], np.float32)
    degrees = angles * units

    def turn(direction: np.ndarray) -> np.ndarray:
        """A direction (n, 3) of the camera frame; its Y is up."""
        across = augment.turned(direction[:, :2] * [1, -1], turns_rad) * [1, -1]
        return np.concatenate([across, direction[:, 2:]], axis=1)

    for start in (0, 2):
        gaze = turn(angles_deg_to_direction(degrees[:, start], degrees[:, start + 1]))
        degrees[:, start], degrees[:, start + 1] = direction_to_angles_deg(gaze)
    # The head's roll is between its own sideways axis and the level one of a head with its yaw and pitch.
    forward, level = _forward_and_level(degrees[:, 4], degrees[:, 5])
    roll = np.radians(degrees[:, 6:])
    sideways = turn(np.cos(roll) * level + np.sin(roll) * np.cross(forward, level))
    degrees[:, 4], degrees[:, 5] = direction_to_angles_deg(turn(forward))
    forward, level = _forward_and_level(degrees[:, 4], degrees[:, 5])
    up = np.cross(forward, level)
    degrees[:, 6] = np.degrees(np.arctan2((sideways * up).sum(1), (sideways * level).sum(1)))
    return degrees / units


def _forward_and_level(yaw_deg: np.ndarray, pitch_deg: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where a face looks, and its sideways axis without roll: (n, 3) each, camera frame."""
    yaw = np.radians(yaw_deg)
    return angles_deg_to_direction(yaw_deg, pitch_deg), np.stack([np.cos(yaw), np.zeros_like(yaw), -np.sin(yaw)], axis=1)


def ahead(
    maker: BatchMaker, first: int, last: int, rank: int = 0, world: int = 1, threads: int = 1
) -> Iterator[tuple[int, Batch]]:
    """(step, batch) for the steps first <= step < last, made by `threads` background threads two batches ahead of need."""
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[Batch]] = deque()
        upcoming = iter(range(first, last))
        for step in range(first, last):
            while len(waiting) < threads + 2 and (following := next(upcoming, None)) is not None:
                waiting.append(pool.submit(maker.training, following, rank, world))
            yield step, waiting.popleft().result()
