import os
import sys

import pytest

from tinytracker.cli import progress
from tinytracker.cli.app import run


def test_a_log_gets_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 1.0, 16.0, 17.0, 40.0, 50.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    monkeypatch.delenv("TINYTRACKER_QUIET", raising=False)
    with progress.progress_bar("Rendering") as update:
        for done in (1, 5, 6, 10, 10):
            update(done, 10)
    assert capsys.readouterr().err.splitlines() == [
        "Rendering: 5/10 after 16 s, about 19 s left",
        "Rendering: 10/10 after 40 s",
    ]


def test_quiet_draws_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("TINYTRACKER_QUIET", "1")
    with progress.progress_bar("Rendering") as update:
        update(1, 1)
    assert capsys.readouterr().err == ""


def test_quiet_ends_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    for before in (None, "1"):
        if before is None:
            monkeypatch.delenv("TINYTRACKER_QUIET", raising=False)
        else:
            monkeypatch.setenv("TINYTRACKER_QUIET", before)
        assert run(["--quiet", "models"]) == 0
        assert os.environ.get("TINYTRACKER_QUIET") == before


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("TINYTRACKER_QUIET", raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "100")
    with progress.progress_bar("Rendering") as update:
        update(3, 4)
    assert "Rendering" in capsys.readouterr().err


def test_the_time_left_of_a_resumed_run_counts_only_what_it_did_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([0.0, 1.0, 61.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    monkeypatch.delenv("TINYTRACKER_QUIET", raising=False)
    with progress.progress_bar("Training") as update:
        update(901, 1000)
        update(931, 1000)
    assert capsys.readouterr().err == "Training: 931/1000 after 61 s, about 2 min left\n"


def test_several_bars_may_be_open_each_is_drawn_while_it_works(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TINYTRACKER_QUIET", raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "100")
    with (
        progress.progress_bar("Asking") as asking,
        progress.progress_bar("Never used"),
        progress.progress_bar("Training") as training,
    ):
        for done in (1, 2):
            asking(done, 2)
        training(1, 4)
    drawn = capsys.readouterr().err
    assert "Asking" in drawn
    assert "Training" in drawn
    assert "Never used" not in drawn
