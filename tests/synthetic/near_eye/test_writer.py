"""Many people's recordings on disk: the same bytes however they are made, whole or not there."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from tinytracker.errors import OutputError, UsageError
from tinytracker.events.files.layouts import LAYOUTS, find_recordings
from tinytracker.events.recordings import read_recording
from tinytracker.synthetic.near_eye.writer import (
    SENSOR_OF_LAYOUT,
    EyesOptions,
    name_of_person,
    sitting_of,
    split_of,
    synthesise_eyes,
)

OPTIONS = EyesOptions(seed=5, seconds=0.12, sensors=("speck",), label_hz=100.0)


def digest(root: Path) -> dict[str, str]:
    """SHA-256 of every file by its path."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("eyes") / "recordings"
    assert synthesise_eyes(folder, 3, OPTIONS) == 3
    return folder


def test_recordings_read_back(root: Path) -> None:
    for index in range(3):
        recording = read_recording(root / name_of_person(5, index))
        assert recording.sensor == "speck"
        assert recording.settings["split"] == split_of(index)
        assert len(recording.events) > 50
        assert 0 <= recording.events.t_us[0] <= recording.events.t_us[-1] < 130_000
        labels = recording.labels
        assert labels["t_us"].tolist() == list(range(0, 120_000, 10_000))
        sitting = sitting_of(OPTIONS, index)
        assert np.isfinite(labels["x_px"]).all()
        assert (labels["minor_px"] <= labels["major_px"]).all()
        assert recording.settings["camera_distance_cm"] == pytest.approx(
            sitting.headset.distance_cm, abs=1e-3
        )


def test_gaze_is_in_the_cameras_frame(root: Path) -> None:
    """Somebody who looks into the lens looks at (0, 0)."""
    sitting = sitting_of(OPTIONS, 0)
    labels = read_recording(root / name_of_person(5, 0)).labels
    yaw, pitch = np.radians(labels["gaze_yaw_deg"][0]), np.radians(labels["gaze_pitch_deg"][0])
    in_camera = np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
    right, down, forward = sitting.headset.view.axes
    in_head = in_camera @ np.stack([right, -down, -forward])
    yaw, pitch = np.radians(sitting.path.gaze_deg[0])
    assert in_head == pytest.approx(
        [np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)], abs=1e-6
    )


def test_same_bytes_whatever_jobs_and_order(root: Path, tmp_path: Path) -> None:
    synthesise_eyes(tmp_path, 1, OPTIONS)
    assert synthesise_eyes(tmp_path, 3, OPTIONS, jobs=2) == 2
    assert digest(tmp_path) == digest(root)


def test_interrupted_leaves_whole_recordings_and_goes_on(root: Path, tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done > 150:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        synthesise_eyes(tmp_path, 3, OPTIONS, progress=interrupt)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["00005-00000", "synth-eyes-00005.json"]
    (tmp_path / ".00005-00001.abc.partial").mkdir()  # as kill -9 leaves it
    calls: list[tuple[int, int]] = []
    synthesise_eyes(tmp_path, 3, OPTIONS, progress=lambda done, total: calls.append((done, total)))
    assert calls[0] == (120, 360)
    assert calls[-1] == (360, 360)
    assert digest(tmp_path) == digest(root)


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name != "tinytracker"])
def test_other_layouts_are_read_back_and_gone_on_with(layout: str, tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    pytest.importorskip("faery")
    sensor = SENSOR_OF_LAYOUT[layout]
    options = EyesOptions(seed=6, seconds=0.1, sensors=(sensor,), layout=layout)
    assert synthesise_eyes(tmp_path, 1, options) == 1
    before = digest(tmp_path)
    assert synthesise_eyes(tmp_path, 1, options) == 0
    assert digest(tmp_path) == before
    (found,) = find_recordings(tmp_path)
    assert found.layout == layout
    read = LAYOUTS[layout].read(found.folder).recording
    assert len(read.events) > 100
    assert len(read.labels) > 0
    if layout == "eveye":
        assert len(list(found.folder.rglob("*.png"))) == 3


def test_refusals(tmp_path: Path) -> None:
    for wrong, said in (
        ({"sensors": ("kodak",)}, "davis346, dvxplorer, speck"),
        ({"seconds": 0.0}, "0.05"),
        ({"label_hz": 0.5}, "10000"),
        ({"fixed": ("nose",)}, "pose, leds, lids, slip, sensor"),
        ({"fixed": ("pose",), "shifted": ("pose",)}, "twice"),
        ({"split": "all"}, "train, val or test"),
        ({"layout": "eveye"}, "davis346"),
        ({"layout": "nothing"}, "ini-30"),
        ({"seed": -1}, "at least 0"),
    ):
        with pytest.raises(UsageError, match=said):
            EyesOptions(**{"seed": 0, "seconds": 1.0, "sensors": ("speck",), **wrong})
    with pytest.raises(UsageError, match="people"):
        synthesise_eyes(tmp_path, 0, OPTIONS)
    (tmp_path / "synth-eyes-00005.json").write_text(json.dumps({"format": 0}))
    with pytest.raises(OutputError, match="begun with"):
        synthesise_eyes(tmp_path, 1, OPTIONS)
