"""EEMBC EnergyRunner's (MLPerf Tiny's) energy.bin: byte 0xF1, float32 LE rate in Hz, then float32 LE
energies, one a sample.

Beside it lies *-timestamps.json: seconds, the runner's start, then begin and end of each window. The energies
are microjoules in files from ST's LPM01A (99 published traces integrate to their published energies so); the
same runner's Joulescope driver wrote joules. Which one is told by size: no board that runs a network takes
100 W, or as little as 100 uW.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from tinytracker.costs.trace import Trace, Window
from tinytracker.errors import InputError
from tinytracker.files import read_json

MAGIC = 0xF1
_HEAD = struct.Struct("<Bf")
JOULES_BELOW = (
    100.0  # mean power as the file counts: no board that runs a network takes 100 W, or as little as 100 uW
)


def read(path: Path) -> Trace:
    """Reads energy.bin and, if it lies beside it, its time stamps. Raises InputError."""
    content = path.read_bytes()
    if len(content) < _HEAD.size + 4 or (len(content) - _HEAD.size) % 4:
        raise InputError(f"{path} is cut off: {len(content)} bytes are no whole number of samples")
    _, rate_hz = _HEAD.unpack_from(content)
    if not 1 <= rate_hz <= 1e7:
        raise InputError(f"{path} claims {rate_hz:g} samples a second; it is no energy recording")
    energies = np.frombuffer(content, "<f4", offset=_HEAD.size)
    if not np.isfinite(energies).all():
        raise InputError(f"{path} holds samples that are no numbers")
    with np.errstate(over="ignore"):  # what is no power is refused by the trace
        power_mw = energies * np.float32(_to_mj(energies, rate_hz) * rate_hz)
    return Trace(power_mw, float(rate_hz), blocks=_blocks(path))


def _to_mj(energies: np.ndarray, rate_hz: float) -> float:
    """Millijoules per unit of the file's samples."""
    mean_power = float(np.mean(energies, dtype=np.float64)) * rate_hz  # uW or W
    return 1e3 if mean_power < JOULES_BELOW else 1e-3


def _blocks(path: Path) -> tuple[Window, ...]:
    stamps_path = path.with_name(path.name.replace("energy.bin", "timestamps.json"))
    if stamps_path == path or not stamps_path.is_file():
        return ()
    try:
        stamps = [float(value) for value in read_json(stamps_path)]
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{stamps_path} is no list of seconds: {error}") from error
    edges = stamps[len(stamps) % 2 :]  # an odd number begins with the runner's start
    if sorted(stamps) != stamps or len(edges) < 2:
        raise InputError(
            f"{stamps_path} names no windows: {len(stamps)} instants, expected a rising list of begins and "
            "ends"
        )
    return tuple(Window(begin, end) for begin, end in zip(edges[::2], edges[1::2], strict=True))
