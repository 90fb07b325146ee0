"""The windows and volumes that boards make, compiled here and compared with Python's, event by event."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.events.test_windows import SMALL, WINDOWS, jittery
from tinytracker.errors import UsageError
from tinytracker.events.builder import WindowBuilder
from tinytracker.events.crops import SensorCrop, crop_for
from tinytracker.events.volumes import Volume, VolumeBuilder
from tinytracker.events.windows import Window
from tinytracker.targets.mcu.event_windows import volume_files, window_files

STRICT = ["-std=c11", "-O1", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-fsanitize=undefined",
          "-fno-sanitize-recover=all"]  # fmt: skip
WINDOW = """
#include "event_window.h"
static event_window window;
void reset(void) { event_window_reset(&window); }
void push(uint32_t t_us, int x, int y, int rose) { event_window_push(&window, t_us, x, y, rose); }
void write_input(int8_t *input) { event_window_write(&window, input); }
int bytes(void) { return (int)sizeof window; }
"""
VOLUME = """
#include <string.h>
#include "event_volume.h"
static event_volume volume;
void reset(void) { event_volume_reset(&volume); }
void push(uint64_t t_us, int x, int y, int rose) { event_volume_push(&volume, t_us, x, y, rose); }
void write_input(uint8_t *input) {
    for (int age = EVENT_VOLUME_BINS - 1; age >= 0; age--, input += EVENT_VOLUME_BIN_BYTES) {
        memcpy(input, event_volume_bin(&volume, age), EVENT_VOLUME_BIN_BYTES);
    }
}
"""
Compile = Callable[[dict[str, str], str], ctypes.CDLL]


@pytest.fixture
def compiled(tmp_path: Path) -> Compile:
    if shutil.which("gcc") is None:
        pytest.skip("there is no gcc here to compile the boards' C with")

    def compile_(files: dict[str, str], wrapper: str) -> ctypes.CDLL:
        for name, text in {**files, "wrapper.c": wrapper}.items():
            (tmp_path / name).write_text(text)
        sources = [str(path) for path in tmp_path.glob("*.c")]
        library = tmp_path / "library.so"
        command = ["gcc", *STRICT, "-shared", "-fPIC", *sources, "-o", str(library)]
        answer = subprocess.run(command, capture_output=True, text=True)
        assert answer.returncode == 0, answer.stderr
        return ctypes.CDLL(str(library))

    return compile_


@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_windows_agree_at_every_event(compiled: Compile, window: Window) -> None:
    c = compiled(window_files(SMALL, window, absent=-128, present=127), WINDOW)
    events, builder = jittery(1500, 5), WindowBuilder(SMALL, window)
    got = np.zeros((SMALL.size, SMALL.size, 2), np.int8)
    c.reset()
    for place in range(len(events)):
        builder.push(events.rows(place, place + 1))
        t_us = ctypes.c_uint32(
            int(events.t_us[place]) + (1 << 32) - 1000
        )  # the board's clock wraps on the way
        c.push(t_us, int(events.x_px[place]), int(events.y_px[place]), int(events.on[place]))
        c.write_input(got.ctypes.data_as(ctypes.c_void_p))
        assert (np.where(builder.planes().transpose(1, 2, 0), 127, -128) == got).all()


@pytest.mark.parametrize("volume", [Volume(4, 100), Volume(1, 1), Volume(3, 100_000)], ids=str)
def test_volumes_agree_at_every_event(compiled: Compile, volume: Volume) -> None:
    c = compiled(volume_files(SMALL, volume), VOLUME)
    events, builder = jittery(1200, 6), VolumeBuilder(SMALL, volume)
    got = np.zeros((volume.bins, 2, SMALL.size, SMALL.size), np.uint8)
    c.reset()
    for place in range(len(events)):
        builder.push(events.rows(place, place + 1))
        t_us = ctypes.c_uint64(int(events.t_us[place]))
        c.push(t_us, int(events.x_px[place]), int(events.y_px[place]), int(events.on[place]))
        c.write_input(got.ctypes.data_as(ctypes.c_void_p))
        assert (builder.counts() == got).all()


def test_the_networks_window_is_small(compiled: Compile) -> None:
    """300 cells of 64 x 64: what is kept between events must leave a board's memory to the network."""
    c = compiled(window_files(crop_for(640, 480), Window(cells=300)), WINDOW)
    assert c.bytes() < 3600


def test_a_real_sensors_window_agrees(compiled: Compile) -> None:
    crop, window = crop_for(346, 260), Window(cells=300)
    events, builder = jittery(20_000, 7, SensorCrop(0, 0, 4)), WindowBuilder(crop, window)
    c = compiled(window_files(crop, window), WINDOW)
    c.reset()
    for t_us, x, y, rose in zip(events.t_us, events.x_px, events.y_px, events.on, strict=True):
        c.push(ctypes.c_uint32(int(t_us)), int(x), int(y), int(rose))
    builder.push(events)
    got = np.zeros((64, 64, 2), np.int8)
    c.write_input(got.ctypes.data_as(ctypes.c_void_p))
    assert builder.cells == 300
    assert (builder.planes().transpose(1, 2, 0) == got).all()


def test_what_no_board_makes_is_refused() -> None:
    with pytest.raises(UsageError, match="newest polarity"):
        window_files(SMALL, Window(polarity="majority"))
