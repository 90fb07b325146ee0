"""From pixels and boxes to the arrays a network eats, in its own number format.

The real value of a pixel p is p * pixel_scale + pixel_offset (the card says); a quantised tensor stores
clip(round(real / scale) + zero_point). Both together are one table of 256 entries per tensor: exact for any
scale and zero point, and a single pass over the crop. Position channels are separable, so only two short
vectors are quantised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from tinytracker.cards import InputSpec
from tinytracker.domain import Box, Face, Image
from tinytracker.engines.protocol import TensorSpec
from tinytracker.errors import UsageError
from tinytracker.faces import crops as cropping
from tinytracker.faces.boxes import band_share_of_stored, eye_band, eye_band_of_stored
from tinytracker.inputs import KINDS, PICTURES, box_kind_of


class CropSource(Protocol):
    """What `tinytracker.data.dataset.Dataset` offers: stored crops and label columns."""

    @property
    def labels(self) -> Mapping[str, np.ndarray]: ...

    def pictures(self, kind: str, indices: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True, slots=True)
class Crops:
    """The stored crops and boxes of n samples.

    pictures: per kind ("face", "left_eye", "right_eye", "eye_band") uint8 (n, height, width, 3) RGB.
    face_boxes_px: float (n, 4), x, y, width, height in the frame. frame_sizes_px: (n, 2), width and height.
    grids: int (n, 4), the parameters of iTracker's face grid (`faces.crops.face_grid`), zeros where it was
    not asked for. stored_bands_px: float (n, 4), what the pictures "eye_band" show of the frame
    (`faces.boxes.stored_eye_band`), zeros where they were not asked for.
    """

    pictures: Mapping[str, np.ndarray]
    face_boxes_px: np.ndarray
    frame_sizes_px: np.ndarray
    grids: np.ndarray
    stored_bands_px: np.ndarray

    def __len__(self) -> int:
        return len(self.face_boxes_px)


def read_crops(source: CropSource, indices: np.ndarray, kinds: frozenset[str]) -> Crops:
    """Reads samples of a dataset; of pictures and grids only the `kinds` asked for."""
    pictures = {kind: source.pictures(kind, indices) for kind in PICTURES if kind in kinds}
    has_band = bool(kinds & {"eye_band", box_kind_of("eye_band")})

    def columns(*names: str) -> np.ndarray:
        return np.stack([source.labels[name][indices] for name in names], axis=1)

    return Crops(
        pictures,
        columns("face_x_px", "face_y_px", "face_w_px", "face_h_px"),
        columns("frame_width_px", "frame_height_px"),
        columns("grid_x", "grid_y", "grid_w", "grid_h")
        if "face_grid" in kinds
        else np.zeros((len(indices), 4), int),
        columns(*(f"eye_band_{key}_px" for key in "xywh")) if has_band else np.zeros((len(indices), 4)),
    )


@dataclass(frozen=True, slots=True)
class _Look:
    """What one sample is: where the face and the eye band are in which frame, and the face's grid
    parameters."""

    box: Box
    band: Box
    frame_width_px: int
    frame_height_px: int
    grid: tuple[int, int, int, int]


class Feed:
    """Fills the input tensors of one network.

    inputs, tensors: of equal length and matching order. The arrays that `from_frame` returns are used again
    by its next call.
    """

    def __init__(self, inputs: Sequence[InputSpec], tensors: Sequence[TensorSpec]) -> None:
        self._writers = [
            _PictureWriter(spec, tensor) if KINDS[spec.kind].is_picture else _NumberWriter(spec, tensor)
            for spec, tensor in zip(inputs, tensors, strict=True)
        ]
        self._arrays = [writer.empty(1) for writer in self._writers]
        self.kinds = frozenset(spec.kind for spec in inputs)
        shapes = [spec.height_px / spec.width_px for spec in inputs if spec.kind == "eye_band"]
        self._band_height_over_width = shapes[0] if shapes else 1.0

    def from_frame(self, image: Image, face: Face) -> list[np.ndarray]:
        """The tensors for a face in a frame; image: uint8 (height, width, 3) RGB.

        Raises UsageError if the network sees eyes and the face has no eye boxes.
        """
        height_px, width_px = image.shape[:2]
        band = eye_band(face, self._band_height_over_width)
        look = _Look(face.box, band, width_px, height_px, cropping.grid_cells(face.box, width_px, height_px))
        for writer, array in zip(self._writers, self._arrays, strict=True):
            if isinstance(writer, _PictureWriter):
                box = band if writer.spec.kind == "eye_band" else _box_of(face, writer.spec.kind)
                writer.write(array[0], writer.cut(image, box), look)
            else:
                writer.write(array[0], look)
        return self._arrays

    def from_crops(self, crops: Crops) -> list[np.ndarray]:
        """The tensors for stored crops, fresh arrays with n samples first."""
        arrays = [writer.empty(len(crops)) for writer in self._writers]
        for sample in range(len(crops)):
            frame_width_px, frame_height_px = (int(length) for length in crops.frame_sizes_px[sample])
            x, y, width, height = (int(cell) for cell in crops.grids[sample])
            box = Box(*(float(length) for length in crops.face_boxes_px[sample]))
            stored_band = Box(*(float(length) for length in crops.stored_bands_px[sample]))
            band = eye_band_of_stored(stored_band, self._band_height_over_width)
            look = _Look(box, band, frame_width_px, frame_height_px, (x, y, width, height))
            for writer, array in zip(self._writers, arrays, strict=True):
                if isinstance(writer, _PictureWriter):
                    stored = crops.pictures[writer.spec.kind][sample]
                    writer.write(array[sample], writer.fit(stored), look)
                else:
                    writer.write(array[sample], look)
        return arrays


class _PictureWriter:
    """Writes a crop, and position channels if the network has them, into one tensor."""

    def __init__(self, spec: InputSpec, tensor: TensorSpec) -> None:
        self.spec = spec
        self._tensor = tensor
        self._table = tensor.quantize(np.arange(256) * spec.pixel_scale + spec.pixel_offset)
        colours = 3 if spec.colour == "rgb" else 1
        # cv2.mixChannels interleaves colours and positions in one pass; numpy's strided copies take three
        # times as long.
        self._positions = (
            np.zeros((spec.height_px, spec.width_px, 2), tensor.dtype)
            if spec.position == "channels"
            else None
        )
        self._channel_pairs = [
            channel for pair in zip(range(colours + 2), range(colours + 2), strict=True) for channel in pair
        ]

    def empty(self, samples: int) -> np.ndarray:
        return np.empty((samples, *self._tensor.shape[1:]), self._tensor.dtype)

    def cut(self, image: Image, box: Box) -> np.ndarray:
        """The network's picture of a box in a frame, uint8 (height_px, width_px, 3)."""
        picture = cropping.crop(image, box, self.spec.width_px, self.spec.box_height_px)
        return cropping.middle_rows(picture, self.spec.height_px)

    def fit(self, stored: np.ndarray) -> np.ndarray:
        """The same from a dataset's picture of the box."""
        height_px, width_px = self.spec.height_px, self.spec.width_px
        if self.spec.kind == "eye_band":
            return cropping.middle_part(
                stored, *band_share_of_stored(height_px / width_px), width_px, height_px
            )
        return cropping.middle_rows(cropping.resize(stored, width_px, self.spec.box_height_px), height_px)

    def write(self, out: np.ndarray, picture: np.ndarray, look: _Look) -> None:
        """out: (height, width, channels), contiguous. picture: uint8 (height, width, 3) RGB."""
        if self.spec.mirrored:
            picture = cv2.flip(picture, 1)
        if self.spec.colour == "grey":
            picture = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None]
        picture = cropping.low_pass(picture, self.spec.low_pass_px)
        if self.spec.blank_rows:
            picture = picture.copy()  # it may be the frame's own pixels
            picture[: self.spec.blank_rows] = cropping.BLANK
        colours = cv2.LUT(picture, self._table).reshape(picture.shape)
        if self._positions is None:
            out[...] = colours
            return
        frame_px = (look.frame_width_px, look.frame_height_px)
        box = cropping.on_grid(look.box, *frame_px) if self.spec.position_grid else look.box
        xs, ys = cropping.position_vectors(
            box, look.frame_width_px, look.frame_height_px, self.spec.width_px, self.spec.height_px
        )
        self._positions[..., 0] = self._tensor.quantize(xs[::-1] if self.spec.mirrored else xs)
        self._positions[..., 1] = self._tensor.quantize(ys)[:, None]
        cv2.mixChannels([colours, self._positions], [out], self._channel_pairs)


class _NumberWriter:
    """Writes the box of the face or of the eye band, or the face grid."""

    def __init__(self, spec: InputSpec, tensor: TensorSpec) -> None:
        self.spec = spec
        self._tensor = tensor

    def empty(self, samples: int) -> np.ndarray:
        return np.empty((samples, *self._tensor.shape[1:]), self._tensor.dtype)

    def write(self, out: np.ndarray, look: _Look) -> None:
        if self.spec.kind == "face_grid":
            numbers = cropping.face_grid(*look.grid)
        else:
            box = look.box if KINDS[self.spec.kind].box_of == "face" else look.band
            numbers = cropping.face_box_numbers(box, look.frame_width_px, look.frame_height_px)
        out[...] = self._tensor.quantize(numbers)


def _box_of(face: Face, kind: str) -> Box:
    box = {"face": face.box, "left_eye": face.left_eye, "right_eye": face.right_eye}[kind]
    if box is None:
        raise UsageError("this network sees the eyes, but the face has no eye boxes; locate the eyes first")
    return box
