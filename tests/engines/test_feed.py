"""What the networks are fed is what their card and tensors say, to the last step."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinytracker.cards import InputSpec
from tinytracker.domain import Box, Face
from tinytracker.engines.feed import Crops, Feed, read_crops
from tinytracker.engines.protocol import TensorSpec
from tinytracker.errors import UsageError
from tinytracker.faces.boxes import eye_band, eye_boxes_from_face_box, stored_eye_band
from tinytracker.faces.crops import crop, face_box_numbers, face_grid, grid_cells, position_channels

RANDOM = np.random.default_rng(3)
FRAME = RANDOM.integers(0, 256, (48, 64, 3), np.uint8)
BOX = Box(10.0, 6.0, 24.0, 20.0)
FACE = Face(BOX, Box(25.0, 10.0, 8.0, 8.0), Box(11.0, 10.0, 8.0, 8.0))


def real_picture(spec: InputSpec, picture: np.ndarray) -> np.ndarray:
    """The definition, in float64: (p * scale + offset), then the position channels."""
    if spec.colour == "grey":
        picture = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None]
    real = picture * spec.pixel_scale + spec.pixel_offset
    if spec.position == "channels":
        places = position_channels(BOX, FRAME.shape[1], FRAME.shape[0], spec.width_px, spec.height_px)
        real = np.concatenate([real, places], axis=2)
    return real[:, ::-1] if spec.mirrored else real


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["int8", "uint8", "float32"]),
    st.floats(0.002, 0.05),
    st.integers(-128, 127),
    st.sampled_from(["rgb", "grey"]),
    st.sampled_from(["none", "channels", "baked"]),
    st.sampled_from([(1 / 127.5, -1.0), (1 / 128, -1.0), (1 / 255, 0.0)]),
    st.booleans(),
)
def test_pictures_for_any_scale_and_zero_point(dtype, scale, zero_point, colour, position, pixels, mirrored):
    spec = InputSpec("face", "face", 12, 16, colour, position, *pixels, mirrored=mirrored)
    zero_point += 128 if dtype == "uint8" else 0
    quantised = () if dtype == "float32" else (scale, zero_point)
    tensor = TensorSpec("face", (1, *spec.shape), dtype, *quantised)
    (array,) = Feed([spec], [tensor]).from_frame(FRAME, FACE)
    real = real_picture(spec, crop(FRAME, BOX, 16, 12))
    assert array.shape == tensor.shape
    assert array.dtype == dtype
    assert array.flags.c_contiguous
    if dtype == "float32":
        assert np.allclose(array[0], real, atol=1e-6)
    else:
        steps = real / scale
        limits = np.iinfo(dtype)
        expected = np.clip(
            np.sign(steps) * np.floor(np.abs(steps) + 0.5) + zero_point, limits.min, limits.max
        )
        assert np.array_equal(array[0], expected)


def test_our_own_format_is_the_pixel_minus_128():
    spec = InputSpec("face", "face", 20, 24)
    (array,) = Feed([spec], [TensorSpec("face", (1, 20, 24, 3), "int8", 1 / 128, 0)]).from_frame(FRAME, FACE)
    assert np.array_equal(array[0].astype(int), FRAME[6:26, 10:34].astype(int) - 128)


def test_every_kind_of_input():
    specs = [
        InputSpec("face", "face", 16, 16),
        InputSpec("left_eye", "left_eye", 8, 8),
        InputSpec("right_eye", "right_eye", 8, 8),
        InputSpec("face_box", "face_box"),
        InputSpec("face_grid", "face_grid"),
    ]
    tensors = [TensorSpec(spec.name, (1, *spec.shape), "float32") for spec in specs]
    face, left, right, box, grid = Feed(specs, tensors).from_frame(FRAME, FACE)
    assert np.allclose(face[0], crop(FRAME, BOX, 16, 16) / 128 - 1)
    assert np.allclose(left[0], FRAME[10:18, 25:33] / 128 - 1)
    assert np.allclose(right[0], FRAME[10:18, 11:19] / 128 - 1)
    assert np.allclose(box[0], face_box_numbers(BOX, 64, 48))
    assert np.array_equal(grid[0], face_grid(*grid_cells(BOX, 64, 48)))


class Stored:
    """A dataset of three samples."""

    labels = {  # noqa: RUF012
        **{
            f"face_{key}_px": np.array([value] * 3, float)
            for key, value in zip("xywh", (10, 6, 24, 20), strict=True)
        },
        "frame_width_px": np.array([64] * 3),
        "frame_height_px": np.array([48] * 3),
        **{
            f"grid_{key}": np.array([value] * 3)
            for key, value in zip("xywh", grid_cells(BOX, 64, 48), strict=True)
        },
    }

    def pictures(self, kind, indices):
        rows, columns = {
            "face": (slice(6, 26), slice(10, 34)),
            "left_eye": (slice(10, 18), slice(25, 33)),
            "right_eye": (slice(10, 18), slice(11, 19)),
        }[kind]
        return np.stack([FRAME[rows, columns]] * len(indices))


def test_stored_crops_feed_the_same_as_the_frame_they_are_from():
    specs = [
        InputSpec("face", "face", 10, 12, "grey", "channels"),
        InputSpec("left_eye", "left_eye", 8, 8),
        InputSpec("right_eye", "right_eye", 4, 8, mirrored=True),
        InputSpec("face_box", "face_box"),
        InputSpec("face_grid", "face_grid"),
    ]
    tensors = [TensorSpec(spec.name, (1, *spec.shape), "int8", 0.00913, 17) for spec in specs]
    feed = Feed(specs, tensors)
    stored = feed.from_crops(read_crops(Stored(), np.array([0, 2]), feed.kinds))
    for batch, single in zip(stored, feed.from_frame(FRAME, FACE), strict=True):
        assert batch.shape[0] == 2
        assert np.array_equal(batch[1], single[0])
    # Of an eye's box, 8 x 8 at (11, 10), the middle 4 rows.
    assert np.array_equal(stored[2][0], tensors[2].quantize(FRAME[12:16, 11:19][:, ::-1] / 128 - 1))


def test_only_pictures_asked_for_are_read():
    crops = read_crops(Stored(), np.array([1]), frozenset({"face", "face_box"}))
    assert isinstance(crops, Crops)
    assert set(crops.pictures) == {"face"}


def test_eyes_not_located_are_said():
    spec = InputSpec("left_eye", "left_eye", 8, 8)
    with pytest.raises(UsageError, match="eye boxes"):
        Feed([spec], [TensorSpec("left_eye", (1, 8, 8, 3), "int8", 1 / 128)]).from_frame(FRAME, Face(BOX))


def test_an_eye_band_from_a_frame_is_the_stored_ones_middle():
    """The live path and the dataset's agree on what an eye band shows and on where it lies."""
    frame = cv2.resize(
        RANDOM.integers(0, 256, (12, 16, 3), np.uint8), (640, 480), interpolation=cv2.INTER_CUBIC
    )
    face = Face(Box(200.0, 100.0, 240.0, 240.0), Box(330.0, 140.0, 60.0, 60.0), Box(250.0, 140.0, 60.0, 60.0))
    inputs = (InputSpec("eye_band", "eye_band", 96, 256), InputSpec("eye_band_box", "eye_band_box"))
    feed = Feed(inputs, [TensorSpec(one.name, (1, *one.shape), "float32") for one in inputs])
    live = [array.copy() for array in feed.from_frame(frame, face)]
    # 320 x 170 middle of the eyes, as wide as the face, 0.375 times as high.
    assert np.allclose(live[1][0], face_box_numbers(Box(200.0, 125.0, 240.0, 90.0), 640, 480))
    assert np.allclose(live[0][0], crop(frame, Box(200, 125, 240, 90), 256, 96) / 128 - 1, atol=1e-6)

    stored = Box(170.0, 95.0, 300.0, 150.0)
    assert stored_eye_band(face) == stored

    class Dataset:
        labels = {  # noqa: RUF012
            **{
                f"face_{key}_px": np.array([value])
                for key, value in zip("xywh", (200, 100, 240, 240), strict=True)
            },
            **{
                f"eye_band_{key}_px": np.array([value])
                for key, value in zip("xywh", (170, 95, 300, 150), strict=True)
            },
            "frame_width_px": np.array([640]),
            "frame_height_px": np.array([480]),
        }

        def pictures(self, kind: str, indices: np.ndarray) -> np.ndarray:
            return crop(frame, stored, 320, 160)[None][indices]

    picture, box = feed.from_crops(read_crops(Dataset(), np.array([0]), feed.kinds))
    assert np.allclose(box[0], live[1][0])
    assert np.abs(picture[0] - live[0][0]).mean() < 1.5 / 128


def test_an_eye_bands_place_follows_from_the_face_alone_where_the_eyes_are_not_known():
    left, right = eye_boxes_from_face_box(BOX)
    assert eye_band(Face(BOX), 0.375) == eye_band(Face(BOX, left, right), 0.375)
    band = eye_band(Face(BOX), 0.375)
    assert (band.width_px, band.height_px) == (BOX.width_px, BOX.width_px * 0.375)
    assert band.centre_px == pytest.approx((BOX.x_px + BOX.width_px / 2, BOX.y_px + 0.28 * BOX.height_px))
