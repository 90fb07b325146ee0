"""Windows and volumes, each made in every way there is: all agree to the bit, and polarity stays with its
position."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinytracker.errors import UsageError
from tinytracker.events.builder import WindowBuilder
from tinytracker.events.crops import SensorCrop, crop_for
from tinytracker.events.stream import Events
from tinytracker.events.volumes import Volume, VolumeBuilder, volume_at
from tinytracker.events.windows import OFF, ON, Window, window_at, windows_at

SMALL = SensorCrop(left_px=3, top_px=-2, scale=2, size=8)
WINDOWS = [Window(cells=5), Window(cells=30), Window.of_time(400), Window(cells=20, longest_us=150),
           Window(cells=12, among=3), Window(cells=30, longest_us=200, among=1)]  # fmt: skip


def jittery(count: int, seed: int, crop: SensorCrop = SMALL) -> Events:
    """Events that dwell in one place, jump, repeat themselves and leave the crop."""
    random = np.random.default_rng(seed)
    width, height = crop.left_px + crop.size * crop.scale + 4, crop.top_px + crop.size * crop.scale + 4
    middle = np.cumsum(random.normal(0, 1.5, (count, 2)), 0) + (width / 2, height / 2)
    places = np.abs(np.rint(middle + random.normal(0, 2, (count, 2)))).astype(int) % (width, height)
    gaps = random.choice([0, 0, 1, 7, 60], count)
    return Events.of(np.cumsum(gaps), *places.T, random.random(count) < 0.5, width_px=width, height_px=height)


def retina_scrambled(events: Events, cells: int, crop: SensorCrop) -> np.ndarray:
    """A window as Retina's default one is put together: positions of the newest distinct pixels, newest
    first, beside the polarities of as many of the newest events, oldest first."""
    inside, every = crop.cells_of(events)
    newest_first = every[::-1]
    _, first = np.unique(newest_first, return_index=True)
    distinct = newest_first[np.sort(first)[:cells]]
    polarities = events.on[inside][-len(distinct) :]
    planes = np.zeros((2, crop.size**2), np.uint8)
    planes[polarities.astype(int), distinct] = 1
    return planes.reshape(2, crop.size, crop.size)


def test_polarity_stays_with_its_position() -> None:
    """An edge moves right over four pixels: the two newest pixels rose, the two before fell."""
    events = Events.of(
        [0, 1, 2, 3], [0, 1, 2, 3], [0, 0, 0, 0], [False, False, True, True], width_px=4, height_px=4
    )
    crop, window = SensorCrop(0, 0, 1, size=4), Window(cells=4)
    right = np.zeros((2, 4, 4), np.uint8)
    right[OFF, 0, :2] = 1
    right[ON, 0, 2:] = 1
    builder = WindowBuilder(crop, window)
    builder.push(events)
    assert (builder.planes() == right).all()
    assert (window_at(events, 4, crop, window) == right).all()
    assert (windows_at(events, np.array([4]), crop, window).planes[0] == right).all()
    scrambled = retina_scrambled(events, 4, crop)
    assert scrambled.sum() == right.sum(), "the same pixels"
    assert (scrambled != right).any(), "the original's pairing is wrong here, and so this test can fail"


@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize("seed", range(4))
def test_every_way_agrees_at_every_event(window: Window, seed: int) -> None:
    events = jittery(400, seed)
    builder = WindowBuilder(SMALL, window)
    cut = windows_at(events, np.arange(401), SMALL, window)
    for end in range(401):
        plain = window_at(events, end, SMALL, window)
        assert (cut.planes[end] == plain).all()
        assert (builder.planes() == plain).all()
        about = (builder.newest_us, builder.oldest_us, builder.cells)
        assert about == (cut.newest_us[end], cut.oldest_us[end], cut.cells[end])
        assert builder.cells == plain.sum()
        builder.push(events.rows(end, end + 1))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1000), steps=st.lists(st.integers(0, 90), min_size=1, max_size=6))
def test_it_does_not_matter_in_how_many_parts_events_come(seed: int, steps: list[int]) -> None:
    events, window = jittery(500, seed), Window(cells=11, longest_us=900)
    builder, end = WindowBuilder(SMALL, window), 0
    for step in steps:
        builder.push(events.rows(end, end + step))
        end += step
    assert (builder.planes() == window_at(events, end, SMALL, window)).all()


def test_majority_counts_the_events_of_the_window_alone() -> None:
    """Cell 1 fell thrice long ago, then, within the window, rose twice and fell once."""
    x = [1, 1, 1, 5, 4, 1, 1, 1]
    on = [False, False, False, True, False, True, True, False]
    events = Events.of(range(8), x, [0] * 8, on, width_px=8, height_px=8)
    crop, two = SensorCrop(0, 0, 1, size=8), Window(cells=2, polarity="majority")
    planes = window_at(events, 8, crop, two)
    assert planes[ON, 0, 1] == 1
    assert planes[OFF, 0, 4] == 1
    assert planes.sum() == 2
    assert window_at(events, 8, crop, Window(cells=9, polarity="majority"))[OFF, 0, 1] == 1
    with pytest.raises(UsageError, match="newest polarity"):
        WindowBuilder(crop, two)


@pytest.mark.parametrize("window", [Window(9, 0, "majority"), Window(0, 300, "majority")], ids=str)
def test_majority_agrees_too(window: Window) -> None:
    events = jittery(600, 11)
    ends = np.arange(0, 601, 3)
    cut = windows_at(events, ends, SMALL, window)
    for place, end in enumerate(ends):
        assert (cut.planes[place] == window_at(events, int(end), SMALL, window)).all()


@pytest.mark.parametrize("volume", [Volume(4, 100), Volume(1, 1), Volume(3, 100_000)], ids=str)
def test_volumes_agree(volume: Volume) -> None:
    events = jittery(900, 2)
    builder = VolumeBuilder(SMALL, volume)
    for end in range(0, 901, 9):
        assert (builder.counts() == volume_at(events, end, SMALL, volume)).all()
        builder.push(events.rows(end, end + 9))


def test_a_volume_is_causal_and_counts() -> None:
    events = Events.of(
        [0, 99, 100, 100, 350], [0] * 5, [0] * 5, [True, True, False, True, True], width_px=1, height_px=1
    )
    crop = SensorCrop(0, 0, 1, size=1)
    counts = volume_at(events, 4, crop, Volume(3, 100))[:, :, 0, 0]
    assert counts.tolist() == [[0, 0], [0, 2], [1, 1]]
    assert volume_at(events, 5, crop, Volume(3, 100))[:, :, 0, 0].tolist() == [[1, 1], [0, 0], [0, 1]]


def test_counts_stop_at_255() -> None:
    events = Events.of([5] * 300, [0] * 300, [0] * 300, [True] * 300, width_px=1, height_px=1)
    builder = VolumeBuilder(SensorCrop(0, 0, 1, size=1), Volume(1, 10))
    builder.push(events)
    assert builder.counts().max() == 255


def test_ini_30_is_cut_as_retina_cuts_it() -> None:
    """640 x 480 -> 512 x 512 -> 64 x 64: x from 96 to 608, y shifted by 16, then divided by 8."""
    x, y = (grid.ravel() for grid in np.meshgrid(np.arange(640), np.arange(480)))
    events = Events.of(np.zeros(x.size, int), x, y, x > 0, width_px=640, height_px=480)
    inside, cells = crop_for(640, 480, "ini-30").cells_of(events)
    kept = (x >= 96) & (x < 608)
    assert (inside == np.flatnonzero(kept)).all()
    assert (cells == ((y + 16) // 8 * 64 + (x - 96) // 8)[kept]).all()


@pytest.mark.parametrize(("width", "height"), [(346, 260), (640, 480), (128, 128), (240, 180), (1280, 720)])
def test_a_crop_shows_all_of_the_height_and_most_of_the_width(width: int, height: int) -> None:
    crop = crop_for(width, height)
    side = crop.size * crop.scale
    assert side >= height
    assert side >= 0.8 * width
    assert (crop.size * (crop.scale - 1) < height) or (crop.size * (crop.scale - 1) < 0.8 * width)


def test_a_window_that_goes_back_in_time_is_a_bug() -> None:
    builder = WindowBuilder(SMALL, Window())
    builder.push(Events.of([5], [3], [0], [True], width_px=9, height_px=9))
    with pytest.raises(RuntimeError, match="time goes back"):
        builder.push(Events.of([4], [3], [0], [True], width_px=9, height_px=9))
