from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinytracker import files
from tinytracker.devices import DEVICES, device_named, read_screen, screen_json, sized_device
from tinytracker.errors import InputError, UsageError


@pytest.mark.parametrize("device", DEVICES.values(), ids=lambda device: device.name)
def test_lengths_agree_with_points_and_density(device: Any) -> None:
    """Points and millimetres have the same shape, and the density gives a whole number of pixels (2.6 on Plus
    phones).

    A slip of a digit in the table breaks one or the other.
    """
    assert device.width_points / device.height_points == pytest.approx(
        device.screen_width_cm / device.screen_height_cm, rel=0.02
    )
    pixels_per_point = device.screen_width_cm / 2.54 * device.pixels_per_inch / device.width_points
    assert pixels_per_point == pytest.approx(
        2.6087 if "Plus" in device.name else round(pixels_per_point), rel=0.05
    )
    assert 0 < device.camera_to_screen_x_cm < device.screen_width_cm
    assert 0.7 < device.camera_to_screen_y_cm < 1.1
    assert device.kind == ("tablet" if device.name.startswith("iPad") else "phone")
    assert device.turns


def test_table_has_gazecaptures_devices() -> None:
    assert len(DEVICES) == 15
    assert device_named("ipad AIR 2") is DEVICES["iPad Air 2"]


@given(st.sampled_from(["laptop", "monitor"]), st.floats(5, 200), st.floats(5, 200))
def test_name_of_a_sized_device_says_all(kind: Any, width_cm: float, height_cm: float) -> None:
    device = sized_device(kind, width_cm, height_cm)
    assert device_named(device.name) == device
    assert device_named(device.name.upper()) == device
    assert device.screen_width_cm == pytest.approx(width_cm, abs=0.051)
    assert device.camera_to_screen_x_cm == device.screen_width_cm / 2
    assert not device.turns


@pytest.mark.parametrize(
    "name", ["", "iPhone 99", "Laptop", "Laptop 31.0", "Laptop -3x4", "Laptop 0.0x18.0", "Toaster 3x4"]
)
def test_refuses_unknown_devices(name: str) -> None:
    with pytest.raises(UsageError):
        device_named(name)


def test_screen_there_and_back(tmp_path: Path) -> None:
    device = sized_device("monitor", 60, 34)
    path = tmp_path / "mine.json"
    path.write_text(screen_json(device))
    assert read_screen(path) == device


def test_screen_with_defaults(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(
        '{"screen_width_cm": 30, "screen_height_cm": 20, "width_points": 1920, "height_points": 1280}'
    )
    device = read_screen(path)
    assert (device.name, device.kind, device.camera_to_screen_x_cm) == ("mine", "laptop", 15)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"screen_width_cm": -1}, "screen_width_cm"),
        ({"screen_width_cm": "wide"}, "wide"),
        ({"screen_height_cm": float("nan")}, "screen_height_cm"),
        ({"camera_to_screen_y_cm": float("inf")}, "camera_to_screen_y_cm"),
        ({"width_points": 0}, "width_points"),
        ({"width_points": None}, "NoneType"),
        ({"kind": "fridge"}, "fridge"),
    ],
)
def test_broken_screen_is_named(tmp_path: Path, change: dict[str, Any], named: str) -> None:
    path = tmp_path / "mine.json"
    fields = {"screen_width_cm": 30, "screen_height_cm": 20, "width_points": 1920, "height_points": 1280}
    path.write_text(json.dumps(fields | change))
    with pytest.raises(InputError, match=f"mine.json.*{named}"):
        read_screen(path)


@pytest.mark.parametrize("content", [None, "", "[]", "{", "{}"])
def test_what_is_no_screen(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "mine.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match="does not exist" if content is None else "expected JSON with"):
        read_screen(path)


def test_a_screen_that_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    """A FIFO would be waited for, /dev/zero read into memory for ever."""
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "deep").write_text("[" * 100_000)
    (tmp_path / "large").write_bytes(b" " * (files.LARGEST_JSON_BYTES + 1))
    (tmp_path / "latin").write_bytes(b'{"name": "\xe4"}')
    for place, reason in (
        (tmp_path / "fifo", "no regular file"),
        (Path("/dev/zero"), "is a device"),
        (tmp_path, "is a folder"),
        (tmp_path / "deep", "nested too deeply|recursion"),
        (tmp_path / "large", "larger than 67,108,864 bytes"),
        (tmp_path / "latin", "is not a screen"),
    ):
        with pytest.raises(InputError, match=reason):
            read_screen(place)
