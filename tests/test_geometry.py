"""Every change of frame there and back, and against the definitions in GazeCapture's README."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinytracker import geometry
from tinytracker.devices import DEVICES, Device, sized_device
from tinytracker.errors import UsageError

ALL = [*DEVICES.values(), sized_device("laptop", 31, 17.4), sized_device("monitor", 60, 34)]
devices = st.sampled_from(ALL)
orientations = st.sampled_from([1, 2, 3, 4])
lengths_cm = st.floats(-100, 100)
shares = st.floats(0, 1)


def lit(device: Device, orientation: int, across: float, down: float) -> tuple[float, float]:
    """A point of the screen, by its share of the width and height, in prediction space."""
    width_cm, height_cm = geometry.screen_size_cm(device, orientation)
    return geometry.screen_to_camera_cm(across * width_cm, down * height_cm, device, orientation)


@given(lengths_cm, lengths_cm, devices, orientations)
def test_camera_to_screen_is_the_inverse(x_cm: float, y_cm: float, device: Device, orientation: int) -> None:
    there = geometry.camera_to_screen_cm(x_cm, y_cm, device, orientation)
    assert geometry.screen_to_camera_cm(*there, device, orientation) == pytest.approx((x_cm, y_cm), abs=1e-9)


@given(lengths_cm, lengths_cm, devices, orientations, st.booleans())
def test_points_there_and_back(
    x_cm: float, y_cm: float, device: Device, orientation: int, zoomed: bool
) -> None:
    size = geometry.screen_size_points(
        device, orientation, zoomed=zoomed and device.zoomed_points is not None
    )
    there = geometry.camera_cm_to_points(x_cm, y_cm, device, orientation, size)
    assert geometry.points_to_camera_cm(*there, device, orientation, size) == pytest.approx(
        (x_cm, y_cm), abs=1e-9
    )


@given(shares, shares, devices, orientations)
def test_corners_of_points_are_corners_in_cm(
    across: float, down: float, device: Device, orientation: int
) -> None:
    width, height = geometry.screen_size_points(device, orientation)
    there = geometry.points_to_camera_cm(across * width, down * height, device, orientation)
    assert there == pytest.approx(lit(device, orientation, across, down), abs=1e-9)


@given(shares, shares, st.sampled_from(list(DEVICES.values())))
def test_camera_is_above_below_left_and_right_of_the_screen(
    across: float, down: float, device: Device
) -> None:
    """GazeCapture's README: YCam is negative in portrait and positive upside down; in landscape with the home
    button on the right the camera is at the left, so x is positive, and the other way round."""
    assert lit(device, 1, across, down)[1] < 0
    assert lit(device, 2, across, down)[1] > 0
    assert lit(device, 3, across, down)[0] > 0
    assert lit(device, 4, across, down)[0] < 0


@given(shares, shares, devices)
def test_turning_the_device_turns_the_points(across: float, down: float, device: Device) -> None:
    """The camera stays put: one physical point of the glass, seen in each orientation, is turned round the
    camera."""
    x, y = lit(device, 1, across, down)
    assert lit(device, 2, 1 - across, 1 - down) == pytest.approx((-x, -y), abs=1e-9)  # half a turn
    assert lit(device, 3, down, 1 - across) == pytest.approx((-y, x), abs=1e-9)  # a quarter anticlockwise
    assert lit(device, 4, 1 - down, across) == pytest.approx((y, -x), abs=1e-9)  # a quarter clockwise


@given(devices, orientations, shares, shares)
def test_x_grows_to_the_right_and_y_upwards(
    device: Device, orientation: int, across: float, down: float
) -> None:
    x, y = lit(device, orientation, across, down)
    assert lit(device, orientation, across + 0.1, down)[0] > x
    assert lit(device, orientation, across, down + 0.1)[1] < y


@pytest.mark.parametrize(
    ("orientation", "expected_cm"),
    # iPhone 6: camera 18.61 mm right of the screen's left edge, 8.03 mm above it; screen 58.5 x 104.05 mm.
    [(1, (-1.861, -0.803)), (2, (-3.989, 11.208)), (3, (0.803, 3.989)), (4, (-11.208, 1.861))],
)
def test_top_left_corner_of_an_iphone_6(orientation: int, expected_cm: tuple[float, float]) -> None:
    corner = geometry.points_to_camera_cm(0.0, 0.0, DEVICES["iPhone 6"], orientation)
    assert corner == pytest.approx(expected_cm, abs=1e-9)


def test_display_zoom_stretches_points_over_the_same_glass() -> None:
    phone = DEVICES["iPhone 6 Plus"]
    assert geometry.screen_size_points(phone, 3, zoomed=True) == (667, 375)
    plain = geometry.points_to_camera_cm(414.0, 736.0, phone, 1)
    zoomed = geometry.points_to_camera_cm(375.0, 667.0, phone, 1, (375, 667))
    assert zoomed == pytest.approx(plain)
    with pytest.raises(UsageError, match="no Display Zoom"):
        geometry.screen_size_points(DEVICES["iPhone 4s"], 1, zoomed=True)


def test_broadcasts_over_arrays() -> None:
    x, y = np.array([0.0, 100.0, 375.0]), np.array([0.0, 300.0, 667.0])
    xs, ys = geometry.points_to_camera_cm(x, y, DEVICES["iPhone 6"], 3)
    for index in range(3):
        one = geometry.points_to_camera_cm(x[index], y[index], DEVICES["iPhone 6"], 3)
        assert (xs[index], ys[index]) == pytest.approx(one)


@pytest.mark.parametrize("orientation", [0, 5, -1, 1.5, "1", None])
def test_refuses_other_orientations(orientation: object) -> None:
    with pytest.raises(UsageError, match="orientation"):
        geometry.screen_to_camera_cm(0.0, 0.0, DEVICES["iPhone 6"], orientation)  # type: ignore[arg-type]


def test_refuses_a_screen_without_points() -> None:
    with pytest.raises(UsageError, match="positive"):
        geometry.points_to_cm(1.0, 1.0, DEVICES["iPhone 6"], 1, (0, 667))


@given(lengths_cm, lengths_cm, st.floats(5, 200))
def test_angles_there_and_back(x_cm: float, y_cm: float, distance_cm: float) -> None:
    angles = geometry.visual_angle_deg(x_cm, y_cm, distance_cm)
    assert geometry.point_at_angle_cm(*angles, distance_cm) == pytest.approx((x_cm, y_cm), abs=1e-7)


def test_angles_that_one_knows() -> None:
    assert geometry.visual_angle_deg(30.0, -30.0, 30.0) == pytest.approx((45.0, -45.0))
    assert geometry.error_deg(1.0, 57.29) == pytest.approx(1.0, abs=1e-3)
    with pytest.raises(UsageError, match="distance"):
        geometry.visual_angle_deg(1.0, 1.0, 0.0)


eyes = st.tuples(st.floats(-40, 40), st.floats(-40, 40), st.floats(-150, -5)).map(np.array)


@given(lengths_cm, lengths_cm, eyes)
def test_gaze_rays_meet_the_screen_where_they_aim(x_cm: float, y_cm: float, eye_cm: np.ndarray) -> None:
    direction = geometry.gaze_direction(x_cm, y_cm, eye_cm)
    assert np.linalg.norm(direction) == pytest.approx(1)
    assert geometry.gaze_on_screen_plane(eye_cm, direction) == pytest.approx((x_cm, y_cm), abs=1e-6)
    yaw_deg, pitch_deg = geometry.direction_to_angles_deg(direction)
    assert geometry.angles_deg_to_direction(yaw_deg, pitch_deg) == pytest.approx(direction, abs=1e-9)


def test_sides_of_camera_frame() -> None:
    """A person who looks at a dot to their right looks to the left of the picture, which is not mirrored."""
    direction = geometry.gaze_direction(10.0, 5.0, np.array([0.0, 0.0, -40.0]))
    yaw_deg, pitch_deg = geometry.direction_to_angles_deg(direction)
    assert yaw_deg < 0 < pitch_deg
    assert np.isnan(
        geometry.gaze_on_screen_plane(np.array([0.0, 0.0, -40.0]), np.array([0.0, 0.0, -1.0]))
    ).all()
