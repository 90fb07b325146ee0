"""Recordings -> dataset: crops to the pixel, nothing silent, the same bytes however it was interrupted or
shared out."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as parquet
import pytest

from tests.recordings import FACE, LEFT_EYE, RIGHT_EYE, edit_json, make_recording, pack, tree_bytes
from tinytracker.data.dataset import Dataset
from tinytracker.data.prepare import PrepareOptions, Summary, prepare
from tinytracker.errors import DatasetError, InputError, OutputError, RecordingError, UsageError
from tinytracker.faces.crops import resize
from tinytracker.pool import processes_for

SMALL = PrepareOptions(face_px=24, eye_px=16)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """Six recordings: four people to train on, one each for val and test."""
    for number in range(6):
        split = ("train", "train", "val", "train", "test", "train")[number]
        truth = {
            "distance_cm": [30 + number] * 4,
            "blink": [False, True, False, False],
            "heads": ["makehuman"] * 4,
        }
        make_recording(tmp_path / "people", f"0000{number}", split=split, truth=truth if number % 2 else None)
    return tmp_path / "people"


def reason(summary: Summary) -> str:
    (outcome,) = summary.refused
    return outcome.refused


class TestContent:
    def test_crops_are_those_of_the_official_preprocessing(self, tmp_path: Path) -> None:
        """With crops stored at their own size nothing is resized: the pixels must be the frame's."""
        folder = make_recording(tmp_path / "in")
        frame = cv2.cvtColor(cv2.imread(str(folder / "frames/00002.jpg")), cv2.COLOR_BGR2RGB)
        prepare(tmp_path / "in", tmp_path / "faces", PrepareOptions(face_px=61, eye_px=16))
        face = np.load(tmp_path / "faces/00002/face.npy")[2]
        x, y = FACE["X"] - 1, FACE["Y"] - 1
        assert np.array_equal(face, frame[y : y + 61, x : x + 61])
        for name, eye in (("left_eye", LEFT_EYE), ("right_eye", RIGHT_EYE)):
            crop = np.load(tmp_path / f"faces/00002/{name}.npy")[2]
            ex, ey = x + eye["X"], y + eye["Y"] - 1
            wanted = resize(frame[ey : ey + eye["H"], ex : ex + eye["W"]], 16, 16)
            assert np.array_equal(crop, wanted)

    def test_outside_the_frame_is_black(self, tmp_path: Path) -> None:
        folder = make_recording(tmp_path / "in", frames=1)
        edit_json(folder, "appleFace.json", lambda boxes: boxes | {"X": [-10], "Y": [-19]})
        prepare(tmp_path / "in", tmp_path / "out", PrepareOptions(face_px=61, eye_px=16))
        face = np.load(tmp_path / "out/00002/face.npy")[0]
        assert not face[:20].any()
        assert not face[:, :11].any()
        assert face[20:, 11:].any(axis=2).mean() > 0.9

    def test_labels(self, tmp_path: Path) -> None:
        truth = {"blink": [True] * 4, "heads": ["procedural"] * 4}  # a kind of heads of older recordings
        folder = make_recording(tmp_path / "in", device="iPad Air 2", orientation=3, split="val", truth=truth)
        edit_json(folder, "appleLeftEye.json", lambda boxes: boxes | {"IsValid": [1, 0, 1, 1]})
        dots = json.loads((folder / "dotInfo.json").read_text())
        prepare(tmp_path / "in", tmp_path / "out", SMALL)
        rows = parquet.read_table(tmp_path / "out/00002/labels.parquet").to_pylist()
        assert [row["frame"] for row in rows] == [0, 2, 3]
        row = rows[1]
        assert (row["gaze_x_cm"], row["gaze_y_cm"]) == (dots["XCam"][2], dots["YCam"][2])
        assert row | {"gaze_x_cm": 0, "gaze_y_cm": 0} == {
            "recording": "00002",
            "person": "00002",
            "frame": 2,
            "split": "val",
            "device": "iPad Air 2",
            "device_kind": "tablet",
            "orientation": 3,
            "frame_width_px": 120,
            "frame_height_px": 160,
            **{"face_x_px": 29, "face_y_px": 39, "face_w_px": 61, "face_h_px": 61},
            **{"left_eye_x_px": 63, "left_eye_y_px": 50, "left_eye_w_px": 18, "left_eye_h_px": 16},
            **{"right_eye_x_px": 37, "right_eye_y_px": 50, "right_eye_w_px": 18, "right_eye_h_px": 16},
            **{"gaze_x_cm": 0, "gaze_y_cm": 0},
            **{"grid_x": 7, "grid_y": 7, "grid_w": 13, "grid_h": 9},
            "truth_blink": True,
            "truth_heads": "procedural",
        }

    def test_eye_bands_are_stored_if_asked_for(self, tmp_path: Path) -> None:
        """Their place is the definition's, worked by hand from the boxes of tests.recordings."""
        folder = make_recording(tmp_path / "in")
        frame = cv2.cvtColor(cv2.imread(str(folder / "frames/00002.jpg")), cv2.COLOR_BGR2RGB)
        prepare(tmp_path / "in", tmp_path / "out", PrepareOptions(face_px=24, eye_px=16, band_px=76))
        # Middle of the eye boxes: ((63 + 9) + (37 + 9)) / 2 = 59 across, 50 + 8 = 58 down; 1.25 x 61 px wide,
        # half as high.
        x, y, width, height = 21, 39, 76, 38
        row = parquet.read_table(tmp_path / "out/00002/labels.parquet").to_pylist()[2]
        assert [row[f"eye_band_{key}_px"] for key in "xywh"] == [x, y, width, height]
        stored = np.load(tmp_path / "out/00002/eye_band.npy")
        assert stored.shape == (4, 38, 76, 3)
        assert np.array_equal(stored[2], frame[y : y + height, x : x + width])
        dataset = Dataset.open(tmp_path / "out")
        assert dataset.band_px == 76
        assert np.array_equal(dataset.eye_bands(np.array([3, 2])), stored[[3, 2]])

    def test_without_eye_bands_a_dataset_is_what_it_was(self, tmp_path: Path) -> None:
        make_recording(tmp_path / "in")
        prepare(tmp_path / "in", tmp_path / "out", SMALL)
        assert json.loads((tmp_path / "out/options.json").read_text()) == {
            "format": 1,
            "face_px": 24,
            "eye_px": 16,
        }
        assert "band_px" not in json.loads((tmp_path / "out/manifest.json").read_text())
        with pytest.raises(
            DatasetError, match="holds no eye bands; prepare it into another folder with --band-px"
        ):
            Dataset.open(tmp_path / "out").eye_bands(np.array([0]))
        with pytest.raises(DatasetError, match="choose another folder"):
            prepare(tmp_path / "in", tmp_path / "out", PrepareOptions(24, 16, 64))
        with pytest.raises(UsageError, match="must be even"):
            PrepareOptions(band_px=65)

    def test_manifest_counts(self, people: Path, tmp_path: Path) -> None:
        edit_json(people / "00003", "faceGrid.json", lambda grid: grid | {"IsValid": [1, 0, 0, 1]})
        (people / "00004/dotInfo.json").unlink()
        (people / "00005/info.json").unlink()
        summary = prepare(people, tmp_path / "out", SMALL)
        manifest = json.loads((tmp_path / "out/manifest.json").read_text())
        assert summary.kept == manifest["frames"] == 18
        assert manifest["frames_left_out"] == {"no valid face grid": 2}
        assert manifest["recordings_left_out"] == {"00004": "00004: dotInfo.json is missing"}
        assert list(manifest["recordings_assumed"].values()) == [1, 1]
        assert manifest["recordings"]["00003"] == {"split": "train", "frames": 2}

    def test_person_with_several_recordings(self, people: Path, tmp_path: Path) -> None:
        for name in ("00000", "00003"):
            edit_json(people / name, "info.json", lambda info: info | {"Person": "Ada"})
        prepare(people, tmp_path / "out", SMALL)
        dataset = Dataset.open(tmp_path / "out")
        assert sorted(set(dataset.labels["person"].tolist())) == ["00001", "00002", "00004", "00005", "Ada"]
        assert set(dataset.labels["recording"][dataset.labels["person"] == "Ada"].tolist()) == {
            "00000",
            "00003",
        }

    def test_person_in_two_splits_is_refused(self, people: Path, tmp_path: Path) -> None:
        for name in ("00000", "00004"):
            edit_json(people / name, "info.json", lambda info: info | {"Person": "Ada"})
        with pytest.raises(
            DatasetError, match=r"00000 \(train\) and 00004 \(test\) show the same person, Ada"
        ):
            prepare(people, tmp_path / "out", SMALL)
        assert not (tmp_path / "out/manifest.json").exists()

    def test_label_against_the_dots_place_is_named(self, tmp_path: Path) -> None:
        folder = make_recording(tmp_path / "in")
        edit_json(
            folder,
            "dotInfo.json",
            lambda dots: dots | {"XCam": [x + 0.5 * (i == 1) for i, x in enumerate(dots["XCam"])]},
        )
        assert prepare(tmp_path / "in", tmp_path / "out", SMALL).doubtful == 1

    def test_zoomed_display_is_not_doubtful(self, tmp_path: Path) -> None:
        folder = make_recording(tmp_path / "in", device="iPhone 6")
        zoom = {"XPts": 320 / 375, "YPts": 568 / 667}
        edit_json(
            folder,
            "dotInfo.json",
            lambda dots: dots | {key: [x * by for x in dots[key]] for key, by in zoom.items()},
        )
        edit_json(folder, "screen.json", lambda screen: screen | {"W": [320] * 4, "H": [568] * 4})
        assert prepare(tmp_path / "in", tmp_path / "out", SMALL).doubtful == 0


class TestBrokenPictures:
    """One recording with three good frames of four; the fourth is counted and named."""

    @pytest.mark.parametrize(
        ("broken", "named"),
        [
            (lambda path: path.unlink(), "a picture that is missing"),
            (lambda path: path.write_bytes(path.read_bytes()[:-700]), "a picture that does not decode"),
            (
                lambda path: path.write_bytes(path.read_bytes()[:-700] + b"\xff\xd9"),
                "a picture that does not decode",
            ),
            (lambda path: path.write_bytes(b""), "a picture that is empty"),
            (lambda path: path.write_bytes(b"not a picture"), "a picture that does not decode"),
            (lambda path: (path.unlink(), path.mkdir()), "a picture that cannot be read"),
        ],
    )
    def test_picture(self, tmp_path: Path, broken: object, named: str) -> None:
        folder = make_recording(tmp_path / "in")
        broken(folder / "frames/00001.jpg")  # type: ignore[operator]
        summary = prepare(tmp_path / "in", tmp_path / "out", SMALL)
        assert summary.left_out == {named: 1}
        labels = parquet.read_table(tmp_path / "out/00002/labels.parquet")
        assert labels["frame"].to_pylist() == [0, 2, 3]
        dots = json.loads((folder / "dotInfo.json").read_text())
        assert labels["gaze_x_cm"].to_pylist() == [dots["XCam"][i] for i in (0, 2, 3)]

    def test_box_beyond_the_picture(self, tmp_path: Path) -> None:
        folder = make_recording(tmp_path / "in")
        edit_json(folder, "appleFace.json", lambda boxes: boxes | {"X": [30, 130, 30, 30]})
        assert prepare(tmp_path / "in", tmp_path / "out", SMALL).left_out == {"a box outside the picture": 1}

    def test_recording_without_a_good_picture(self, tmp_path: Path, people: Path) -> None:
        shutil.rmtree(people / "00005/frames")
        summary = prepare(people, tmp_path / "out", SMALL)
        assert reason(summary) == "00005: no usable frame (4 with a picture that is missing)"
        assert not list((tmp_path / "out").glob(".*"))
        assert not (tmp_path / "out/00005").exists()


class TestResuming:
    def test_archives_give_the_crops_of_folders(self, people: Path, tmp_path: Path) -> None:
        prepare(people, tmp_path / "folders", SMALL)
        for folder in sorted(people.iterdir()):
            pack(folder)
        prepare(people, tmp_path / "archives", SMALL)
        # outcome.json holds the checksum of what was read, which differs.
        wanted = {
            name: content
            for name, content in tree_bytes(tmp_path / "folders").items()
            if "outcome" not in name
        }
        assert {
            name: content
            for name, content in tree_bytes(tmp_path / "archives").items()
            if "outcome" not in name
        } == wanted

    def test_workers_and_second_runs_do_not_matter(self, people: Path, tmp_path: Path) -> None:
        prepare(people, tmp_path / "one", SMALL)
        prepare(people, tmp_path / "two", SMALL, jobs=2)
        wanted = tree_bytes(tmp_path / "one")
        assert tree_bytes(tmp_path / "two") == wanted
        before = (tmp_path / "one/00000/face.npy").stat().st_mtime_ns
        prepare(people, tmp_path / "one", SMALL)
        assert tree_bytes(tmp_path / "one") == wanted
        assert (tmp_path / "one/00000/face.npy").stat().st_mtime_ns == before, "done again"

    def test_killed_and_started_again(self, tmp_path: Path) -> None:
        """kill -9 in the middle of a recording, over and over: in the end the same bytes as undisturbed."""
        for number in range(5):
            make_recording(tmp_path / "people", f"0000{number}", frames=60)
        prepare(tmp_path / "people", tmp_path / "undisturbed", SMALL)
        wanted, dataset = tree_bytes(tmp_path / "undisturbed"), tmp_path / "disturbed"
        # A slowed-down preparation, so that the kill comes while it writes.
        code = f"""
import time
from pathlib import Path
from tinytracker.data import prepare as module
quick = module.PictureDecoder.decode
def slow(*arguments):
    time.sleep(0.004)
    return quick(*arguments)
module.PictureDecoder.decode = slow
module.prepare(Path({str(tmp_path / "people")!r}), Path({str(dataset)!r}), module.PrepareOptions(24, 16))
"""
        caught = 0
        for done_before_kill in (0, 1, 3):
            process = subprocess.Popen([sys.executable, "-c", code])
            _wait(
                lambda wanted=done_before_kill: len(_done(dataset)) >= wanted and _half_written(dataset),
                process,
            )
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            caught += bool(_half_written(dataset))
            assert not (dataset / "manifest.json").exists()
            assert len(_done(dataset)) < 5
        assert caught == 3, "the kill never hit a recording half-written"
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
        assert tree_bytes(dataset) == wanted
        assert sorted(path.name for path in dataset.iterdir()) == sorted(
            path.name for path in (tmp_path / "undisturbed").iterdir()
        )

    def test_more_recordings_join_later(self, people: Path, tmp_path: Path) -> None:
        prepare(people, tmp_path / "at_once", SMALL)
        (people / "00001").rename(tmp_path / "later")
        prepare(people, tmp_path / "in_two", SMALL)
        (tmp_path / "later").rename(people / "00001")
        prepare(people, tmp_path / "in_two", SMALL)
        assert tree_bytes(tmp_path / "in_two") == tree_bytes(tmp_path / "at_once")

    def test_other_options_are_refused(self, people: Path, tmp_path: Path) -> None:
        prepare(people, tmp_path / "out", SMALL)
        before = tree_bytes(tmp_path / "out")
        with pytest.raises(DatasetError, match=r"face_px 24, not 32"):
            prepare(people, tmp_path / "out", PrepareOptions(32, 16))
        assert tree_bytes(tmp_path / "out") == before

    @pytest.mark.parametrize("packed", [False, True])
    def test_other_recordings_of_the_same_name_are_refused(self, tmp_path: Path, packed: bool) -> None:
        for seed in (0, 1):
            folder = make_recording(tmp_path / f"people{seed}", seed=seed)
            if packed:
                pack(folder)
        prepare(tmp_path / "people0", tmp_path / "out", SMALL)
        with pytest.raises(DatasetError, match="another recording"):
            prepare(tmp_path / "people1", tmp_path / "out", SMALL)

    def test_dask_cluster_gives_the_same_bytes(self, people: Path, tmp_path: Path) -> None:
        distributed = pytest.importorskip("dask.distributed")
        prepare(people, tmp_path / "alone", SMALL)
        seen: list[tuple[int, int]] = []
        with distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            local_directory=str(tmp_path / "dask"),
        ) as cluster:
            address = cluster.scheduler_address
            prepare(
                people,
                tmp_path / "shared",
                SMALL,
                dask_scheduler=address,
                progress=lambda *done: seen.append(done),
            )
        assert tree_bytes(tmp_path / "shared") == tree_bytes(tmp_path / "alone")
        assert seen == [(number, 6) for number in range(1, 7)]


def _done(dataset: Path) -> list[Path]:
    return list(dataset.glob("[!.]*/outcome.json"))


def _half_written(dataset: Path) -> list[Path]:
    return list(dataset.glob(".*.partial/face.npy"))


def _wait(until: object, process: subprocess.Popen, at_most_s: float = 120) -> None:
    deadline = time.monotonic() + at_most_s
    while not until():  # type: ignore[operator]
        assert process.poll() is None, "it ended too early"
        assert time.monotonic() < deadline, "it never came so far"
        time.sleep(0.002)


class TestBadPlaces:
    def test_no_recordings(self, tmp_path: Path) -> None:
        with pytest.raises(RecordingError, match="does not exist"):
            prepare(tmp_path / "nowhere", tmp_path / "out")
        (tmp_path / "empty").mkdir()
        with pytest.raises(RecordingError, match="no recordings"):
            prepare(tmp_path / "empty", tmp_path / "out")
        assert not (tmp_path / "out").exists()

    def test_nothing_usable_leaves_nothing(self, tmp_path: Path) -> None:
        make_recording(tmp_path / "in", frames=0)
        with pytest.raises(DatasetError, match="00002: no usable frame \\(it is empty\\)"):
            prepare(tmp_path / "in", tmp_path / "out", SMALL)
        assert not (tmp_path / "out").exists()

    def test_a_folder_with_something_else_is_not_touched(self, people: Path, tmp_path: Path) -> None:
        (tmp_path / "home").mkdir()
        (tmp_path / "home/letter.txt").write_text("dear")
        with pytest.raises(DatasetError, match="not empty"):
            prepare(people, tmp_path / "home", SMALL)
        assert [path.name for path in (tmp_path / "home").iterdir()] == ["letter.txt"]

    @pytest.mark.parametrize(("file", "content"), [("options.json", "{"), ("00000/outcome.json", "[]")])
    def test_a_broken_dataset_is_named(self, people: Path, tmp_path: Path, file: str, content: str) -> None:
        prepare(people, tmp_path / "out", SMALL)
        (tmp_path / "out" / file).write_text(content)
        with pytest.raises(DatasetError, match="broken"):
            prepare(people, tmp_path / "out", SMALL)

    def test_dataset_that_is_a_file(self, people: Path, tmp_path: Path) -> None:
        (tmp_path / "out").write_text("")
        with pytest.raises(InputError, match="is a file"):
            prepare(people, tmp_path / "out", SMALL)

    def test_place_that_cannot_be_written(self, people: Path) -> None:
        with pytest.raises(OutputError, match="cannot make the folder"):
            prepare(people, Path("/proc/dataset"), SMALL)

    def test_two_runs_on_one_dataset(self, people: Path, tmp_path: Path) -> None:
        def run_another(done: int, total: int) -> None:
            with pytest.raises(DatasetError, match="another run is preparing"):
                prepare(people, tmp_path / "out", SMALL)

        assert prepare(people, tmp_path / "out", SMALL, progress=run_another).kept == 24
        assert not (tmp_path / "out/.lock").exists()

    def test_a_worker_that_the_system_kills_is_one_line_and_the_rest_is_kept(
        self, people: Path, tmp_path: Path
    ) -> None:
        """As the kernel does where memory ends: kill -9 on one of two; the next run goes on."""
        code = f"""
import os, signal, sys
from pathlib import Path
from tinytracker import pool
from tinytracker.data import prepare as module
from tinytracker.errors import TinytrackerError
pool.processes_for = lambda jobs, tasks: min(jobs, tasks)
quick = module.prepare_recording
def killed(source, dataset, options):
    if source.name == "00003" and not (dataset / "again").exists():
        (dataset / "again").mkdir()
        os.kill(os.getpid(), signal.SIGKILL)
    return quick(source, dataset, options)
module.prepare_recording = killed
try:
    module.prepare(Path({str(people)!r}), Path({str(tmp_path / "out")!r}), module.PrepareOptions(24, 16), jobs=2)
except TinytrackerError as error:
    sys.exit(str(error))
"""  # noqa: E501
        answer = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
        )
        assert answer.returncode == 1
        assert "a worker process was killed by the system" in answer.stderr
        assert "Traceback" not in answer.stderr
        (tmp_path / "out/again").rmdir()
        assert prepare(people, tmp_path / "out", SMALL).kept == 24

    def test_no_more_processes_than_help(self) -> None:
        cores = len(os.sched_getaffinity(0))
        assert [processes_for(jobs, 3) for jobs in (1, 100_000, -1)] == [1, min(3, cores), min(3, cores)]
        assert processes_for(100_000, 10**6) == cores

    def test_jobs_and_scheduler_that_make_no_sense(self, people: Path, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="jobs"):
            prepare(people, tmp_path / "out", SMALL, jobs=0)
        pytest.importorskip("dask.distributed")
        with pytest.raises(UsageError, match="no Dask scheduler answers at nonsense"):
            prepare(people, tmp_path / "out", SMALL, dask_scheduler="nonsense://here")
