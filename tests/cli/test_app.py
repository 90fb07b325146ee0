"""The command line as a whole: help, versions, errors as one line with the right exit code, interruptions."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
import types
from contextlib import suppress
from pathlib import Path

import pytest

from tinytracker.cli import app as cli
from tinytracker.cli.interrupt import interrupt
from tinytracker.cli.progress import progress_bar
from tinytracker.errors import MissingExtraError, ModelError, OutputError

HEAVY = ("torch", "numba", "pyarrow", "matplotlib", "cv2", "litert_torch")
LIGHT_COMMANDS = (
    "demo",
    "track",
    "evaluate",
    "models",
    "prepare",
    "synth",
    "export",
    "lint",
    "bench",
    "deploy",
    "simulate",
)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch):
    """Puts a function in the table as the command `probe`."""

    def install(function) -> None:
        module = types.ModuleType("tinytracker.cli.probe")
        module.probe = function  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "tinytracker.cli.probe", module)
        monkeypatch.setattr(
            cli, "COMMANDS", (*cli.COMMANDS, cli.Command("probe", "probe", "probe", "A probe."))
        )

    return install


def python(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, **options)


def test_help_lists_every_command_and_loads_nothing_heavy() -> None:
    code = (
        "import sys; from tinytracker.cli.app import run; code = run(['--help'])\n"
        f"assert not {{'numpy', 'rich', *{HEAVY!r}}} & set(sys.modules), sorted(sys.modules)\n"
        "sys.exit(code)"
    )
    answer = python("-c", code)
    assert answer.returncode == 0, answer.stderr
    for command in cli.COMMANDS:
        assert f"  {command.name}  " in answer.stdout
        assert command.help in answer.stdout, "the help line is too long for 80 columns"


def test_help_is_quick() -> None:
    """In processor time, which a busy test machine does not stretch as it does the clock's; on an idle one
    they are equal."""

    def seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        python("-m", "tinytracker", "--help")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(seconds() for _ in range(3)) < 0.3


@pytest.mark.parametrize("name", [command.name for command in cli.COMMANDS])
def test_each_command_teaches(name: str) -> None:
    answer = python("-m", "tinytracker", name, "--help", env={**os.environ, "COLUMNS": "100"})
    assert answer.returncode == 0, answer.stderr
    assert "Examples:" in answer.stdout
    assert f"  tinytracker {name}" in answer.stdout.split("Examples:")[1]


@pytest.mark.parametrize("name", LIGHT_COMMANDS)
def test_light_command_help_loads_no_training_stack(name: str) -> None:
    code = f"import sys; from tinytracker.cli.app import run; run([{name!r}, '--help']); sys.exit(repr(sorted(sys.modules)))"  # noqa: E501
    loaded = python("-c", code).stderr
    assert not [
        package for package in ("torch", "numba", "pyarrow", "matplotlib") if f"'{package}'" in loaded
    ]


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("tinytracker 0.")


@pytest.mark.parametrize(
    "arguments", [["frobnicate"], ["--frobnicate"], ["models", "--frobnicate"], ["evaluate"]]
)
def test_a_mistyped_line_is_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert "--help" in error


def test_an_error_of_ours_is_one_line_with_its_exit_code(command, capsys: pytest.CaptureFixture[str]) -> None:
    def probe() -> None:
        raise ModelError("x.tflite has no card;\nexpected x.json beside it")

    command(probe)
    assert cli.run(["probe"]) == ModelError.exit_code
    assert capsys.readouterr().err == "error: x.tflite has no card; expected x.json beside it\n"


def test_a_missing_extra_names_what_to_install(command, capsys: pytest.CaptureFixture[str]) -> None:
    def probe() -> None:
        raise ModuleNotFoundError("No module named 'numba.core'", name="numba.core")

    command(probe)
    assert cli.run(["probe"]) == MissingExtraError.exit_code
    assert "pip install 'tinytracker[synth]'" in capsys.readouterr().err


def test_every_extra_named_exists() -> None:
    import tomllib

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert set(cli.EXTRAS.values()) <= set(project["optional-dependencies"])


def test_a_bug_keeps_its_traceback(command) -> None:
    def probe() -> None:
        raise ZeroDivisionError

    command(probe)
    with pytest.raises(ZeroDivisionError):
        cli.run(["probe"])


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError(
            "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"
        ),
        RuntimeError("CUDA out of memory. Tried to allocate 9.00 GiB"),
    ],
)
def test_too_little_memory_is_one_line(error: Exception, command, capsys: pytest.CaptureFixture[str]) -> None:
    def probe() -> None:
        raise error

    command(probe)
    assert cli.run(["probe"]) == OutputError.exit_code
    assert capsys.readouterr().err == "error: there is not enough memory for this\n"


def test_what_the_system_refuses_is_one_line(command, capsys: pytest.CaptureFixture[str]) -> None:
    def probe() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "out/model.tflite")

    command(probe)
    assert cli.run(["probe"]) == OutputError.exit_code
    assert capsys.readouterr().err == "error: out/model.tflite: No space left on device\n"


def test_ctrl_c_in_a_command(command, capsys: pytest.CaptureFixture[str]) -> None:
    def probe() -> None:
        raise KeyboardInterrupt

    command(probe)
    assert cli.run(["probe"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


@pytest.mark.parametrize("told_as", [ImportError, SystemError, MissingExtraError])
def test_ctrl_c_that_a_library_in_c_tells_as_its_own_error(
    told_as: type[Exception], command, capsys: pytest.CaptureFixture[str]
) -> None:
    def probe() -> None:
        try:
            raise ImportError("initialization failed") from KeyboardInterrupt()
        except ImportError as error:
            if told_as is ImportError:
                raise
            raise told_as("torch", "train") from error

    command(probe)
    assert cli.run(["probe"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


@pytest.mark.parametrize("quiet", [["-q"], []])
def test_ctrl_c_that_a_library_swallows_comes_again(
    quiet: list[str], command, capsys: pytest.CaptureFixture[str]
) -> None:
    """`export` went on to its end: the converter, loading, took it for a module that it can do without."""

    def probe() -> None:
        with progress_bar("Working") as update:
            with suppress(KeyboardInterrupt):
                interrupt(signal.SIGINT, None)
            update(1, 2)
            raise AssertionError("it went on")

    command(probe)
    assert cli.run([*quiet, "probe"]) == 130
    assert capsys.readouterr().err == "interrupted\n"
    command(lambda: None)
    assert cli.run(["probe"]) == 0


def test_sigterm_is_ctrl_c() -> None:
    code = """
import sys, time, types
from tinytracker.cli import app
def probe() -> None:
    try:
        print("running", flush=True)
        time.sleep(30)
    finally:
        print("closed", flush=True)
module = types.ModuleType("tinytracker.cli.probe"); module.probe = probe
sys.modules["tinytracker.cli.probe"] = module
app.COMMANDS = (*app.COMMANDS, app.Command("probe", "probe", "probe", "A probe."))
app.main(["probe"])
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "running\n"
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert (out, err, process.returncode) == ("closed\n", "interrupted\n", 130)


def test_ctrl_c_while_python_ends_leaves_no_traceback() -> None:
    """Ending takes torch long enough to be met."""
    code = """
import atexit, signal, time
from tinytracker.cli import app
def ending():
    print("ending", flush=True)
    time.sleep(30)
atexit.register(ending)
signal.signal(signal.SIGINT, signal.default_int_handler)
app.main(["--version"])
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert "tinytracker" in process.stdout.readline()
    assert process.stdout.readline() == "ending\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (out, err, process.returncode) == ("", "", -signal.SIGINT)


def test_a_closed_pipe_is_quiet() -> None:
    answer = subprocess.run(
        f'{sys.executable} -c "import sys; from tinytracker.cli import app; import typer; '
        "app.EPILOG = 'x' * 300000; app.main(['--help'])\" | head -c 10",
        shell=True,
        capture_output=True,
        text=True,
    )
    assert answer.stderr == ""
    assert answer.stdout == "Usage: tin"
