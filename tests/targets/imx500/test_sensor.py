"""Regions of interest: always on the sensor, of the right shape, and views convert both ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinytracker.domain import Box
from tinytracker.errors import UsageError
from tinytracker.targets.imx500.chip.sensor import (
    HEIGHT_PX,
    MODES,
    WHOLE_SENSOR,
    WIDTH_PX,
    Roi,
    View,
    mode_named,
    parse_roi,
    roi_around,
    view_of_whole_picture,
)

lengths = st.floats(1, 6000)
places = st.floats(-3000, 7000)
boxes = st.builds(Box, places, places, lengths, lengths)
tensors = st.tuples(st.integers(64, 640), st.integers(64, 640))
modes = st.sampled_from(list(MODES.values()))
crops = st.builds(
    Box, st.floats(-500, 2000), st.floats(-500, 1500), st.floats(500, 4056), st.floats(400, 3040)
)
views = st.builds(
    View,
    st.tuples(st.integers(100, 2000), st.integers(100, 2000)),
    crops,
    st.sampled_from([0, 90, 180, 270]),
    st.booleans(),
)


@given(boxes, tensors, modes)
def test_region_is_on_the_sensor(box: Box, tensor: tuple[int, int], mode) -> None:
    roi = roi_around(box, tensor, mode)
    assert roi.is_inside
    assert all(number % 2 == 0 for number in roi.as_tuple)


@given(boxes, tensors, modes)
def test_region_keeps_its_size(box: Box, tensor: tuple[int, int], mode) -> None:
    """Not cut where it reaches outside, but moved; grown only as far as the scaler must not enlarge, cut
    only to the sensor."""
    roi = roi_around(box, tensor, mode)
    for got, asked, least, most in (
        (roi.width_px, box.width_px, tensor[0] * mode.binning, WIDTH_PX),
        (roi.height_px, box.height_px, tensor[1] * mode.binning, HEIGHT_PX),
    ):
        wanted = min(max(asked, least), most)
        assert wanted - 1e-6 <= got < wanted + 2 + 1e-6


@given(boxes, tensors, modes)
def test_region_moves_no_farther_than_needed(box: Box, tensor: tuple[int, int], mode) -> None:
    roi = roi_around(box, tensor, mode)
    middle_x, middle_y = roi.box.centre_px
    x, y = box.centre_px
    if roi.width_px / 2 + 1 <= x <= WIDTH_PX - roi.width_px / 2 - 1:
        assert abs(middle_x - x) <= 1 + 1e-6
    if roi.height_px / 2 + 1 <= y <= HEIGHT_PX - roi.height_px / 2 - 1:
        assert abs(middle_y - y) <= 1 + 1e-6


@given(boxes, tensors, modes)
def test_region_of_a_region_is_itself(box: Box, tensor: tuple[int, int], mode) -> None:
    roi = roi_around(box, tensor, mode)
    assert roi_around(roi.box, tensor, mode) == roi


@given(boxes, tensors)
def test_both_modes_speak_of_the_same_pixels(box: Box, tensor: tuple[int, int]) -> None:
    """Binning changes the region only where the tensor has more pixels than the region would."""
    full, binned = (roi_around(box, tensor, MODES[name]) for name in ("full", "binned"))
    if box.width_px >= 2 * tensor[0] and box.height_px >= 2 * tensor[1]:
        assert full == binned


def test_partly_outside_by_hand() -> None:
    """A face at the upper left edge: its region starts at the corner, as wide as asked."""
    assert roi_around(Box(-300, -100, 1000, 1000), (128, 128), MODES["full"]) == Roi(0, 0, 1000, 1000)
    assert roi_around(Box(3800, 2500, 1000, 1000), (128, 128), MODES["full"]) == Roi(3056, 2040, 1000, 1000)
    assert roi_around(Box(0, 0, 9999, 500), (128, 128), MODES["full"]) == Roi(0, 0, 4056, 500)
    assert roi_around(Box(2000, 1000, 100, 50), (128, 128), MODES["binned"]) == Roi(1922, 896, 256, 256)


@given(views, boxes)
def test_views_convert_both_ways(view: View, box: Box) -> None:
    for there_and_back in (view.to_picture(view.to_sensor(box)), view.to_sensor(view.to_picture(box))):
        assert (there_and_back.x_px, there_and_back.y_px) == pytest.approx((box.x_px, box.y_px), abs=1e-5)
        assert (there_and_back.width_px, there_and_back.height_px) == pytest.approx(
            (box.width_px, box.height_px), rel=1e-6
        )


@given(views)
def test_whole_picture_is_the_crop(view: View) -> None:
    got = view.to_sensor(Box(0, 0, *map(float, view.picture_px)))
    for field in ("x_px", "y_px", "width_px", "height_px"):
        assert getattr(got, field) == pytest.approx(getattr(view.crop, field), abs=1e-6)


@given(views, boxes)
def test_quarter_turns_swap_width_and_height(view: View, box: Box) -> None:
    """The box keeps its share of the crop, width and height changing places at 90 and 270 degrees."""
    got = view.to_sensor(box)
    across, down = box.width_px / view.picture_px[0], box.height_px / view.picture_px[1]
    expected = (across, down) if view.turn_deg in (0, 180) else (down, across)
    assert (got.width_px / view.crop.width_px, got.height_px / view.crop.height_px) == pytest.approx(
        expected, rel=1e-6
    )


CROP = Box(0, 0, 4000, 3000)


@pytest.mark.parametrize(
    ("turn", "mirrored", "picture", "expected"),
    [
        # A box in the picture's upper left quarter, 10 % wide and 20 % high.
        (0, False, (400, 300), Box(0, 0, 400, 600)),
        (0, True, (400, 300), Box(3600, 0, 400, 600)),
        (180, False, (400, 300), Box(3600, 2400, 400, 600)),
        (180, True, (400, 300), Box(0, 2400, 400, 600)),
        # Turned clockwise by a quarter to be upright: its upper left corner was the stream's lower left one.
        (90, False, (300, 400), Box(0, 2700, 800, 300)),
        (270, False, (300, 400), Box(3200, 0, 800, 300)),
        (90, True, (300, 400), Box(0, 0, 800, 300)),
    ],
)
def test_turned_and_mirrored_by_hand(turn, mirrored: bool, picture: tuple[int, int], expected: Box) -> None:
    box = Box(0, 0, picture[0] * 0.1, picture[1] * 0.2)
    got = View(picture, CROP, turn, mirrored).to_sensor(box)
    for field in ("x_px", "y_px", "width_px", "height_px"):
        assert getattr(got, field) == pytest.approx(getattr(expected, field), abs=1e-6)


def test_zoomed_stream() -> None:
    """ScalerCrop says which part of the sensor the stream shows."""
    view = View((640, 480), Box(1000, 500, 2000, 1500))
    assert view.to_sensor(Box(320, 240, 64, 48)) == Box(2000, 1250, 200, 150)


@given(st.integers(16, 4000), st.integers(16, 4000))
def test_any_picture_fits_the_sensor(width: int, height: int) -> None:
    crop = view_of_whole_picture(width, height).crop
    assert crop.x_px >= -1e-6
    assert crop.y_px >= -1e-6
    assert crop.width_px / crop.height_px == pytest.approx(width / height)
    assert max(crop.width_px / WIDTH_PX, crop.height_px / HEIGHT_PX) == pytest.approx(1)


def test_modes() -> None:
    """The Raspberry Pi's lines are slower than the sensor's own: 24.06 and 12.63 us, 10 and 30 frames/s."""
    full, binned = MODES["full"], MODES["binned"]
    assert full.line_us == pytest.approx(24.06, abs=0.01)
    assert (full.pi_readout_ms, full.pi_frame_ms) == pytest.approx((73.1, 100.0), abs=0.1)
    assert (binned.pi_readout_ms, binned.pi_frame_ms) == pytest.approx((19.2, 33.3), abs=0.1)
    for mode in MODES.values():
        assert (mode.width_px * mode.binning, mode.height_px * mode.binning) == (WIDTH_PX, HEIGHT_PX)
        assert mode.fastest_readout_ms < mode.pi_readout_ms
    with pytest.raises(UsageError, match="full, binned"):
        mode_named("tiny")


def test_parse_roi() -> None:
    assert parse_roi("0,0,4056,3040") == WHOLE_SENSOR
    for wrong in ("1,2,3", "a,b,c,d", "0,0,4057,3040", "-2,0,100,100", "0,0,0,100"):
        with pytest.raises(UsageError, match="LEFT,TOP,WIDTH,HEIGHT"):
            parse_roi(wrong)
