"""Files that are empty or were not copied to their end are said to be so, whatever their readers say."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tinytracker.damage import damage_of
from tinytracker.files import parse_json


def npy(path: Path) -> None:
    np.save(path, np.arange(1000))


def zipped(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", bytes(1000))


def parquet(path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(arrow.table({"a": np.arange(1000)}), path)


def safetensors(path: Path) -> None:
    save = pytest.importorskip("safetensors.numpy").save_file
    save({"a": np.arange(1000)}, path)


def video(path: Path) -> None:
    from tinytracker.tracking.video import VideoWriter

    with VideoWriter(path) as writer:
        for number in range(5):
            writer.write_picture(np.full((64, 64, 3), 40 * number, np.uint8), number * 40_000_000)


@pytest.mark.parametrize("write", [npy, zipped, parquet, safetensors, video])
def test_what_is_wrong_with_a_file_is_told(write: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / f"file.{'mp4' if write is video else 'npz' if write is zipped else 'npy'}"
    write(path)
    said = ValueError("magic string not found")
    whole = path.read_bytes()
    assert damage_of(path, said) == "magic string not found"
    for length in (len(whole) - 1, len(whole) // 2, 20):
        path.write_bytes(whole[:length])
        assert damage_of(path, said) == "it is cut off", length
    path.write_bytes(b"")
    assert damage_of(path, said) == "it is empty"
    path.unlink()
    assert damage_of(path, said) == "No such file or directory"


def test_json_that_ends_in_the_middle_is_told_from_json_that_is_none() -> None:
    whole = json.dumps({"a": [1.5, True, None], "b": {"c": "words"}}, indent=1)
    for length in range(1, len(whole)):
        if whole[length - 1] not in ".5":  # "1." alone may be anything
            with pytest.raises(ValueError, match=r"it is cut off in line \d"):
                parse_json(whole[:length])
    for empty in ("", " \n", b""):
        with pytest.raises(ValueError, match="it is empty"):
            parse_json(empty)
    for wrong in (whole.replace(":", "=", 1), whole.replace("]", "}"), whole + "}", "a letter"):
        with pytest.raises(json.JSONDecodeError):
            parse_json(wrong)


def test_whole_files_of_another_kind_are_not_said_to_be_cut_off(tmp_path: Path) -> None:
    path, said = tmp_path / "file", ValueError("what the reader said")
    with path.open("wb") as file:
        np.save(file, np.full(1000, None))  # pickled: shorter than a thousand pointers
    assert damage_of(path, said) == str(said)
    head = b'{"a":' * 10_000 + b"0" + b"}" * 10_000
    path.write_bytes(len(head).to_bytes(8, "little") + head)
    assert damage_of(path, said) == str(said)
    for whole in ("{} t", "[1, 2]\nn", '{"a": "\\u12", "b": 1}'):
        with pytest.raises(json.JSONDecodeError):
            parse_json(whole)
