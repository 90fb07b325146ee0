from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from tests.recordings import make_recording
from tinytracker.data.dataset import Dataset
from tinytracker.data.prepare import PrepareOptions, prepare
from tinytracker.errors import DatasetError, InputError, UsageError

SPLITS = ("train", "val", "test", "train")


def make_dataset(
    root: Path, prefix: str = "a", truth: bool = False, options: PrepareOptions | None = None
) -> Path:
    """Four people with 2 to 5 frames."""
    for number, split in enumerate(SPLITS):
        frames = number + 2
        known = (
            {"distance_cm": [30.0] * frames, "heads": ["ict"] * frames, "blink": [False] * frames}
            if truth
            else None
        )
        make_recording(root / f"in-{prefix}", f"{prefix}{number}", frames, split, truth=known)
    prepare(root / f"in-{prefix}", root / prefix, options or PrepareOptions(24, 16))
    return root / prefix


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dataset(tmp_path_factory.mktemp("data"))


@pytest.fixture
def copy(path: Path, tmp_path: Path) -> Path:
    """A dataset to break."""
    return Path(shutil.copytree(path, tmp_path / "copy"))


def test_labels_and_splits(path: Path) -> None:
    dataset = Dataset.open(path)
    assert len(dataset) == 2 + 3 + 4 + 5
    assert (dataset.name, dataset.face_px, dataset.eye_px) == ("a", 24, 16)
    assert {len(column) for column in dataset.labels.values()} == {14}
    assert dataset.split("train").tolist() == [0, 1, *range(9, 14)]
    assert dataset.split("val").tolist() == [2, 3, 4]
    assert set(dataset.labels["person"][dataset.split("test")]) == {"a2"}
    assert dataset.labels["gaze_x_cm"].dtype == np.float64
    with pytest.raises(UsageError, match="validation"):
        dataset.split("validation")


@pytest.mark.parametrize("indices", [[], [5], [13, 0, 4, 4, 9, 2, 0], list(range(14))])
def test_batches_come_in_the_order_asked_for(path: Path, indices: list[int]) -> None:
    dataset = Dataset.open(path)
    for read, crop, side in (
        (dataset.faces, "face", 24),
        (dataset.left_eyes, "left_eye", 16),
        (dataset.right_eyes, "right_eye", 16),
    ):
        everything = np.concatenate([np.load(path / f"a{number}" / f"{crop}.npy") for number in range(4)])
        batch = read(np.array(indices, int))
        assert batch.shape == (len(indices), side, side, 3)
        assert batch.dtype == np.uint8
        assert np.array_equal(batch, everything[indices] if indices else batch)
        assert batch.flags.writeable


@pytest.mark.skipif(
    not Path("/proc/self/fd").exists(), reason="this system does not list a process's open files"
)
def test_no_file_stays_open(path: Path) -> None:
    """Thousands of recordings would be more files than a process may have open."""
    before = len(os.listdir("/proc/self/fd"))
    dataset = Dataset.open(path)
    faces = dataset.faces(np.arange(len(dataset)))
    assert len(os.listdir("/proc/self/fd")) == before
    assert faces.any()


def test_indices_beyond_the_end(path: Path) -> None:
    with pytest.raises(IndexError, match="14 samples"):
        Dataset.open(path).faces(np.array([14]))
    with pytest.raises(IndexError):
        Dataset.open(path).faces(np.array([-1]))


def test_several_datasets_as_one(path: Path, tmp_path: Path) -> None:
    other = make_dataset(tmp_path, "b", truth=True)
    told: list[tuple[int, int]] = []
    dataset = Dataset.open([path, other], lambda done, total: told.append((done, total)))
    assert told == [(done, 8) for done in range(1, 9)]
    assert dataset.name == "a+b"
    assert len(dataset) == 28
    assert np.array_equal(
        dataset.faces(np.array([0, 14])),
        np.stack([Dataset.open(p).faces(np.array([0]))[0] for p in (path, other)]),
    )
    assert np.isnan(dataset.labels["truth_distance_cm"][:14]).all()
    assert (dataset.labels["truth_distance_cm"][14:] == 30).all()
    assert dataset.labels["truth_heads"][[0, 27]].tolist() == ["", "ict"]
    assert np.array_equal(dataset.labels["truth_blink"][[0, 27]], [np.nan, 0.0], equal_nan=True)


def test_words_where_another_recording_has_numbers_are_refused(copy: Path) -> None:
    labels = copy / "a1" / "labels.parquet"
    table = parquet.read_table(labels)
    place = table.column_names.index("gaze_x_cm")
    parquet.write_table(table.set_column(place, "gaze_x_cm", pyarrow.array(["left"] * len(table))), labels)
    with pytest.raises(DatasetError, match=r"labels.parquet.*contradict.*gaze_x_cm"):
        Dataset.open(copy)


def test_the_same_recording_twice_is_refused(path: Path, copy: Path) -> None:
    with pytest.raises(DatasetError, match="given twice"):
        Dataset.open([path, path])
    with pytest.raises(DatasetError, match="same recording"):
        Dataset.open([path, copy])


def test_different_crop_sizes_are_refused(path: Path, tmp_path: Path) -> None:
    other = make_dataset(tmp_path, "b", options=PrepareOptions(32, 16))
    with pytest.raises(DatasetError, match="different sizes"):
        Dataset.open([path, other])


def test_person_in_two_splits_is_refused(copy: Path) -> None:
    import pyarrow.parquet as parquet

    file = copy / "a2/labels.parquet"
    table = parquet.read_table(file)
    place = table.column_names.index("person")
    parquet.write_table(table.set_column(place, "person", [["a0"] * 4]), file)
    with pytest.raises(DatasetError, match="person a0 is both in test and in train"):
        Dataset.open(copy)


class TestBroken:
    def test_no_manifest(self, copy: Path) -> None:
        (copy / "manifest.json").unlink()
        with pytest.raises(DatasetError, match="not a whole dataset"):
            Dataset.open(copy)

    @pytest.mark.parametrize("content", ["{", "[]", "{}", '{"format": 99}'])
    def test_broken_manifest(self, copy: Path, content: str) -> None:
        (copy / "manifest.json").write_text(content)
        with pytest.raises(DatasetError, match="copy"):
            Dataset.open(copy)

    @pytest.mark.parametrize(
        ("change", "named"),
        [
            ({"face_px": None}, "face_px is None"),
            ({"eye_px": "16"}, "eye_px is '16'"),
            ({"band_px": -1}, "band_px is -1"),
            ({"recordings": ["a1"]}, "no table of recordings"),
            ({"recordings": {"a1": 3}}, "no table of recordings"),
            ({"recordings": {"a1": {}}}, "recording a1 has None frames"),
            ({"recordings": {"../a1": {"frames": 3}}}, "would lie outside"),
        ],
    )
    def test_a_manifest_that_lacks_something(self, copy: Path, change: dict[str, object], named: str) -> None:
        manifest = json.loads((copy / "manifest.json").read_text()) | change
        (copy / "manifest.json").write_text(json.dumps(manifest))
        with pytest.raises(DatasetError, match=rf"manifest\.json is broken \(.*{named}"):
            Dataset.open(copy)

    def test_a_manifest_of_nothing_but_its_format_or_nested_too_deeply(self, copy: Path) -> None:
        known = json.loads((copy / "manifest.json").read_text())["format"]
        for content, named in (
            (json.dumps({"format": known}), "face_px is None"),
            ("[" * 100_000, "not a whole dataset"),
        ):
            (copy / "manifest.json").write_text(content)
            with pytest.raises(DatasetError, match=named):
                Dataset.open(copy)

    @pytest.mark.parametrize("file", ["face.npy", "left_eye.npy", "right_eye.npy", "labels.parquet"])
    def test_missing_or_truncated_file(self, copy: Path, file: str) -> None:
        content = (copy / "a1" / file).read_bytes()
        for kept, why in (
            (len(content) // 2, "it is cut off"),
            (7, "it is cut off"),
            (0, "it is empty"),
            (None, "No such file or directory"),
        ):
            (copy / "a1" / file).unlink() if kept is None else (copy / "a1" / file).write_bytes(
                content[:kept]
            )
            with pytest.raises(DatasetError, match=rf"a1/{file} cannot be read \({why}\); remove"):
                Dataset.open(copy)

    def test_crops_of_another_recording(self, copy: Path) -> None:
        shutil.copy(copy / "a2/left_eye.npy", copy / "a1/left_eye.npy")
        with pytest.raises(DatasetError, match=r"a1/left_eye.npy is uint8 \(4, 16, 16, 3\), not"):
            Dataset.open(copy)

    def test_manifest_of_another_time(self, copy: Path) -> None:
        manifest = json.loads((copy / "manifest.json").read_text())
        manifest["recordings"]["a1"]["frames"] = 9
        (copy / "manifest.json").write_text(json.dumps(manifest))
        with pytest.raises(DatasetError, match="3 rows for 9 samples"):
            Dataset.open(copy)

    def test_nowhere(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="nowhere"):
            Dataset.open(tmp_path / "nowhere")
        with pytest.raises(UsageError, match="no dataset"):
            Dataset.open([])
