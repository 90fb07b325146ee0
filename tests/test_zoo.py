"""Networks by the names that people give."""

from __future__ import annotations

from pathlib import Path

import pytest

from tinytracker.errors import ModelError
from tinytracker.zoo import find


def test_a_released_name_is_found_with_either_line() -> None:
    assert find("tinytracker_s").path == find("tinytracker-s").path


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("tinytraker", "there is no file or released network 'tinytraker'; released are: .*tinytracker"),
        ("nets/mine.tflite", "does not exist"),
        ("notes.txt", "will not do: expected a file that ends in"),
        (".", "is a folder"),
        ("n" * 300, "there is no file 'nnnn.*name too long"),
    ],
)
def test_what_is_no_network_is_said(
    name: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("notes.txt").write_text("")
    with pytest.raises(ModelError, match=f"(?i){told}"):
        find(name)
