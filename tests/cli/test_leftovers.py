"""Ctrl-C ends a command's whole family of processes: workers, emulators, trainings side by side."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from tinytracker.errors import INTERRUPTED
from tinytracker.tracking.video import VideoWriter

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's /proc")


def family(mark: str) -> dict[int, str]:
    """The living processes that have inherited `mark`, and their command lines: emulators have a session of
    their own."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state = (entry / "stat").read_text().rpartition(") ")[2][0]
                inherited = mark.encode() in (entry / "environ").read_bytes()
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:  # it has just ended, or is somebody else's
                continue
            if inherited and state != "Z":
                found[int(entry.name)] = line
    return found


@pytest.mark.parametrize("to", ["the whole group, as a terminal does", "the first process alone"])
@pytest.mark.parametrize(
    ("line", "helper"),
    [
        ("synth people --people 200 --frames 20 --jobs 2", "loky"),
        ("reproduce --quick --jobs 2 --out study", "loky"),
        ("track long.mp4 --model tinytracker-s --board qemu-m4 --csv gaze.csv", "qemu-system-arm"),
        ("bench mcu", "qemu-system-arm"),
    ],
)
def test_nothing_lives_on(line: str, helper: str, to: str, tmp_path: Path, portrait: np.ndarray) -> None:
    if helper == "loky" and (find_spec("numba") is None or find_spec("torch") is None):
        pytest.skip("numba or torch is not installed")
    if helper != "loky" and not all(map(shutil.which, ("arm-none-eabi-gcc", "qemu-system-arm"))):
        pytest.skip("the emulator is not installed (make toolchain)")
    with VideoWriter(tmp_path / "long.mp4") as video:
        for number in range(300 if "long.mp4" in line else 1):
            video.write_picture(portrait, number * 40_000_000)
    mark = f"TINYTRACKER_TEST={uuid.uuid4()}"
    process = subprocess.Popen(
        [sys.executable, "-m", "tinytracker", *line.split()],
        cwd=tmp_path,
        env=os.environ | dict([mark.split("=")]),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        deadline = time.monotonic() + 120
        while not any(helper in command for command in family(mark).values()):
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline, "it never started a helper"
            time.sleep(0.1)
        time.sleep(1.0)
        (os.kill if "alone" in to else os.killpg)(process.pid, signal.SIGINT)
        _, told = process.communicate(timeout=60)
        assert process.returncode == INTERRUPTED, told
        assert "Traceback" not in told
        ended = time.monotonic()
        while (left := family(mark)) and time.monotonic() - ended < 10:
            time.sleep(0.1)
        assert not left
    finally:
        for number in family(mark):
            os.kill(number, signal.SIGKILL)
