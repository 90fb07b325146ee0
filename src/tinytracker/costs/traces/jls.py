"""Joulescope's .jls, through its maker's own library (pyjls, extra `meters`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tinytracker.costs.trace import Trace
from tinytracker.errors import InputError
from tinytracker.extras import need

_V2 = b"jlsfmt\r\n"
_V1 = b"\xd3tagfmt \r\n"
INPUTS = ("gpi[0]", "gpi[1]", "gpi[2]", "gpi[3]")
CHUNK = 1 << 20


def is_jls(head: bytes) -> bool:
    """Whether a file begins as a .jls of any version does."""
    return head.startswith((_V1, _V2))


def read(path: Path) -> Trace:
    """Power, else current times voltage, and the general-purpose inputs as marks. Raises InputError,
    MissingExtraError."""
    need("pyjls")
    import pyjls

    try:
        with pyjls.Reader(str(path)) as reader:
            return _trace(reader, path)
    except (RuntimeError, ValueError, OSError) as error:
        raise InputError(f"cannot read the Joulescope recording {path}: {error}") from error


def _trace(reader: Any, path: Path) -> Trace:
    signals = {signal.name: signal for signal in reader.signals.values() if signal.length > 0}
    wanted = ("power",) if "power" in signals else ("current", "voltage")
    if any(name not in signals for name in wanted):
        raise InputError(
            f"{path} has the signals {', '.join(signals) or 'none'}; expected power, or current and voltage"
        )
    first = signals[wanted[0]]
    power_mw = np.full(first.length, 1e3, np.float32)
    for name in wanted:
        if signals[name].length != first.length or signals[name].sample_rate != first.sample_rate:
            raise InputError(
                f"{path}: current and voltage are sampled differently; export the recording with power"
            )
        for begin in range(0, first.length, CHUNK):
            count = min(CHUNK, first.length - begin)
            power_mw[begin : begin + count] *= reader.fsr(signals[name].signal_id, begin, count)
    return Trace(
        power_mw, float(first.sample_rate), _marks(reader, signals, first), meter="Joulescope (recording)"
    )


def _marks(reader: Any, signals: dict[str, Any], like: Any) -> np.ndarray | None:
    marks = None
    for bit, name in enumerate(INPUTS):
        signal = signals.get(name)
        if signal is None:
            continue
        packed = np.asarray(reader.fsr(signal.signal_id, 0, signal.length))
        levels = np.unpackbits(packed.view(np.uint8), bitorder="little")[: signal.length]
        # The inputs may be recorded at another rate than the analogue signals.
        at = np.arange(like.length, dtype=np.int64) * int(signal.sample_rate) // int(like.sample_rate)
        marks = np.zeros(like.length, np.uint8) if marks is None else marks
        marks |= levels[np.minimum(at, len(levels) - 1)] << bit
    return marks
