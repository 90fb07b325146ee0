"""The boards' apps, run: compiled for this computer round the vendors' calls in apps/, behind a real pseudo
terminal, asked by the host as it asks boards."""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tinytracker.cli.app import run
from tinytracker.compiler import compile_model
from tinytracker.costs.rows import read_cost_rows
from tinytracker.link.link import BoardLink, open_port
from tinytracker.zoo import find

pytest.importorskip("serial")
pytestmark = pytest.mark.skipif(
    shutil.which("g++") is None or os.name != "posix", reason="g++ or pseudo terminals are not there"
)
HERE = Path(__file__).parent
APPS, VENDOR = HERE / "apps", HERE / "vendor"
MODEL = "tinytracker-s"
PIXELS = 96 * 96 * 3


@dataclass(frozen=True, slots=True)
class App:
    """An app that runs. path: what a host opens. pulses: file with a line per pulse of its marker."""

    path: str
    pulses: Path


@contextmanager
def running(command: list[str], pulses: Path) -> Iterator[App]:
    """Starts an app, in whose words and environment TERMINAL stands for its serial port."""
    ours, theirs = os.openpty()
    board_ours, board_theirs = os.openpty()
    for end in (ours, theirs, board_ours, board_theirs):
        tty.setraw(end)
    terminal = os.ttyname(board_theirs)
    words = [word.replace("TERMINAL", terminal) for word in command]
    wire = threading.Event()
    with pulses.open("w") as counted:
        app = subprocess.Popen(words, env=os.environ | {"GAZE_CONSOLE": terminal}, stderr=counted)
        thread = threading.Thread(target=_carry, args=(ours, board_ours, wire), daemon=True)
        thread.start()
        try:
            yield App(os.ttyname(theirs), pulses)
        finally:
            app.kill()
            app.wait()
            wire.set()
            thread.join()
            for end in (ours, theirs, board_ours, board_theirs):
                os.close(end)


def _carry(one: int, other: int, ended: threading.Event) -> None:
    """Bytes from each terminal to the other."""
    while not ended.is_set():
        for end in select.select([one, other], [], [], 0.02)[0]:
            os.write(other if end == one else one, os.read(end, 4096))


def built(command: list[str | Path]) -> None:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]


def exported(target: str, into: str, folder: Path) -> Path:
    """A project whose network is C that runs here, too."""
    assert run(["export", MODEL, "--target", target, "--out", str(folder)]) == 0
    compile_model(find(MODEL).path.read_bytes(), MODEL, "portable").write(folder / into)
    return folder / into


def objects(folder: Path) -> list[Path]:
    """The project's C, compiled."""
    made = []
    for source in folder.glob("gaze_*.c"):
        made.append(source.with_suffix(".o"))
        built(["gcc", "-O2", "-c", source, "-o", made[-1]])
    return made


def sdk(folder: Path) -> list[str]:
    project = exported("spresense-sdk", "tinytracker", folder)
    sources = [project / "tinytracker_main.c", APPS / "spresense_sdk.c"]
    built(
        [
            "gcc",
            "-O2",
            "-std=gnu11",
            "-DWITH_CAMERA",
            '-DGAZE_CAMERA="/dev/null"',
            f"-I{VENDOR / 'spresense'}",
            f"-I{project}",
            *sources,
        ]
        + [*objects(project), "-lm", "-o", folder / "app"]
    )
    return [str(folder / "app"), "serve", "TERMINAL"]


def arduino(folder: Path) -> list[str]:
    project = exported("spresense-arduino", "gaze", folder)
    flags = ["-O2", "-std=gnu++17", f"-I{VENDOR / 'arduino'}", f"-I{project}"]
    built(
        [
            "g++",
            *flags,
            "-include",
            "Arduino.h",
            "-x",
            "c++",
            "-c",
            project / "gaze.ino",
            "-o",
            folder / "gaze.o",
        ]
    )
    built(
        ["g++", *flags, APPS / "spresense_arduino.cc", folder / "gaze.o", *objects(project), "-pthread"]
        + ["-o", folder / "app"]
    )
    return [str(folder / "app")]


def coral(project: Path, folder: Path, input_bytes: int) -> list[str]:
    flags = ["-O2", "-std=gnu++17", f"-I{VENDOR / 'coral'}", f"-I{project}", f"-DINPUT_BYTES={input_bytes}"]
    built(
        ["g++", *flags, project / "tinytracker.cc", APPS / "coralmicro.cc", *objects(project)]
        + ["-o", folder / "app"]
    )
    return [str(folder / "app")]


def coral_m7(folder: Path) -> list[str]:
    return coral(exported("coralmicro", "tinytracker", folder), folder, 4)


@pytest.mark.parametrize("build", [sdk, arduino, coral_m7])
def test_apps_with_a_camera_answer_a_host(build: Callable[[Path], list[str]], tmp_path: Path) -> None:
    with running(build(tmp_path), tmp_path / "pulses") as app:
        time.sleep(0.2)  # lines of the camera's loop are on the wire
        computes_what_it_is_fed(app)
        for chain in (False, True):
            measures_blocks(app, chain, tmp_path / "rows.csv")
        assert app.pulses.read_text().count("pulse") == 2 * 2, "two for each of two blocks"


def computes_what_it_is_fed(app: App) -> None:
    """Crops through the link give LiteRT's numbers, whatever the camera's loop did in the same memory."""
    from tinytracker.engines.litert import LiteRTEngine

    engine = LiteRTEngine(find(MODEL).path, kernels="builtin")
    port = open_port(app.path)
    link = BoardLink(port, "an app")
    for seed in range(4):
        picture = np.random.default_rng(seed).integers(-128, 128, engine.inputs[0].shape).astype(np.int8)
        link.run_block(2, marked=False, timeout_s=2.0, chain=True)
        (answered,) = link.infer([picture]).outputs
        (expected,) = engine.invoke([picture])
        assert np.abs(answered.astype(int) - expected.reshape(-1).astype(int)).max() <= 3
    port.close()


def measures_blocks(app: App, chain: bool, rows: Path) -> None:
    """`measure`; a chain waits for its frame, ten milliseconds apart; the first of five may be half over."""
    command = ["measure", "--board", f"serial:{app.path}", "--model", MODEL, "--blocks", "1"]
    assert run([*command, "--shortest-s", "0.05", *["--chain"] * chain, "--csv", str(rows)]) == 0
    (row,) = read_cost_rows(rows)
    assert row.metric == ("end_to_end" if chain else "inference")
    assert row.platform.startswith(("spresense", "coralmicro"))
    assert row.value > (8 if chain else 0)


def test_bench_takes_the_time_from_the_board(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = tmp_path / "rows.csv"
    with running(arduino(tmp_path), tmp_path / "pulses") as app:
        command = ["-q", "bench", "mcu", "--board", f"serial:{app.path}", "--shortest-s", "0.02"]
        assert run([*command, MODEL, "--csv", str(rows)]) == 0
        assert run(command) == 2
    (row,) = read_cost_rows(rows)
    assert (row.platform, row.metric, row.how) == ("spresense-arduino", "inference", "measured")
    assert row.conditions["model_sha256"] == find(MODEL).sha256
    assert "by the board's own clock" in capsys.readouterr().out


def test_lines_stop_once_a_host_has_greeted(tmp_path: Path) -> None:
    with running(arduino(tmp_path), tmp_path / "pulses") as app:
        port = open_port(app.path)
        time.sleep(0.3)
        assert re.search(rb"-?\d+\.\d+,-?\d+\.\d+,\d+\r\n", port.read(port.in_waiting))
        BoardLink(port, "an app")
        time.sleep(0.1)
        port.read(port.in_waiting or 1)
        time.sleep(0.2)
        assert port.in_waiting == 0
        port.close()


def test_the_edge_tpus_app_answers_as_a_board(tmp_path: Path) -> None:
    """Its network is a stand-in, here as everywhere without the chip: two sums of the bytes that came."""
    original = find("tinytracker").path
    for suffix in (".tflite", ".json"):
        shutil.copy(original.with_suffix(suffix), tmp_path / f"mine{suffix}")
    compiled = tmp_path / "mine_edgetpu.tflite"
    compiled.write_bytes(b"\0\0\0\0TFL3 compiled")
    assert run(["export", str(compiled), "--target", "coralmicro", "--out", str(tmp_path / "out")]) == 0
    project, size = tmp_path / "out" / "tinytracker", 112 * 112 * 5
    with running(coral(project, tmp_path, size), tmp_path / "pulses") as app:
        port = open_port(app.path)
        link = BoardLink(port, "the TPU's app")
        assert [tensor.bytes for tensor in link.hello.inputs] == [size]
        picture = np.random.default_rng(1).integers(-128, 128, size).astype(np.int8)
        (answered,) = link.infer([picture]).outputs
        values = picture.view(np.uint8).astype(np.int64)
        sums = (values.sum() & 255, ((values * np.arange(size)).sum() & 0xFFFFFFFF) >> 8 & 255)
        assert answered.view(np.uint8).tolist() == [int(one) for one in sums]
        port.close()
        command = ["measure", "--board", f"serial:{app.path}", "--model", str(tmp_path / "mine.tflite")]
        rows = tmp_path / "rows.csv"
        assert run([*command, "--blocks", "1", "--shortest-s", "0.05", "--chain", "--csv", str(rows)]) == 0
        (row,) = read_cost_rows(rows)
        assert row.value > 10
        assert row.platform == "coral-dev-micro"
        assert app.pulses.read_text().count("pulse") == 2
