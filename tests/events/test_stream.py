"""Events, labels and recordings: what they refuse, and that they come back as they went."""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from tinytracker.errors import OutputError, RecordingError
from tinytracker.events.labels import LABEL, at_times, labels_of
from tinytracker.events.recordings import EventRecording, read_recording, write_recording
from tinytracker.events.stream import Events


def some_events(count: int = 500, seed: int = 3) -> Events:
    random = np.random.default_rng(seed)
    return Events.of(
        np.sort(random.integers(0, 10_000, count)),
        random.integers(0, 64, count),
        random.integers(0, 48, count),
        random.random(count) < 0.5,
        width_px=64,
        height_px=48,
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"t_us": [5, 4]}, "time goes back at event 1: 4 us after 5 us"),
        ({"x_px": [0, 64]}, "outside of 64 x 48"),
        ({"y_px": [48, 0]}, "outside of 64 x 48"),
        ({"x_px": [0, -1]}, "x_px reaches from -1 to 0"),
        ({"x_px": [0, 0.5]}, "x_px is float64, expected whole numbers"),
        ({"on": [True]}, r"on is bool \(1,\), expected bool \(2,\)"),
        ({"width_px": 0}, "a sensor of 0 x 48 pixels"),
    ],
)
def test_what_no_sensor_sends_is_refused(change: dict, reason: str) -> None:
    whole = {"t_us": [4, 5], "x_px": [0, 1], "y_px": [0, 1], "on": [True, False]}
    with pytest.raises(ValueError, match=reason):
        Events.of(**(whole | {"width_px": 64, "height_px": 48} | change))


def test_between_takes_the_start_and_leaves_the_end() -> None:
    events = Events.of([1, 2, 2, 3], [0] * 4, [0] * 4, [True] * 4, width_px=1, height_px=1)
    assert events.between(2, 3).t_us.tolist() == [2, 2]


def test_parts_join_to_the_whole() -> None:
    events = some_events()
    joined = Events.joined([events.rows(0, 100), events.rows(100, 100), events.rows(100, 500)])
    assert (joined.t_us == events.t_us).all()
    assert (joined.on == events.on).all()
    with pytest.raises(ValueError, match="time goes back"):
        Events.joined([events, events])


def test_labels_between_labels() -> None:
    labels = labels_of([0, 1000, 90_000], x_px=[1, 2, 3], y_px=[0, 4, 0], closed=[False, True, False])
    got = at_times(labels, np.array([-1, 0, 250, 1000, 50_000, 90_000, 90_001]), longest_gap_us=2000)
    np.testing.assert_allclose(got["x_px"], [np.nan, 1, 1.25, 2, np.nan, 3, np.nan])
    assert got["closed"].tolist() == [False, False, True, True, False, False, False]


def test_a_recording_comes_back_and_its_bytes_are_the_same(tmp_path: Path) -> None:
    labels = labels_of([0, 40], x_px=[3.5, 4.0], y_px=[2.0, 2.5])
    recording = EventRecording("eye", "someone", "davis346", some_events(), labels, {"split": "val"})
    digests = []
    for name in ("a", "b"):
        write_recording(tmp_path / name, recording)
        files = sorted((tmp_path / name).iterdir())
        digests.append([hashlib.sha256(file.read_bytes()).hexdigest() for file in files])
    assert digests[0] == digests[1]
    again = read_recording(tmp_path / "a")
    assert (again.name, again.person, again.sensor) == ("eye", "someone", "davis346")
    assert again.settings == {"split": "val"}
    for name in ("t_us", "x_px", "y_px", "on"):
        assert (getattr(again.events, name) == getattr(recording.events, name)).all()
    assert again.labels.dtype == LABEL
    assert again.labels.tobytes() == labels.tobytes()
    with pytest.raises(OutputError, match="there already"):
        write_recording(tmp_path / "a", recording)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


@pytest.mark.parametrize("name", ["recording.json", "events.npz", "labels.npy"])
@pytest.mark.parametrize("damage", [cut, Path.unlink, lambda path: path.write_bytes(b"")])
def test_damage_is_told(tmp_path: Path, name: str, damage) -> None:
    labels = labels_of(np.arange(20) * 10)
    write_recording(tmp_path / "a", EventRecording("a", "a", "", some_events(), labels))
    damage(tmp_path / "a" / name)
    with pytest.raises(RecordingError):
        read_recording(tmp_path / "a")


def test_flipped_bits_are_told_or_read_as_events(tmp_path: Path) -> None:
    write_recording(tmp_path / "a", EventRecording("a", "a", "", some_events()))
    random = np.random.default_rng(0)
    for name, reach in (("events.npz", 1 << 20), ("labels.npy", 300), ("recording.json", 1 << 20)):
        path = tmp_path / "a" / name
        whole = path.read_bytes()
        for place in random.integers(0, min(reach, len(whole)), 80):
            for flip in (0x55, 0x08, 0x01):
                path.write_bytes(whole[:place] + bytes([whole[place] ^ flip]) + whole[place + 1 :])
                with contextlib.suppress(RecordingError):
                    read_recording(tmp_path / "a")
        path.write_bytes(whole)


def test_counts_must_agree(tmp_path: Path) -> None:
    write_recording(tmp_path / "a", EventRecording("a", "a", "", some_events()))
    path = tmp_path / "a" / "recording.json"
    about = json.loads(path.read_text())
    path.write_text(json.dumps(about | {"events": 3}))
    with pytest.raises(RecordingError, match="500 events and 0 labels, where"):
        read_recording(tmp_path / "a")
