"""Recordings on disk: GazeCapture's layout, the same bytes however they are made, whole or not there."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.synthetic.assets import ict_path
from tinytracker.cli.app import run
from tinytracker.data.gazecapture import read_recording
from tinytracker.data.recording_files import open_recording
from tinytracker.errors import OutputError, UsageError
from tinytracker.geometry import gaze_on_screen_plane
from tinytracker.images import read_image
from tinytracker.synthetic.writer import (
    Share,
    SynthOptions,
    name_of_recording,
    session_of,
    split_of,
    synthesise,
    write_person,
)

JSON_FILES = {
    "appleFace.json",
    "appleLeftEye.json",
    "appleRightEye.json",
    "dotInfo.json",
    "faceGrid.json",
    "frames.json",
    "info.json",
    "motion.json",
    "screen.json",
    "truth.json",
}
OPTIONS = SynthOptions(seed=11, frames=3)


def digest(root: Path) -> dict[str, str]:
    """SHA-256 of every file by its path."""
    return {
        str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(root.rglob("*"))
        if p.is_file()
    }


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synth") / "recordings"
    assert synthesise(folder, 4, OPTIONS) == 4
    return folder


def test_layout_is_gazecaptures(root: Path) -> None:
    folders = sorted(path for path in root.iterdir() if path.is_dir())
    assert [path.name for path in folders] == [name_of_recording(11, index) for index in range(4)]
    for folder in folders:
        assert {path.name for path in folder.glob("*.json")} == JSON_FILES
        assert [path.name for path in sorted((folder / "frames").iterdir())] == [
            "00000.jpg",
            "00001.jpg",
            "00002.jpg",
        ]


def test_motion_is_of_the_frames_dots_and_changes_no_frame(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tinytracker.synthetic import writer

    folder = root / name_of_recording(11, 0)
    dots = json.loads((folder / "dotInfo.json").read_text())
    motion = json.loads((folder / "motion.json").read_text())
    assert {sample["DotNum"] for sample in motion} == set(dots["DotNum"])
    assert (
        min(dots["Time"])
        <= min(s["Time"] for s in motion)
        <= max(s["Time"] for s in motion)
        <= max(dots["Time"])
    )
    monkeypatch.setattr(writer, "motion_samples", lambda *_: [])
    synthesise(tmp_path, 1, OPTIONS)
    wanted, without = digest(folder), digest(tmp_path / folder.name)
    assert {name for name in wanted if wanted[name] != without[name]} == {"motion.json"}


def test_recordings_read_back_with_exact_labels(root: Path) -> None:
    for index in range(4):
        folder = root / name_of_recording(11, index)
        recording = read_recording(open_recording(folder))
        assert recording.split == split_of(index)
        session = session_of(OPTIONS, index)
        frames = {k: session.frame() for k in range(3)}
        assert recording.device == session.setup.device.name
        assert recording.device_kind == session.setup.device.kind
        assert len(recording.frames) >= 2
        for label in recording.frames:
            frame = frames[label.index]
            x_cm, y_cm = gaze_on_screen_plane(frame.posed.eye_centres_cm, frame.posed.visual_axes)
            assert np.abs([x_cm - label.gaze_x_cm, y_cm - label.gaze_y_cm]).max() < 1e-6
            assert recording.truth["left_centre_x_px"][label.index] == frame.truth["left_centre_x_px"]
            assert label.orientation == frame.orientation
            assert frame.boxes is not None
            assert abs(label.face[0] - frame.boxes.face.x_px) <= 0.5
            assert abs(label.left_eye[0] - frame.boxes.left_eye.x_px) <= 1
            image = read_image(folder / label.picture)
            assert image.shape == (frame.camera.height_px, frame.camera.width_px, 3)
            assert np.abs(image.astype(float) - frame.image()).mean() < 12  # JPEG of a noisy picture


def test_same_bytes_whatever_jobs_and_order(root: Path, tmp_path: Path) -> None:
    synthesise(tmp_path / "one", 1, OPTIONS)
    synthesise(tmp_path / "one", 4, OPTIONS, jobs=2)
    assert digest(tmp_path / "one") == digest(root)


def test_shards_together_are_the_whole(root: Path, tmp_path: Path) -> None:
    assert [synthesise(tmp_path, 4, OPTIONS, share=Share(shard, 3)) for shard in (1, 2, 3)] == [2, 1, 1]
    assert digest(tmp_path) == digest(root)


def test_one_split_alone_is_that_part_of_the_whole(root: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    share = Share(splits=("test",))
    assert synthesise(tmp_path, 4, OPTIONS, share=share, progress=lambda *done: seen.append(done)) == 1
    assert seen == [(0, 3), (3, 3)]
    (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
    assert folder.name == name_of_recording(11, 2)
    assert digest(folder) == digest(root / folder.name)


def test_a_shard_leaves_alone_what_others_are_writing(tmp_path: Path) -> None:
    mine, theirs = (tmp_path / f".{name_of_recording(11, index)}.77.partial" for index in (0, 1))
    mine.mkdir()
    theirs.mkdir()
    synthesise(tmp_path, 1, SynthOptions(11, 1), share=Share(1, 2))
    assert theirs.exists()
    assert not mine.exists()


def test_a_dask_cluster_gives_the_same_bytes(root: Path, tmp_path: Path) -> None:
    distributed = pytest.importorskip("dask.distributed")
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        dashboard_address=None,
        local_directory=str(tmp_path / "dask"),
    ) as cluster:
        synthesise(tmp_path / "shared", 4, OPTIONS, dask_scheduler=cluster.scheduler_address)
    assert digest(tmp_path / "shared") == digest(root)


def test_blinks_are_as_frequent_as_asked(tmp_path: Path) -> None:
    options = SynthOptions(11, 3)
    assert options.as_dict() == {"seed": 11, "frames": 3, "heads": "makehuman"}
    often = SynthOptions(11, 3, blinks=1.0)
    session = session_of(often, 0)
    frames = [session.frame() for _ in range(20)]
    assert all(frame.truth["blink"] for frame in frames)
    openness = [frame.truth["left_openness"] for frame in frames]
    assert min(openness) < 0.04
    assert max(openness) > 0.08
    synthesise(tmp_path, 1, SynthOptions(11, 1, blinks=0.5))
    with pytest.raises(OutputError, match=r"begun with blinks 0\.5, not as usual"):
        synthesise(tmp_path, 1, SynthOptions(11, 1))


def test_other_seeds_are_other_people_and_may_share_a_folder(root: Path, tmp_path: Path) -> None:
    for seed in (11, 12):
        synthesise(tmp_path, 1, SynthOptions(seed, 1))
    first, second = (
        (tmp_path / name_of_recording(seed, 0) / "frames" / "00000.jpg").read_bytes() for seed in (11, 12)
    )
    assert first != second


def test_nothing_is_rendered_twice(root: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    calls: list[tuple[int, int]] = []
    assert synthesise(root, 4, OPTIONS, progress=lambda done, total: calls.append((done, total))) == 0
    assert calls == [(12, 12)]
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_killed_and_started_again_gives_the_same_bytes(root: Path, tmp_path: Path) -> None:
    code = "import sys, pathlib; from tinytracker.synthetic.writer import *; "
    code += "synthesise(pathlib.Path(sys.argv[1]), 4, SynthOptions(11, 3))"
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "killed")])
    deadline = time.monotonic() + 60
    while (
        not list((tmp_path / "killed").glob(".11000*.partial/frames/00000.jpg"))
        and time.monotonic() < deadline
    ):
        assert process.poll() is None
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    left = [
        path for path in (tmp_path / "killed").iterdir() if path.is_dir() and not path.name.startswith(".")
    ]
    assert len(left) < 4
    for folder in left:
        assert digest(folder) == digest(root / folder.name)
    synthesise(tmp_path / "killed", 4, OPTIONS)
    assert digest(tmp_path / "killed") == digest(root)


def test_recording_that_a_rival_finishes_first_is_taken(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that outlived a killed command finishes the same recording while ours is being written."""
    import shutil

    from tinytracker.synthetic import writer

    def rival_first(folder: Path, *rest: Any) -> None:
        shutil.copytree(root / folder.name, folder)
        write_person(folder, *rest)

    monkeypatch.setattr(writer, "write_person", rival_first)
    synthesise(tmp_path, 1, OPTIONS)
    assert digest(tmp_path / name_of_recording(11, 0)) == digest(root / name_of_recording(11, 0))


def test_interrupted_leaves_whole_recordings_only(tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        synthesise(tmp_path, 3, SynthOptions(11, 1), progress=interrupt)
    assert sorted(path.name for path in tmp_path.iterdir()) == [name_of_recording(11, 0), "synth-00011.json"]


def test_split_is_80_10_10_by_person() -> None:
    splits = [split_of(index) for index in range(1000)]
    assert [splits.count(name) for name in ("train", "val", "test")] == [800, 100, 100]
    assert {split_of(index) for index in range(3)} == {"train", "val", "test"}


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--ict-path"):
        synthesise(tmp_path / "a", 1, SynthOptions(0, 1, "ict"))
    with pytest.raises(UsageError, match="people"):
        synthesise(tmp_path / "a", 0, SynthOptions(0, 1))
    with pytest.raises(UsageError, match="jobs"):
        synthesise(tmp_path / "a", 2, SynthOptions(0, 1), jobs=0)
    with pytest.raises(UsageError, match="frames"):
        SynthOptions(0, 0)
    with pytest.raises(UsageError, match="--heads both is gone"):
        SynthOptions(0, 1, "both")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="blinks"):
        SynthOptions(0, 1, blinks=1.5)
    for text in ("3", "0/2", "3/2", "one/two", "-1/2", "/"):
        with pytest.raises(UsageError, match="shard"):
            Share.parse(text)
    with pytest.raises(UsageError, match="nobody"):
        synthesise(tmp_path / "a", 2, SynthOptions(0, 1), share=Share(3, 3))
    assert not (tmp_path / "a").exists()
    synthesise(tmp_path, 1, SynthOptions(0, 1))
    with pytest.raises(OutputError, match="begun with"):
        synthesise(tmp_path, 1, SynthOptions(0, 2))
    with pytest.raises(OutputError, match="exists already"):
        write_person(tmp_path / name_of_recording(0, 0), 0, SynthOptions(0, 1))
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        synthesise(tmp_path / "file", 1, SynthOptions(0, 1))


@pytest.mark.parametrize("heads", ["procedural", "both"])
def test_heads_that_are_gone_are_one_line(
    heads: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["synth", str(tmp_path / "people"), "--heads", heads]) == UsageError.exit_code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: --heads {heads} is gone")
    assert line.endswith("use makehuman, the default, or ict with --ict-path")
    assert not (tmp_path / "people").exists()


def test_ict_heads(tmp_path: Path) -> None:
    synthesise(tmp_path, 2, SynthOptions(4, 2, "ict"), ict_path=ict_path())
    recording = read_recording(open_recording(tmp_path / name_of_recording(4, 0)))
    assert set(recording.truth["heads"]) == {"ict"}
