"""The boards, each a folder with a `board.py` that holds `BOARD = Board(...)`, and its projects' templates
beside it.

Boards are found by looking: in this folder; in the folders that the environment variable TINYTRACKER_BOARDS
names (split as PATH is), each holding a folder per board; and by the entry point group `tinytracker.boards`,
whose entries are a Board or several.

Folders without a board.py are C that several programs share:

- link/: gaze_link, the board's side of the serial link; gaze_served, a network of gaze_model.h behind it
- feed/: gaze_feed, from a camera's pixels to the network's input
- events/: event_window and event_volume, from an event camera's events to the network's input
- qemu/: start-up, memory, serial port and semihosting of Arm's MPS2 boards as QEMU emulates them; bench.c,
  serve.c
"""

from __future__ import annotations

import importlib.util
import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tinytracker.errors import InputError
from tinytracker.targets.mcu.board import Board
from tinytracker.targets.plugins import modules_in, registered, warn_once

logger = logging.getLogger(__name__)

FOLDER = Path(__file__).parent
VARIABLE = "TINYTRACKER_BOARDS"
ENTRY_POINTS = "tinytracker.boards"


def find_boards() -> dict[str, Board]:
    """Every board by its name. Raises InputError for a folder of TINYTRACKER_BOARDS that does not exist or a
    broken board.py."""
    boards: dict[str, Board] = {}
    for called, board in _found():
        if not isinstance(board, Board) or board.name in boards:
            what = f"the name {board.name} is taken" if isinstance(board, Board) else "it is no Board"
            warn_once(logger, f"{called} is left out: {what}")
            continue
        boards[board.name] = board
    return boards


def _found() -> Iterator[tuple[str, Any]]:
    """(where it comes from, what is said to be a board)."""
    for module in modules_in(__name__, FOLDER, "board"):
        yield module.__name__, module.BOARD
    for place in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
        if not Path(place).is_dir():
            raise InputError(
                f"{VARIABLE} names {place}, which is no folder; expected one that holds a folder per board"
            )
        for path in sorted(Path(place).glob("*/board.py")):
            yield str(path), _board_in(path)
    for called, thing in registered(ENTRY_POINTS):
        for board in thing if isinstance(thing, Iterable) else (thing,):
            yield called, board


def _board_in(path: Path) -> Any:
    """`BOARD` of a board.py that lies outside every package."""
    spec = importlib.util.spec_from_file_location(f"tinytracker_board_{path.parent.name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        return module.BOARD
    except Exception as error:  # whatever a stranger's file raises
        raise InputError(f"{path} gives no board: {error}; expected BOARD = Board(...) in it") from error


def sources(folder: str | Path) -> dict[str, str]:
    """The text files of a folder, or of one of those above: name -> text."""
    return {path.name: path.read_text() for path in sorted((FOLDER / folder).iterdir()) if path.is_file()}
