"""`tinytracker live` as somebody mistypes it, and as Ctrl-C ends it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("starlette")

from tinytracker.cli.app import run


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--demo", "--camera", "browser"], 2, "leave --camera browser out"),
        (["nowhere.mp4"], 3, "nowhere.mp4"),
        (["--model", "nobody"], 3, "nobody"),
        (["--camera", "browser", "--screen", "nowhere.json"], 3, "nowhere.json"),
        (["--camera", "browser", "--calibration", "nowhere.json"], 3, "nowhere.json"),
        (["--camera", "browser", "--stimulus", "nowhere.png"], 2, "cannot be shown"),
        (["--camera", "browser", "--board", "abacus"], 2, "abacus"),
    ],
)
def test_mistakes_are_one_line(
    arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["live", "--no-open", *arguments]) == code
    complaint = capsys.readouterr().err.strip()
    assert complaint.startswith("error: ")
    assert words in complaint
    assert "\n" not in complaint


def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        assert run(["live", "--no-open", "--camera", "browser", "--port", port]) == 2
    assert "choose another" in capsys.readouterr().err


def test_ctrl_c_ends_it(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "tinytracker",
        "live",
        "--no-open",
        "--camera",
        "browser",
        "--folder",
        str(tmp_path / "s"),
    ]
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}
    )
    assert child.stdout is not None
    assert child.stdout.readline().startswith("the page: http://127.0.0.1:")
    child.send_signal(signal.SIGINT)
    out, _ = child.communicate(timeout=60)
    assert child.returncode in (0, 130)
    assert "Traceback" not in out
    assert list(tmp_path.iterdir()) == []
