"""What is missing is said in one line, and what Sony's converter says reaches the user."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.targets.imx500.tools import need_tools
from tinytracker.cli.app import run
from tinytracker.errors import MissingExtraError, TargetError
from tinytracker.targets.imx500.making import toolchain


@pytest.fixture
def java(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Puts a java on PATH that says what it is told to; None: there is none."""

    def install(version: str | None) -> None:
        monkeypatch.delenv("JAVA_HOME", raising=False)
        monkeypatch.setenv("PATH", str(tmp_path))
        if version is not None:
            script = tmp_path / "java"
            script.write_text(f"#!/bin/sh\necho '{version}' >&2\n")
            script.chmod(0o755)

    return install


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (None, "there is no java on PATH"),
        ('java version "1.8.0_401"', "is Java 8"),
        ('openjdk version "11.0.22" 2024-01-16', "is Java 11"),
        ("something else", "is Java of no known version"),
    ],
)
def test_a_java_that_is_missing_or_old(java, version, message):
    java(version)
    with pytest.raises(TargetError, match=message) as error:
        toolchain.require_java()
    assert "apt install openjdk-17-jre-headless" in str(error.value)


@pytest.mark.parametrize(
    "version", ['openjdk version "17.0.15" 2025-04-15', 'openjdk version "21" 2023-09-19']
)
def test_a_java_that_is_new_enough(java, version):
    java(version)
    toolchain.require_java()


def test_java_home_counts(tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nowhere"))
    with pytest.raises(TargetError, match="does not run"):
        toolchain.require_java()


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setattr(toolchain, "PACKAGES", ("model_compression_toolkit_that_is_not_there",))
    with pytest.raises(MissingExtraError, match=r"pip install 'tinytracker\[imx500\]'"):
        toolchain.require()


def test_the_command_says_it_in_one_line(java, tmp_path, monkeypatch, capsys):
    java(None)
    monkeypatch.setattr(toolchain, "PACKAGES", ())
    checkpoint = tmp_path / "best.safetensors"
    checkpoint.touch()
    assert run(["export", str(checkpoint), "--target", "imx500", "--data", str(tmp_path)]) == 6
    error = capsys.readouterr().err
    assert "Java 17" in error
    assert len(error.splitlines()) == 1


def test_the_command_wants_data(tmp_path, capsys):
    checkpoint = tmp_path / "best.safetensors"
    checkpoint.touch()
    assert run(["export", str(checkpoint), "--target", "imx500"]) == 2
    assert "give --data DATASET" in capsys.readouterr().err


def test_the_converters_errors_without_the_rest():
    lines = [
        "2026-11-24 04:32:07,208 INFO : Converting net.onnx",
        "2026-11-24 04:32:11.028 ERROR : EtdConvManager: layer InstanceNormalization is not supported",
        "2026-11-24 04:32:11.028 ERROR : EtdConvManager: layer InstanceNormalization is not supported",
        "done",
    ]
    reason = toolchain._reason(lines)
    assert reason.startswith(
        "EtdConvManager: layer InstanceNormalization is not supported; run `tinytracker lint"
    )
    assert toolchain._reason(["", "segmentation fault", ""]).startswith("segmentation fault;")
    assert toolchain._reason([]).startswith("it said nothing;")


def test_what_is_no_onnx_is_refused_in_the_converters_words(tmp_path):
    need_tools()
    (tmp_path / "net.onnx").write_bytes(b"not a network")
    with pytest.raises(TargetError, match=r"could not convert net\.onnx: .+; run `tinytracker lint"):
        toolchain.convert(tmp_path / "net.onnx", tmp_path / "out")


def test_an_interrupt_ends_the_converter_too(tmp_path, monkeypatch):
    """A stand-in for the interpreter starts a child, as the converter does; both must be gone after
    Ctrl-C."""
    stand_in = tmp_path / "python"
    stand_in.write_text(f"#!/bin/sh\nsleep 60 &\necho $! > {tmp_path}/child\necho Converting net\nwait\n")
    stand_in.chmod(0o755)
    code = (
        f"import signal, sys; sys.executable = {str(stand_in)!r}\n"
        # a shell ignores it for what it runs in the background
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from pathlib import Path; from tinytracker.targets.imx500.making import toolchain\n"
        f"toolchain.convert(Path('net.onnx'), Path({str(tmp_path)!r}), lambda done, total: print('stage', "
        f"done, flush=True))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "stage 1\n"
        process.send_signal(signal.SIGINT)
        assert "KeyboardInterrupt" in process.communicate(timeout=60)[1]
    child = int((tmp_path / "child").read_text())
    for _ in range(100):
        if not _is_running(child):
            return
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the converter's child went on")


def _is_running(process: int) -> bool:
    """A zombie has ended; only its parent has not asked yet."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
