"""The command `tinytracker`: one table of commands, each imported only when it is the one asked for.

A command is a function in a module of its own beside this one, with `Annotated` typer options and a docstring
that teaches: what goes in, what comes out, and an `Examples` paragraph after a line holding only \\b, which
keeps the lines as they are. The functions raise `tinytracker.errors`; `main` turns them into one line and an
exit code.
"""

from __future__ import annotations

import importlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout, suppress
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from tinytracker.cli.interrupt import HANG_UP, forget, interrupt
from tinytracker.errors import (
    INTERRUPTED,
    InputError,
    MissingExtraError,
    OutputError,
    TinytrackerError,
    UsageError,
)
from tinytracker.extras import EXTRAS
from tinytracker.progress import keep_quiet, quiet_ends_here

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Command:
    """A line of `tinytracker --help`, and where the function behind it is: `module` in tinytracker.cli,
    and its name. A name of two words goes before one of its first word."""

    name: str
    module: str
    function: str
    help: str


COMMANDS = (
    Command("demo", "demo", "demo", "Track a rendered person's gaze: how good, how fast?"),
    Command("demo events", "demo_events", "demo_events", "Follow a rendered eye's pupil by its events."),
    Command("track", "track", "track", "Track gaze in pictures, a video or a camera."),
    Command("track-events", "track_events", "track_events", "Follow a pupil before an event camera."),
    Command("live", "live", "live", "Calibrate, see, record and replay gaze on a local page."),
    Command("report", "report", "report", "Say how good a recorded session's gaze is."),
    Command("convert", "convert", "convert", "Turn a session into BIDS, or a recording to train on."),
    Command("calibrate", "calibrate", "calibrate", "Fit a person's own calibration to dots they looked at."),
    Command(
        "calibrate events",
        "calibrate_events",
        "calibrate_events",
        "Fit a person's own map from pupil to gaze.",
    ),
    Command("validate", "validate", "validate", "Measure a calibration on dots that took no part in it."),
    Command(
        "recalibrate", "recalibrate", "recalibrate", "Calibrate recorded gaze anew, from its raw columns."
    ),
    Command("screen", "screen", "screen", "List the monitors; write one's size for --screen."),
    Command("synth", "synth", "synth", "Render recordings of people who do not exist."),
    Command("synth eyes", "synth_eyes", "synth_eyes", "Render an eye before an event camera: events."),
    Command("prepare", "prepare", "prepare", "Turn recordings, of faces or events, into a dataset."),
    Command("train", "train", "train", "Train a network by a recipe."),
    Command("export", "export", "export", "Turn a network into what a target runs."),
    Command("lint", "lint", "lint", "Check a network against a target's limits."),
    Command("deploy", "deploy", "deploy", "Package an export on the board's own computer."),
    Command("simulate", "simulate", "simulate", "Run a board's whole path on a PC."),
    Command("bench", "bench", "bench", "What a gaze costs on a board: time and energy."),
    Command("measure", "measure", "measure", "Time and energy of an inference, by a meter."),
    Command("compare", "compare", "compare", "Every platform side by side: cost and accuracy."),
    Command("evaluate", "evaluate", "evaluate", "Measure the errors of networks on a dataset."),
    Command("models", "models", "models", "List the released networks, or show one's card."),
    Command("reproduce", "reproduce", "reproduce", "From rendered people to the table of networks."),
)

EPILOG = (
    "`tinytracker COMMAND --help` explains a command and gives examples. A good first one: tinytracker demo"
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line and exits: 0, an error's exit code, or 130 when interrupted (Ctrl-C,
    SIGTERM, or its terminal was closed)."""
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:  # it is not to be ignored
        signal.signal(signal.SIGINT, interrupt)
    for number in (signal.SIGTERM, *HANG_UP):
        signal.signal(number, interrupt)
    _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a sign that a terminal's encoding lacks is no reason to fail
            stream.reconfigure(errors="replace")
    code = run(sys.argv[1:] if arguments is None else arguments)
    for number in (signal.SIGINT, signal.SIGTERM, *HANG_UP):
        if signal.getsignal(number) == interrupt:  # all is done and told: who is in a hurry may go at once
            signal.signal(number, signal.SIG_DFL)
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Runs one command line and returns its exit code. Errors of ours, and only they, leave as a
    traceback."""
    arguments = with_whole_name(arguments)
    forget()
    try:
        _refuse_empty(arguments)
        with _words_beside_rows(arguments), quiet_ends_here():
            result = build(arguments)(
                args=list(arguments) or ["--help"], prog_name="tinytracker", standalone_mode=False
            )
            sys.stdout.flush()
    except (KeyboardInterrupt, typer.Abort):
        result = INTERRUPTED
    except Exception as error:
        if not _came_of_interruption(error):
            return _tell(error)
        result = INTERRUPTED
    if result == INTERRUPTED:
        return _fail("interrupted", INTERRUPTED, label="")
    return result if isinstance(result, int) else 0


def _came_of_interruption(error: BaseException | None) -> bool:
    """Whether a Ctrl-C is the first cause of `error`: a library in C that it met loading tells of it as of an
    ImportError or a SystemError."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__
    return error is not None


def _tell(error: Exception) -> int:
    """Says in a line what is wrong and returns the exit code; raises `error` again if it is a bug of ours."""
    if isinstance(error, BrokenPipeError):
        _close_broken_pipe()
        return 1
    if isinstance(error, TinytrackerError):
        return _fail(str(error), error.exit_code)
    if isinstance(error, typer.TyperException):  # a mistyped option and the like
        told = error.format_message().rstrip(".").replace("Value error, ", "")  # pydantic's
        return _fail(f"{told}; see `{_help_of(error)} --help`", 2)
    if isinstance(error, ModuleNotFoundError):
        package = (error.name or "").partition(".")[0]
        if package in EXTRAS:
            missing = MissingExtraError(package, EXTRAS[package])
            return _fail(str(missing), missing.exit_code)
    if isinstance(error, OSError):  # a full disk and the like, wherever it came up
        _log.debug("the system refused", exc_info=error)
        named = f"{error.filename}: " if error.filename else ""
        return _fail(f"{named}{error.strerror or error}", OutputError.exit_code)
    if isinstance(error, MemoryError) or _is_torchs_memory_error(error):
        return _fail("there is not enough memory for this", OutputError.exit_code)
    raise error


def _is_torchs_memory_error(error: Exception) -> bool:
    """Whether torch had too little: of a GPU's "CUDA out of memory", else what its allocator says."""
    said = str(error)
    return isinstance(error, RuntimeError) and ("out of memory" in said or "can't allocate memory" in said)


def with_whole_name(arguments: Sequence[str]) -> list[str]:
    """The arguments, a command's name of two words made one argument.

    >>> with_whole_name(["-q", "synth", "eyes", "out"])
    ['-q', 'synth eyes', 'out']
    >>> with_whole_name(["synth", "out"])
    ['synth', 'out']
    """
    names = {command.name for command in COMMANDS}
    first = next((k for k, argument in enumerate(arguments) if not argument.startswith("-")), len(arguments))
    name = " ".join(arguments[first : first + 2])
    return [*arguments[:first], name, *arguments[first + 2 :]] if name in names else list(arguments)


def _refuse_empty(arguments: Sequence[str]) -> None:
    """Raises an error for an empty text, which paths take for the working directory, and much else for its
    default: a variable of a shell that is not set becomes one."""
    for before, argument in zip(["", *arguments], arguments, strict=False):
        option = before if argument == "" else argument.removesuffix("=")
        if argument == "" and not before.startswith("-"):
            raise InputError("an argument is empty; expected a name, or nothing at all")
        if argument == "" or (argument.startswith("--") and argument.endswith("=")):
            raise UsageError(f"{option} is empty; give it a value, or leave it out")


def build(arguments: Sequence[str]) -> typer.Typer:
    """The typer application in which only the command that `arguments` names is imported."""
    wanted = next((argument for argument in arguments if not argument.startswith("-")), None)
    app = typer.Typer(
        help="Where does this face look? From recordings of faces to tiny int8 networks, and live gaze "
        "tracking.",
        epilog=EPILOG,
        add_completion=False,
        rich_markup_mode=None,  # rich doubles the time of --help
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for command in COMMANDS:
        if command.name == wanted:
            app.command(command.name, short_help=command.help)(load(command))
        else:
            app.command(command.name, help=command.help)(_not_loaded)
    return app


def load(command: Command) -> Callable[..., Any]:
    """Imports a command's function."""
    return getattr(importlib.import_module(f"tinytracker.cli.{command.module}"), command.function)


def _print_version(wanted: bool) -> None:
    if wanted:
        from tinytracker import __version__

        typer.echo(f"tinytracker {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and leave.", is_eager=True, callback=_print_version
        ),
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Log what happens to standard error.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress; results are told.")] = False,
) -> None:
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    if quiet:
        keep_quiet()


def _not_loaded() -> None:
    raise AssertionError("a command that was not asked for was run")


def _fail(message: str, code: int, label: str = "error: ") -> int:
    """Prints one line to standard error, whatever line breaks the message holds."""
    with suppress(OSError):  # there may be nobody to read it any more
        typer.echo(label + " ".join(message.split()), err=True)
    return code


def _help_of(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    return context.command_path if context is not None else "tinytracker"


@contextmanager
def _words_beside_rows(arguments: Sequence[str]) -> Iterator[None]:
    """Sends words to standard error where standard output is a file that is to be written (--csv
    /dev/stdout)."""
    values = [argument.partition("=")[2] if argument[:1] == "-" else argument for argument in arguments]
    with redirect_stdout(sys.stderr) if any(map(_is_standard_output, values)) else nullcontext():
        yield


def _is_standard_output(place: str) -> bool:
    try:
        return os.path.samestat(os.stat(place), os.fstat(1))
    except (OSError, ValueError):
        return False


def _open_what_is_closed() -> None:
    """Points standard streams that the caller closed (`>&-`, some services) at nothing.

    Else the first file opened would get the descriptor of one, and what libraries print to it.
    """
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115  (it stays open, as they do)


def _close_broken_pipe() -> None:
    """Points standard output at nothing, so that the interpreter's last flush does not complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
