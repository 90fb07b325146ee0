"""Writing GazeCapture's layout: whatever is written is read back the same, and a frame without a face
stays one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.recordings import random_jpeg
from tinytracker.data.gazecapture import BOX_FILES, read_recording
from tinytracker.data.recording import RecordedFrame, write_recording
from tinytracker.data.recording_files import open_recording
from tinytracker.devices import DEVICES, Device, sized_device
from tinytracker.domain import Box
from tinytracker.errors import OutputError
from tinytracker.geometry import points_to_camera_cm, screen_size_points
from tinytracker.synthetic.writer import name_of_recording

JPEG = random_jpeg(np.random.default_rng(0))
PHONE = DEVICES["iPhone 6"]


def frame(**changes: Any) -> RecordedFrame:
    fields: dict[str, Any] = {
        "jpeg": JPEG,
        "width_px": 120,
        "height_px": 160,
        "face": Box(29, 39, 61, 61),
        "left_eye": Box(63, 50, 18, 16),
        "right_eye": Box(37, 50, 18, 16),
        "dot_number": 0,
        "dot_x_points": 100.0,
        "dot_y_points": 200.0,
        "time_s": 0.5,
        "orientation": 1,
    }
    return RecordedFrame(**(fields | changes))


boxes = st.builds(Box, st.integers(-50, 100), st.integers(-50, 100), st.integers(1, 200), st.integers(1, 200))


@settings(max_examples=25)
@given(
    face=boxes,
    left_eye=boxes,
    right_eye=boxes,
    orientation=st.integers(1, 4),
    device=st.sampled_from(list(DEVICES.values())),
)
def test_boxes_and_labels_are_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    face: Box,
    left_eye: Box,
    right_eye: Box,
    orientation: int,
    device: Device,
) -> None:
    folder = tmp_path_factory.mktemp("written") / "00007"
    written = frame(face=face, left_eye=left_eye, right_eye=right_eye, orientation=orientation)
    write_recording(folder, device, "val", [written])
    recording = read_recording(open_recording(folder))
    (label,) = recording.frames
    for box, whole in ((face, label.face), (left_eye, label.left_eye), (right_eye, label.right_eye)):
        assert whole == (box.x_px, box.y_px, box.width_px, box.height_px)
    assert (label.gaze_x_cm, label.gaze_y_cm) == points_to_camera_cm(100.0, 200.0, device, orientation)
    assert (recording.device, recording.split, label.orientation) == (device.name, "val", orientation)
    assert recording.doubtful == 0


def test_layout_is_gazecaptures(tmp_path: Path) -> None:
    motion = [{"DotNum": 0, "Time": 0.1}]
    write_recording(tmp_path / "00007", PHONE, "train", [frame(orientation=3), frame(dot_number=1)], motion)
    nine = [
        "appleFace",
        "appleLeftEye",
        "appleRightEye",
        "dotInfo",
        "faceGrid",
        "frames",
        "info",
        "motion",
        "screen",
    ]
    assert sorted(path.name for path in (tmp_path / "00007").iterdir()) == sorted(
        [*(f"{name}.json" for name in nine), "frames"]
    )
    content = {name: json.loads((tmp_path / f"00007/{name}.json").read_text()) for name in nine}
    assert content["frames"] == ["00000.jpg", "00001.jpg"]
    assert (tmp_path / "00007/frames/00001.jpg").read_bytes() == JPEG
    assert content["dotInfo"].keys() == {"DotNum", "XPts", "YPts", "XCam", "YCam", "Time"}
    assert content["screen"] == {"H": [375, 667], "W": [667, 375], "Orientation": [3, 1]}
    assert content["appleFace"] == {
        "X": [30] * 2,
        "Y": [40] * 2,
        "W": [60] * 2,
        "H": [60] * 2,
        "IsValid": [1] * 2,
    }
    assert content["appleLeftEye"]["X"] == [34] * 2
    assert content["appleLeftEye"]["Y"] == [12] * 2
    assert content["faceGrid"] == {
        "X": [7] * 2,
        "Y": [7] * 2,
        "W": [13] * 2,
        "H": [9] * 2,
        "IsValid": [1] * 2,
    }
    assert (
        content["info"].items()
        >= {"TotalFrames": 2, "NumFaceDetections": 2, "NumEyeDetections": 2, "Dataset": "train"}.items()
    )
    assert content["motion"] == motion


def test_frames_without_a_face_or_an_eye_stay_invalid(tmp_path: Path) -> None:
    frames = [frame(), frame(face=None, left_eye=None, right_eye=None), frame(left_eye=None)]
    write_recording(tmp_path / "00007", PHONE, "train", frames)
    recording = read_recording(open_recording(tmp_path / "00007"))
    assert [label.index for label in recording.frames] == [0]
    assert recording.left_out == {"no valid face": 1, "no valid left eye": 1}
    info = json.loads((tmp_path / "00007/info.json").read_text())
    assert (info["NumFaceDetections"], info["NumEyeDetections"]) == (2, 1)


def test_truth_is_read_back(tmp_path: Path) -> None:
    truth = {"yaw_deg": np.float32(1.5), "blink": np.bool_(True), "heads": "ict", "frames": np.int64(3)}
    write_recording(tmp_path / "00007", sized_device("laptop", 31, 17.4), "test", [frame(truth=truth)] * 2)
    recording = read_recording(open_recording(tmp_path / "00007"))
    assert recording.truth == {
        "yaw_deg": [1.5] * 2,
        "blink": [True] * 2,
        "heads": ["ict"] * 2,
        "frames": [3.0] * 2,
    }
    assert recording.device_kind == "laptop"


def test_empty_recording(tmp_path: Path) -> None:
    write_recording(tmp_path / "00007", PHONE, "train", [])
    assert read_recording(open_recording(tmp_path / "00007")).frames == []


def test_own_screen(tmp_path: Path) -> None:
    mine = Device("my desk", "monitor", 60, 34, 30, -5, 2560, 1440)  # the camera looks through the screen
    write_recording(tmp_path / "00007", mine, "train", [frame()])
    recording = read_recording(open_recording(tmp_path / "00007"))
    assert (recording.device, recording.device_kind) == ("my desk", "monitor")
    assert screen_size_points(mine, 1) == (2560, 1440)


def test_all_or_nothing(tmp_path: Path) -> None:
    def breaks() -> Iterator[RecordedFrame]:
        yield frame()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_recording(tmp_path / "00007", PHONE, "train", breaks())
    assert list(tmp_path.iterdir()) == []
    write_recording(tmp_path / "00007", PHONE, "train", [frame()])
    with pytest.raises(OutputError, match="exists already"):
        write_recording(tmp_path / "00007", PHONE, "train", [frame()])
    with pytest.raises(OutputError, match="cannot write"):
        write_recording(Path("/proc/00007"), PHONE, "train", [frame()])


def test_the_official_loop_reads_what_we_write(tmp_path: Path) -> None:
    """As the dataset's own preparation defines it: folders whose names are numbers, lists of equal length,
    frames that are valid in all four, the face grid that follows from the face's box."""
    rng = np.random.default_rng(0)
    written = []
    for index in range(40):
        name = name_of_recording(3, index)
        face = Box(*map(float, rng.integers((-20, -20, 20, 20), (80, 90, 100, 100))))
        frames = [frame(face=face), frame(face=face), frame(left_eye=None)]
        write_recording(tmp_path / name, PHONE, "train", frames, person="00003-00000")
        written.append(name)
    kept = 0
    for name in sorted(written):
        folder = tmp_path / name
        assert name == f"{int(name):05d}"
        lists = {
            file: json.loads((folder / file).read_text())
            for file in (*BOX_FILES.values(), "dotInfo.json", "frames.json")
        }
        valid = np.logical_and.reduce([np.array(lists[file]["IsValid"], bool) for file in BOX_FILES.values()])
        assert valid.tolist() == [True, True, False]
        for number in np.flatnonzero(valid):
            assert (folder / "frames" / f"{number:05d}.jpg").is_file()
            face_box, grid = lists["appleFace.json"], lists["faceGrid.json"]
            for place, size, frame_px in (("X", "W", 120), ("Y", "H", 160)):
                assert grid[place][number] == _round_half_away(face_box[place][number] * 25 / frame_px) + 1
                assert grid[size][number] == _round_half_away(face_box[size][number] * 25 / frame_px)
            kept += 1
    assert kept == 80


def _round_half_away(value: float) -> int:
    return int(np.sign(value) * np.floor(abs(value) + 0.5))
