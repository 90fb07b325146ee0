"""The samples' pixels on the device that trains, and the same augmentation there as `augment` does with
OpenCV.

What chance decides is drawn on the host (`batches.Draw`), a few numbers a sample; these travel, and pixels
never do. Warps are grid_sample, cameras of fewer pixels and low-passes are products with resampling matrices,
one per axis. Levels are floats from 0 to 255 throughout, where `augment` rounds after every step: the same
within interpolation and rounding.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from tinytracker.faces.crops import BLANK, low_pass_weights
from tinytracker.inputs import EYE_PICTURES, KINDS
from tinytracker.models.network import NetworkSpec
from tinytracker.training import augment
from tinytracker.training.batches import BatchMaker, Draw
from tinytracker.training.recipe import Recipe
from tinytracker.training.samples import Samples

LEAST_SIDE_PX = 8  # of what a worse camera sees, as in augment.seen_sizes
GREY = (0.299, 0.587, 0.114)  # of R, G and B, ITU-R BT.601, as OpenCV has it


class PixelsOnDevice:
    """All crops of `samples` as uint8 on a device, and `BatchMaker.training`'s pictures made of them there.

    Memory: n x height x width x channels bytes for each kind of crop, with samples.MARGIN around.
    """

    def __init__(
        self, samples: Samples, spec: NetworkSpec, recipe: Recipe, maker: BatchMaker, device: torch.device
    ) -> None:
        self._maker, self._photometric = maker, recipe.photometric
        self._crops = {kind: torch.from_numpy(crops).to(device) for kind, crops in samples.crops.items()}
        self._bank = torch.from_numpy(maker.bank.levels.reshape(-1)).to(device)
        self._grey = torch.tensor(GREY, device=device)[None, :, None, None]
        sides = {side for size in maker.sizes.values() for side in size}
        self._worse = {side: _worse_cameras(side).to(device) for side in sides}
        self._blank_rows: dict[str, int] = {one.kind: one.blank_rows for one in spec.inputs}
        sigma: dict[str, float] = {one.kind: one.low_pass_px for one in spec.inputs}
        if recipe.photometric.low_resolution >= 1:
            sigma = {}  # every sample goes through another low-pass in place of the defined one
        self._smooth = {
            kind: tuple(_low_pass(side, sigma[kind]).to(device) for side in size)
            for kind, size in maker.sizes.items()
            if sigma.get(kind)
        }

    def numbers(self, draw: Draw) -> dict[str, np.ndarray]:
        """What travels of a draw, by name; `crops` takes the same as tensors of the device."""
        looks, count = draw.looks, len(draw.places)
        numbers = {
            "places": draw.places.astype(np.int64),
            "mirrored": draw.mirrored,
            "hides_face": draw.hides_face,
            "inside": augment.inside_px(draw.inside, *self._maker.sizes.get("face", (1, 1))),
            "grey": looks.grey,
            "added": looks.added,
            "curve": np.stack([looks.exponent, looks.contrast, looks.pivot], axis=1),
        }
        for kind, (height, width) in self._maker.sizes.items():
            maps, light = self._maker.in_stored(kind, draw.maps[kind]), draw.light[kind]
            numbers[f"map.{kind}"] = np.concatenate([maps.matrix, maps.shift[:, :, None]], axis=2)
            numbers[f"ramps.{kind}"] = light.ramps
            is_face = kind not in EYE_PICTURES
            numbers[f"seen.{kind}"] = augment.seen_sizes(looks.shrink, height, width, is_face)
            size = height * width * self._crops[kind].shape[3]
            in_level = self._maker.bank.starts(light.places, size)
            numbers[f"noise.{kind}"] = (
                looks.noise.astype(np.int64) * self._maker.bank.levels.shape[1] + in_level
            )
        assert all(len(values) == count for values in numbers.values())
        return {
            name: values.astype(np.float32) if values.dtype.kind == "f" else values
            for name, values in numbers.items()
        }

    def crops(self, numbers: dict[str, Tensor]) -> dict[str, Tensor]:
        """The pictures of a batch, float32 (n, C, H, W) by kind, levels 0 to 255."""
        return {kind: self._one(kind, numbers) for kind in self._maker.sizes}

    def _one(self, kind: str, numbers: dict[str, Tensor]) -> Tensor:
        picture = self._warped(kind, numbers)
        picture = self._seen_by_camera(kind, picture, numbers)
        if kind == "face":
            picture = picture * _inside(numbers["inside"], picture)
            picture = torch.where(numbers["hides_face"][:, None, None, None], float(BLANK), picture)
        if kind in self._smooth:
            rows, columns = self._smooth[kind]
            picture = rows @ picture @ columns.T
        if blank := self._blank_rows[kind]:
            picture[:, :, :blank] = BLANK
        return picture

    def _warped(self, kind: str, numbers: dict[str, Tensor]) -> Tensor:
        stored = self._crops[kind][numbers["places"]]
        if (other := KINDS[kind].other_eye) is not None:  # a mirrored person's left eye is their right one
            mirrored = numbers["mirrored"][:, None, None, None]
            stored = torch.where(mirrored, self._crops[other][numbers["places"]], stored)
        pictures = stored.permute(0, 3, 1, 2).float()
        shape = [*pictures.shape[:2], *self._maker.sizes[kind]]
        grid = functional.affine_grid(numbers[f"map.{kind}"], shape, align_corners=False)
        return functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False)

    def _seen_by_camera(self, kind: str, picture: Tensor, numbers: dict[str, Tensor]) -> Tensor:
        """As `augment.change_looks` does."""
        options, (_, channels, height, width) = self._photometric, picture.shape
        if options.low_resolution:
            rows, columns = (
                self._worse[side][seen - LEAST_SIDE_PX]
                for side, seen in zip((height, width), numbers[f"seen.{kind}"].unbind(1), strict=True)
            )
            picture = rows[:, None] @ picture @ columns[:, None].mT
        if options.ramp:
            across, down = (
                (ramp[:, None] * torch.linspace(-1, 1, side, device=ramp.device)).exp()
                for ramp, side in zip(numbers[f"ramps.{kind}"].unbind(1), (width, height), strict=True)
            )
            picture = (picture * across[:, None, None, :] * down[:, None, :, None]).clamp(0, 255)
        exponent, contrast, pivot = (drawn[:, None, None, None] for drawn in numbers["curve"].unbind(1))
        added = numbers["added"][:, :channels, None, None]
        level = (picture / 255).clamp(min=0) ** exponent
        picture = (((level - pivot) * contrast + pivot + added) * 255).clamp(0, 255)
        if channels == 3 and options.grey:
            grey = (picture * self._grey).sum(1, keepdim=True)
            picture = torch.where(numbers["grey"][:, None, None, None], grey, picture)
        if options.noise:
            within = torch.arange(height * width * channels, device=picture.device)
            noise = self._bank[numbers[f"noise.{kind}"][:, None] + within].float()
            noise = noise.view(-1, height, width, channels).permute(0, 3, 1, 2)
            picture = (picture + noise).clamp(0, 255)
        return picture


def _inside(edges: Tensor, picture: Tensor) -> Tensor:
    """Bool (n, 1, H, W): which pixels lie between edges (n, 4), as of augment.inside_px."""
    left, top, right, bottom = edges[:, :, None].unbind(1)
    rows, columns = (torch.arange(side, device=picture.device) for side in picture.shape[2:])
    within_rows, within_columns = (rows >= top) & (rows < bottom), (columns >= left) & (columns < right)
    return (within_rows[:, :, None] & within_columns[:, None, :])[:, None]


def _worse_cameras(side_px: int) -> Tensor:
    """Matrices (sides, side_px, side_px): what LEAST_SIDE_PX ... side_px pixels by area averaging, grown
    again linearly, leave of a row; the last one leaves all."""
    every = [_grown(side_px, seen) @ _averaged(side_px, seen) for seen in range(LEAST_SIDE_PX, side_px)]
    return torch.from_numpy(np.stack([*every, np.eye(side_px)]).astype(np.float32))


def _averaged(side_px: int, seen_px: int) -> np.ndarray:
    """(seen_px, side_px): the share that each pixel has in a coarser one."""
    step = side_px / seen_px
    left = np.maximum(np.arange(side_px)[None, :], np.arange(seen_px)[:, None] * step)
    right = np.minimum(np.arange(side_px)[None, :] + 1, (np.arange(seen_px)[:, None] + 1) * step)
    return np.asarray(np.maximum(right - left, 0) / step)


def _grown(side_px: int, seen_px: int) -> np.ndarray:
    """(side_px, seen_px): linear interpolation between pixels' centres, edge pixels repeated outwards."""
    place = np.clip((np.arange(side_px) + 0.5) * seen_px / side_px - 0.5, 0, seen_px - 1)
    return np.asarray(np.maximum(1 - np.abs(place[:, None] - np.arange(seen_px)[None, :]), 0))


def _low_pass(side_px: int, sigma_px: float) -> Tensor:
    """(side_px, side_px): `faces.crops.low_pass` of a row, without its rounding."""
    taps, reach = low_pass_weights(sigma_px), math.ceil(3 * sigma_px)
    matrix = np.zeros((side_px, side_px), np.float32)
    for row in range(side_px):
        for offset, weight in zip(range(-reach, reach + 1), taps, strict=True):
            matrix[row, min(max(row + offset, 0), side_px - 1)] += weight / 256
    return torch.from_numpy(matrix)
