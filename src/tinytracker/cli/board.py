"""Gaze networks that run on a board while the host finds the face: `--board` of `tinytracker track`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from rich.console import Console

from tinytracker.engines.board_link import TIMEOUT_S, BoardLink, open_port
from tinytracker.engines.model import GazeModel
from tinytracker.engines.serial_board import SerialBoardEngine
from tinytracker.errors import DeviceError, UsageError
from tinytracker.targets.tflite_model import find_tflite

SERIAL = "serial:"
BAUD = 115200
EMULATED_TIMEOUT_S = 20.0  # a busy machine emulates slowly


@contextmanager
def open_board(board: str, model: str, output_scale_cm: float | None = None) -> Iterator[GazeModel]:
    """The network `model` as it runs on a board, while this context lasts.

    board: "serial:" and what pyserial opens, with "@BAUD" behind it if that is not 115200, for firmware that was flashed with
    the network; or "qemu-m4" and the like, for which the network is compiled and an emulated board started. Raises DeviceError,
    TargetError, ModelError, UsageError.
    """
    from tinytracker.targets.mcu.machines import MACHINES

    if not board.startswith(SERIAL) and board not in MACHINES:
        raise UsageError(f"there is no board {board!r}; expected serial:PORT, such as serial:/dev/ttyACM0, or an emulated one: "
                         f"{', '.join(MACHINES)}")  # fmt: skip
    path = find_tflite(Path(model), "--board")
    card = GazeModel.load(path, output_scale_cm=output_scale_cm).card
    with ExitStack() as stack:
        timeout_s = TIMEOUT_S if board.startswith(SERIAL) else EMULATED_TIMEOUT_S
        if board.startswith(SERIAL):
            url, baud = _port_and_baud(board.removeprefix(SERIAL))
        else:
            from tinytracker.targets.mcu import compile_model
            from tinytracker.targets.mcu.qemu import Emulator

            machine = MACHINES[board]
            compiled = compile_model(path.read_bytes(), card.name, machine.cpu)
            url, baud = stack.enter_context(Emulator(compiled.files, machine)).url, BAUD
        port = open_port(url, baud)
        stack.callback(port.close)
        link = BoardLink(port, board, timeout_s)
        yield GazeModel(card, SerialBoardEngine(link, path), str(path))


def _port_and_baud(text: str) -> tuple[str, int]:
    """ "/dev/ttyUSB0@921600" -> that port at that rate."""
    port, at, baud = text.rpartition("@")
    if not at:
        return text, BAUD
    if not baud.isdigit() or not port:
        raise UsageError(f"{text!r} is no serial port; expected PORT or PORT@BAUD, such as /dev/ttyUSB0@921600")
    return port, int(baud)


def print_board_summary(model: GazeModel, dropped: int | None) -> None:
    """What the link and the board went through. dropped: camera frames that came faster than the board; None: no camera."""
    engine = model.engine
    assert isinstance(engine, SerialBoardEngine)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    stats, hello = engine.link.stats, engine.link.hello
    text = f"{hello.board}: {stats.frames} frames"
    if engine.counts and engine.count_unit:
        text += f", median {median(engine.counts):,.0f} {engine.count_unit} each, as the board counts"
    if dropped is not None:
        text += f"; {dropped} camera frames came faster and were dropped"
    console.print(text)
    trouble = {
        "asked again": stats.repeats,
        "late answers dropped": stats.stale,
        "damaged answers": stats.damaged,
        "stray bytes": stats.skipped_bytes,
        "restarts of the board": stats.restarts,
    }
    told = ", ".join(f"{count} {what}" for what, count in trouble.items() if count)
    try:
        theirs = engine.link.board_stats()
        told_by_board = {
            "damaged messages": theirs.damaged,
            "stray bytes": theirs.skipped_bytes,
            "frames given up": theirs.dropped,
        }
        heard = ", ".join(f"{count} {what}" for what, count in told_by_board.items() if count)
    except DeviceError:
        heard = "no answer at the end"
    if told or heard:
        console.print(f"  link: {told or 'nothing lost here'}; board: {heard or 'nothing lost there'}")
