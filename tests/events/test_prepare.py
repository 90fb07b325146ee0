"""Event recordings -> dataset: every layout, nothing silent, nobody in two splits, the same bytes however it
was interrupted or shared out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.events.test_files import SIZES, eye
from tests.recordings import tree_bytes
from tinytracker.cli.app import run
from tinytracker.errors import DatasetError, RecordingError
from tinytracker.events.crops import OF_SETS
from tinytracker.events.dataset import EventDataset, crop_of, is_event_dataset
from tinytracker.events.files.layouts import LAYOUTS, find_recordings
from tinytracker.events.prepare import Outcome, prepare_events, split_by_person
from tinytracker.events.recordings import EventRecording, write_recording
from tinytracker.events.stream import Events


def people(root: Path, count: int = 5) -> Path:
    for number in range(count):
        write_recording(root / f"eye{number}", eye("tinytracker", f"eye{number}", f"person{number}"))
    return root


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_known_by_what_lies_there(tmp_path: Path, layout: str) -> None:
    LAYOUTS[layout].write(tmp_path / "set" / "deep", eye(layout), ())
    summary = prepare_events(tmp_path / "set", tmp_path / "out")
    (outcome,) = summary.kept
    assert (outcome.layout, outcome.person) == (layout, "someone")
    dataset = EventDataset.open(tmp_path / "out")
    (recording,) = dataset.recordings("train")
    assert np.array_equal(recording.events.t_us, eye(layout).events.t_us)
    assert len(recording.labels) == outcome.labels > 0
    assert (recording.events.width_px, recording.events.height_px) == SIZES[layout]
    assert (crop_of(recording) == OF_SETS["ini-30"]) == (layout == "ini-30")


def test_nobody_stands_in_two_splits(tmp_path: Path) -> None:
    root = people(tmp_path / "in", 20)
    write_recording(root / "again", eye("tinytracker", "again", "person3"))
    summary = prepare_events(root, tmp_path / "out")
    dataset = EventDataset.open(tmp_path / "out")
    parts = [set(dataset.people(split)) for split in ("train", "val", "test")]
    assert [len(part) for part in parts] == [14, 3, 3]
    assert len(set.union(*parts)) == 20
    assert summary.splits["again"] == summary.splits["eye3"]


def test_a_split_that_is_asked_for_is_heeded(tmp_path: Path) -> None:
    outcomes = [Outcome("a", "a", split="test"), Outcome("b", "b", split="val"), Outcome("c", "c")]
    assert split_by_person(outcomes) == {"a": "test", "b": "val", "c": "train"}
    with pytest.raises(DatasetError, match="show the same person"):
        split_by_person([*outcomes, Outcome("d", "a", split="train")])


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    root = people(tmp_path / "in", 2)
    labels = eye("tinytracker").labels
    far = labels.copy()
    far["t_us"][:5] -= 10_000_000
    far["x_px"][10:13] = 2000
    events = eye("tinytracker").events
    write_recording(root / "far", EventRecording("far", "far", "", events, far))
    write_recording(root / "none", EventRecording("none", "none", "", Events.none(346, 260), labels))
    closed = labels.copy()
    closed["closed"] = True
    write_recording(root / "closed", EventRecording("closed", "closed", "", events, closed))
    (root / "eye1" / "events.npz").write_bytes(b"")
    summary = prepare_events(root, tmp_path / "out")
    assert [outcome.name for outcome in summary.refused] == ["closed", "eye1", "none"]
    assert "no usable label" in summary.refused[0].refused
    assert summary.left_out == {
        "labels from before the first event or after the last": 5,
        "labels outside of the square that networks see": 3,
    }
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert set(manifest["recordings_left_out"]) == {"closed", "eye1", "none"}
    assert set(manifest["recordings"]) == {"eye0", "far"}


def test_recordings_may_be_links_and_circles_end(tmp_path: Path) -> None:
    people(tmp_path / "elsewhere", 2)
    root = tmp_path / "in"
    root.mkdir()
    for name in ("eye0", "eye1"):
        (root / name).symlink_to(tmp_path / "elsewhere" / name)
    assert [found.name for found in find_recordings(root)] == ["eye0", "eye1"]
    (tmp_path / "round" / "deep").mkdir(parents=True)
    (tmp_path / "round" / "deep" / "again").symlink_to(tmp_path / "round")
    assert find_recordings(tmp_path / "round") == []


def test_nothing_usable_leaves_nothing(tmp_path: Path) -> None:
    root = people(tmp_path / "in", 1)
    (root / "eye0" / "labels.npy").unlink()
    with pytest.raises(DatasetError, match="nothing usable in the 1 recordings"):
        prepare_events(root, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    (tmp_path / "empty").mkdir()
    with pytest.raises(RecordingError, match="holds no event recordings"):
        prepare_events(tmp_path / "empty", tmp_path / "out")


def test_another_recording_of_the_same_name_is_refused(tmp_path: Path) -> None:
    prepare_events(people(tmp_path / "a", 1), tmp_path / "out")
    write_recording(tmp_path / "b" / "eye0", eye("tinytracker", "eye0", "another"))
    with pytest.raises(DatasetError, match="from another recording"):
        prepare_events(tmp_path / "b", tmp_path / "out")


def test_jobs_and_a_second_run_give_the_same_bytes(tmp_path: Path) -> None:
    root = people(tmp_path / "in", 3)
    prepare_events(root, tmp_path / "one")
    prepare_events(root, tmp_path / "two", jobs=2)
    wanted = tree_bytes(tmp_path / "one")
    assert tree_bytes(tmp_path / "two") == wanted
    before = (tmp_path / "one/eye0/t_us.npy").stat().st_mtime_ns
    prepare_events(root, tmp_path / "one")
    assert tree_bytes(tmp_path / "one") == wanted
    assert (tmp_path / "one/eye0/t_us.npy").stat().st_mtime_ns == before, "done again"


def test_killed_and_started_again(tmp_path: Path) -> None:
    """kill -9 while a recording is half-written: in the end the same bytes as undisturbed."""
    root, dataset = people(tmp_path / "in", 3), tmp_path / "disturbed"
    prepare_events(root, tmp_path / "undisturbed")
    code = f"""
import time
from pathlib import Path
from tinytracker.events import prepare as module
quick = module.write_arrays
def slow(folder, recording):
    quick(folder, recording)
    if recording.name == "eye1":
        time.sleep(60)
module.write_arrays = slow
module.prepare_events(Path({str(root)!r}), Path({str(dataset)!r}))
"""
    process = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 30
    while not list(dataset.glob(".eye1.*.partial/labels.npy")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert (dataset / "eye0").is_dir()
    assert not (dataset / "eye1").exists()
    assert not is_event_dataset(dataset)
    with pytest.raises(DatasetError, match="not a whole dataset"):
        EventDataset.open(dataset)
    prepare_events(root, dataset)
    assert tree_bytes(dataset) == tree_bytes(tmp_path / "undisturbed")
    assert is_event_dataset(dataset)


@pytest.mark.parametrize("name", ["t_us.npy", "on.npy", "labels.npy"])
def test_a_broken_dataset_is_told(tmp_path: Path, name: str) -> None:
    prepare_events(people(tmp_path / "in", 1), tmp_path / "out")
    path = tmp_path / "out" / "eye0" / name
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(DatasetError, match="prepare again"):
        list(EventDataset.open(tmp_path / "out").recordings())


def test_the_command_says_what_came_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = people(tmp_path / "in", 4)
    (root / "eye2" / "labels.npy").unlink()
    assert run(["-q", "prepare", str(root), str(tmp_path / "out"), "--jobs", "1"]) == 0
    said = capsys.readouterr().out
    assert "12000 events and 300 labels of 3 recordings" in said
    assert "left out a recording:" in said
    assert "val: 1 people" in said
    assert run(["prepare", str(root), str(tmp_path / "o"), "--dask", "tcp://host:1"]) == 2
    assert run(["prepare", str(root), str(tmp_path / "o"), "--face-px", "96"]) == 2
    assert "--face-px means nothing to recordings of events" in capsys.readouterr().err
    assert run(["-q", "prepare", str(root), str(tmp_path / "o")]) == 0, "a process per core"
