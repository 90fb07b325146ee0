"""A folder of rendered recordings holds one kind, of one choice of options a seed, and is no dataset."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinytracker.errors import OutputError
from tinytracker.synthetic.beginning import begin_recordings


def test_what_differs_is_told_alone(tmp_path: Path) -> None:
    options = {"format": 1, "seconds": 1.0, "sensors": ("a", "b"), "split": ""}
    begin_recordings(tmp_path, "eyes", 0, options)
    begin_recordings(tmp_path, "eyes", 0, options)
    begin_recordings(tmp_path, "eyes", 1, options | {"seconds": 2.0})
    with pytest.raises(OutputError, match=r"begun with seconds 1\.0, not 2\.0; choose another folder or"):
        begin_recordings(tmp_path, "eyes", 0, options | {"seconds": 2.0})
    with pytest.raises(OutputError, match="begun with sensors a and b, not c, split none, not val;"):
        begin_recordings(tmp_path, "eyes", 0, options | {"sensors": ["c"], "split": "val"})


def test_neither_kind_goes_among_the_other_nor_into_a_dataset(tmp_path: Path) -> None:
    """It did, and `prepare` then left the faces out without a word."""
    begin_recordings(tmp_path / "people", "faces", 0, {})
    with pytest.raises(OutputError, match=r"holds recordings of faces \(synth-00000\.json says so\)"):
        begin_recordings(tmp_path / "people", "eyes", 3, {})
    begin_recordings(tmp_path / "eyes", "eyes", 0, {})
    with pytest.raises(OutputError, match=r"holds recordings of eyes \(synth-eyes-00000\.json says so\)"):
        begin_recordings(tmp_path / "eyes", "faces", 3, {})
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "options.json").touch()
    with pytest.raises(OutputError, match="is a dataset; choose another folder for recordings"):
        begin_recordings(tmp_path / "dataset", "faces", 0, {})
    assert len(list((tmp_path / "dataset").iterdir())) == 1
