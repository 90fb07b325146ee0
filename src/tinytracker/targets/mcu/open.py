"""Gaze networks that run on a board, at a serial port or emulated, while the host finds the face."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tinytracker.calibration.calibration import Calibration
from tinytracker.compiler import compile_model
from tinytracker.engines.infer import card_of
from tinytracker.engines.model import GazeModel
from tinytracker.engines.serial_board import SerialBoardEngine
from tinytracker.errors import UsageError
from tinytracker.link.link import TIMEOUT_S, BoardLink, open_port
from tinytracker.targets.mcu.calibration import board_calibration
from tinytracker.targets.mcu.machines import MACHINES
from tinytracker.targets.mcu.qemu import Emulator
from tinytracker.zoo import find_tflite

SERIAL = "serial:"
BAUD = 115200
EMULATED_TIMEOUT_S = 20.0  # a busy machine emulates slowly


@contextmanager
def open_board(board: str, model: str, output_scale_cm: float | None = None) -> Iterator[GazeModel]:
    """The network `model` as it runs on a board, while this context lasts.

    board: "serial:" and what pyserial opens, with "@BAUD" behind it if that is not 115200, for firmware that
    was flashed with the network; or "qemu-m4" and the like, for which the network is compiled and an emulated
    board started. Raises DeviceError, TargetError, ModelError, UsageError.
    """
    if not board.startswith(SERIAL) and board not in MACHINES:
        raise UsageError(
            f"there is no board {board!r}; expected serial:PORT, such as serial:/dev/ttyACM0, or an emulated "
            f"one: {', '.join(MACHINES)}"
        )
    weights = find_tflite(model, "--board")
    path, card = weights.path, card_of(weights, output_scale_cm)
    with ExitStack() as stack:
        timeout_s = TIMEOUT_S if board.startswith(SERIAL) else EMULATED_TIMEOUT_S
        if board.startswith(SERIAL):
            url, baud = port_and_baud(board.removeprefix(SERIAL))
        else:
            machine = MACHINES[board]
            compiled = compile_model(path.read_bytes(), card.name, machine.cpu)
            url, baud = stack.enter_context(Emulator(compiled.files, machine)).url, BAUD
        port = open_port(url, baud)
        stack.callback(port.close)
        link = BoardLink(port, board, timeout_s)
        yield GazeModel(card, SerialBoardEngine(link, path), str(path))


def calibrate_board(network: GazeModel, calibration: Calibration) -> None:
    """Gives the board of `open_board` a person's six numbers, unless they were found not to help: its answers
    then bring calibrated points, for whoever else reads them. Raises DeviceError."""
    assert isinstance(network.engine, SerialBoardEngine)
    if calibration.is_useful:
        network.engine.link.calibrate(board_calibration(calibration, network.card.output_scale_cm))


def port_and_baud(text: str) -> tuple[str, int]:
    """ "/dev/ttyUSB0@921600" -> that port at that rate."""
    if not text:
        raise UsageError("serial: names no port; expected serial:PORT, such as serial:/dev/ttyACM0")
    port, at, baud = text.rpartition("@")
    if not at:
        return text, BAUD
    if not baud.isdigit() or not port:
        raise UsageError(
            f"{text!r} is no serial port; expected PORT or PORT@BAUD, such as /dev/ttyUSB0@921600"
        )
    return port, int(baud)
