"""Work over processes: whose paths they read."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("joblib")

from tinytracker.pool import run_on_cores


def test_relative_paths_are_the_callers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes are kept from call to call; the caller's folder may have changed between."""
    for name in ("here", "there"):
        folder = tmp_path / name
        folder.mkdir()
        for number in range(2):
            (folder / f"{number}").write_text(name)
        monkeypatch.chdir(folder)
        tasks = [(Path(str(number)),) for number in range(2)]
        assert list(run_on_cores(Path.read_text, tasks, 2, "data")) == [name, name]
