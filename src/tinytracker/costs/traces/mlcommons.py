"""MLCommons' open runner of MLPerf Tiny: results.json, one entry per window, joules per sample at 1 kHz and
numbered events.

An entry's `power` has `samples` and `timestamps` ([event number, index of its sample]); its `infer` says how
many inferences ran.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinytracker.costs.trace import Trace, Window
from tinytracker.errors import InputError
from tinytracker.files import read_json

RATE_HZ = 1000.0


def read(path: Path) -> Trace:
    """The entries one after the other as one trace, with their windows. Raises InputError for another JSON
    file."""
    try:
        entries: Any = read_json(path)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}: {error}") from error
    powers, blocks, counts, volts = [], [], set(), set()
    done = 0
    for number, entry in enumerate(entries if isinstance(entries, list) else []):
        if not isinstance(entry, dict) or not isinstance(entry.get("power"), dict):
            continue
        place = f"{path}, entry {number}"
        samples, count = _read(entry, place)
        indices = _events(entry["power"], len(samples), place)
        with np.errstate(over="ignore"):  # what is no power is refused by the trace
            powers.append((samples * 1e3 * RATE_HZ).astype(np.float32))
        blocks.append(Window((done + indices[0]) / RATE_HZ, (done + indices[1]) / RATE_HZ))
        counts.add(count)
        volts.add(str(entry["power"].get("voltage", "")))
        done += len(samples)
    if not powers:
        raise InputError(f"{path} holds no recorded power; expected MLCommons' results.json of an energy run")
    if len(counts) != 1:
        raise InputError(
            f"{path}: its windows hold different numbers of inferences "
            f"({', '.join(map(str, sorted(counts)))})"
        )
    remark = f"recorded at {volts.pop()} V" if len(volts) == 1 and "" not in volts else ""
    return Trace(
        np.concatenate(powers),
        RATE_HZ,
        blocks=tuple(blocks),
        inferences=counts.pop() or None,
        remarks=(remark,) if remark else (),
    )


def _read(entry: dict[str, Any], place: str) -> tuple[NDArray[np.float64], int]:
    """An entry's samples in joules, and how many inferences it says it holds (0 if it does not)."""
    try:
        samples = np.array(entry["power"].get("samples", []), np.float64)
        count = int(entry.get("infer", {}).get("iterations", 0))
    except (AttributeError, OverflowError, TypeError, ValueError) as error:
        raise InputError(
            f"{place}: expected a list of samples in joules and a number of iterations: {error}"
        ) from error
    if samples.ndim != 1 or count < 0:
        raise InputError(
            f"{place}: samples of shape {samples.shape}, {count} iterations; expected a list, and 0 or more"
        )
    return samples, count


def _events(power: dict[str, Any], samples: int, place: str) -> tuple[int, int]:
    """Indices of the begin and the end of an entry's window."""
    try:
        indices = [int(index) for _, index in power["timestamps"]]
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        raise InputError(f"{place}: no events beside the samples ({error})") from error
    if len(indices) != 2 or not 0 <= indices[0] < indices[1] <= samples:
        raise InputError(
            f"{place}: {len(indices)} events among {samples} samples; expected the begin and the end of one "
            "window"
        )
    return indices[0], indices[1]
