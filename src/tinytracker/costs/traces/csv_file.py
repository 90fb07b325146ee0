"""CSV recordings: PPK2's three spellings, Joulescope's, and any table that names its columns with units.

Known columns, in any order, with the unit in the name or in brackets behind it:
- time: `Timestamp(ms)`, `time_s`, `Time (us)`, `time` (seconds)
- power, or current with voltage or with the supply's: `Current(uA)`, `current` (A), `voltage` (V),
  `power_mw`, `Power(W)`
- logic levels: `D0` to `D7` (0 or 1), `D0-D7` (eight digits, D0 first), `Bits` (a number), `gpi0` to `gpi3`,
  `mark` Lines that begin with # before the header are skipped; a # in front of the header is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tinytracker.costs.rows import COLUMNS
from tinytracker.costs.trace import Marks, Power, Times, Trace, evenly
from tinytracker.costs.traces.supply import need_supply
from tinytracker.errors import InputError

Table: TypeAlias = NDArray[np.float64]

CHUNK_BYTES = 1 << 24
JITTER = 0.25  # steps of time that differ from the median by more than this are uneven, or gaps
SPARSEST = 20  # as many samples may be missing for each that is there
_UNITS = {
    "time": {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9},
    "current": {"a": 1e3, "ma": 1.0, "ua": 1e-3, "na": 1e-6},  # to mA
    "voltage": {"v": 1.0, "mv": 1e-3},
    "power": {"w": 1e3, "mw": 1.0, "uw": 1e-3},  # to mW
}
_DEFAULT_UNIT = {"time": "s", "current": "a", "voltage": "v", "power": "w"}
_NAMES = {"timestamp": "time", "t": "time", "i": "current", "v": "voltage", "p": "power"}
_LEVEL = re.compile(r"(?:d|gpi\[?|mark)(\d?)\]?")
_PARTED = re.compile(r"\w[ \w()\[\]]*[;\t]")
ALL_BITS, DIGITS = -1, -2


@dataclass(frozen=True, slots=True)
class Quantity:
    """A column of a table, and what brings it to s, mA, V or mW."""

    column: int
    factor: float

    def of(self, table: Table) -> Table:
        return table[:, self.column] * self.factor


def read(path: Path, supply_v: float | None) -> Trace:
    """Raises InputError naming what is missing or wrong, with its line."""
    with path.open("rb") as file:
        names, first_line = _header(file, path)
        quantities = _quantities(names, path)
        if "time" not in quantities or not quantities.keys() & {"power", "current"}:
            raise InputError(
                f"{path} has the columns {', '.join(names)}; expected a time (Timestamp(ms), time_s ...) "
                "and power or current"
            )
        levels = {index: shift for index, name in enumerate(names) if (shift := _bit(name)) is not None}
        volts = 1.0
        if not quantities.keys() & {"power", "voltage"}:
            volts = need_supply(supply_v, path.name)
        with np.errstate(over="ignore", invalid="ignore"):  # what is no power is refused by the trace
            pieces = [
                (
                    quantities["time"].of(table),
                    (_power_mw(table, quantities) * volts).astype(np.float32),
                    _marks(table, levels, path),
                )
                for table in _tables(file, path, len(names), first_line)
            ]
    if not pieces:
        raise InputError(f"{path} has a header and no samples")
    times_s, power_mw, marks = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    pieces.clear()
    return _trace(times_s, power_mw, marks if levels else None, path)


def _power_mw(table: Table, quantities: dict[str, Quantity]) -> Table:
    """Power, or current (mA) times what voltage there is in the file."""
    if "power" in quantities:
        return quantities["power"].of(table)
    current_ma = quantities["current"].of(table)
    return current_ma * quantities["voltage"].of(table) if "voltage" in quantities else current_ma


def _trace(times_s: Times, power_mw: Power, marks: Marks | None, path: Path) -> Trace:
    """Even samples of readings: as they are, with their gaps filled by lost samples, or, where times are
    uneven, resampled."""
    if len(times_s) < 2:
        raise InputError(f"{path} has {len(times_s)} sample; a rate wants two")
    step_s, uneven, gaps = _regularity(times_s, path)
    span_s = float(times_s[-1] - times_s[0])
    if not span_s / step_s <= SPARSEST * len(times_s):
        raise InputError(
            f"{path}: {len(times_s)} samples, most of them {step_s:g} s apart, over {span_s:g} s: nearly all "
            "are missing; are two recordings in one file?"
        )
    if uneven > 1e-3 * len(times_s):
        rate_hz = 1 / step_s
        power = evenly(times_s, power_mw, rate_hz)
        at = np.searchsorted(
            times_s, times_s[0] - (times_s[1] - times_s[0]) + (np.arange(len(power)) + 0.5) / rate_hz
        )
        again = None if marks is None else marks[np.minimum(at, len(marks) - 1)]
        remark = "readings at uneven times, spread evenly; energies are kept"
        return Trace(power, rate_hz, again, meter=f"{path.name} (CSV)", remarks=(remark,))
    if not gaps:
        rate_hz = (len(times_s) - 1) / float(times_s[-1] - times_s[0])
        return Trace(power_mw, rate_hz, marks, meter=f"{path.name} (CSV)")
    steps = np.maximum(1, np.rint(np.diff(times_s) / step_s)).astype(np.int64)
    rate_hz = float(steps.sum() / (times_s[-1] - times_s[0]))
    at = np.concatenate(([0], np.cumsum(steps)))
    filled = np.full(int(at[-1]) + 1, np.nan, np.float32)
    filled[at] = power_mw
    held = None
    if marks is not None:
        held = np.repeat(marks, np.concatenate((steps, [1])))
    return Trace(filled, rate_hz, held, meter=f"{path.name} (CSV)")


def _regularity(times_s: Times, path: Path) -> tuple[float, int, bool]:
    """(usual step in seconds, how many steps are no multiple of it, whether some are longer), a million
    samples at a time."""
    step_s = float(np.median(np.diff(times_s[: 1 << 20])))
    uneven, gaps = 0, False
    for begin in range(0, len(times_s) - 1, 1 << 20):
        steps_s = np.diff(times_s[begin : begin + (1 << 20) + 1])
        if not np.all(steps_s > 0):
            line = begin + int(np.argmin(steps_s > 0)) + 3
            raise InputError(
                f"{path}: time does not rise at the sample of about line {line}; are two recordings in one "
                "file?"
            )
        with np.errstate(invalid="ignore"):
            steps = steps_s / step_s
        uneven += int(np.count_nonzero(np.abs(steps - np.rint(steps)) > JITTER))
        gaps = gaps or bool(np.any(steps > 1.5))
    return step_s, uneven, gaps


def _header(file: BinaryIO, path: Path) -> tuple[list[str], int]:
    """The names of the columns, and the number of the first line of samples."""
    for number in range(1, 200):
        line = file.readline().decode("utf-8-sig", "replace").strip()
        names = [name.strip().strip('"') for name in line.lstrip("# ").split(",")]
        if len(names) > 1 and any(_quantity(name, 0) for name in names):
            return names, number + 1
        if tuple(names) == COLUMNS:
            raise InputError(
                f"{path} holds rows of cost, as measure and bench write them, and no recording; "
                f"tinytracker compare {path} shows them"
            )
        if line and not line.startswith("#"):
            break
    parted = (
        " (commas part columns, not semicolons or tabs; decimals have a point)"
        if _PARTED.search(line)
        else ""
    )
    raise InputError(
        f"{path} names no columns in its first line; expected something like time_s,power_mw or "
        f"Timestamp(ms),Current(uA){parted}"
    )


def _tables(file: BinaryIO, path: Path, width: int, line: int) -> Iterator[Table]:
    """The file's numbers, (lines, columns), a piece at a time; each has a whole number of lines. numpy parses
    them."""
    rest = b""
    while piece := file.read(CHUNK_BYTES):
        whole, newline, rest = (rest + piece).rpartition(b"\n")
        if newline:
            yield (table := _table(whole, path, width, line))
            line += len(table)
    if rest.strip():
        yield _table(rest, path, width, line)


def _table(text: bytes, path: Path, width: int, first_line: int) -> Table:
    text = text.replace(b"\r", b"").strip(b"\n")
    table = _parse(text, width)
    if table is None or len(table) != text.count(b"\n") + 1:
        raise InputError(_complaint(text, width, first_line, path))
    return table


def _parse(text: bytes, width: int) -> Table | None:
    """The numbers of whole lines, or None if they are no table; by pyarrow where it is installed, in a
    quarter of numpy's time."""
    try:
        from pyarrow import ArrowInvalid, BufferReader, csv, float64
    except ImportError:
        return _parse_slowly(text, width)
    names = [str(index) for index in range(width)]
    try:
        table = csv.read_csv(
            BufferReader(text),
            csv.ReadOptions(column_names=names, use_threads=False, block_size=len(text) + 1),
            csv.ParseOptions(ignore_empty_lines=False),
            csv.ConvertOptions(column_types=dict.fromkeys(names, float64()), null_values=[]),
        )
    except ArrowInvalid:
        return None
    return np.stack([column.to_numpy() for column in table.columns], axis=1)


def _parse_slowly(text: bytes, width: int) -> Table | None:
    try:
        numbers = np.fromstring(text.replace(b"\n", b","), np.float64, sep=",")
    except ValueError:
        return None
    return numbers.reshape(-1, width) if len(numbers) % width == 0 else None


def _complaint(text: bytes, width: int, first_line: int, path: Path) -> str:
    """Which line of a piece is not what it should be."""
    for number, line in enumerate(text.split(b"\n"), first_line):
        if _parse_slowly(line, width) is None or line.count(b",") != width - 1:
            found = line[:80].decode("utf-8", "replace")
            return f"{path}, line {number}: expected {width} numbers, found {found!r}"
    return f"{path}: numbers from line {first_line} on cannot be read"


def _quantities(names: list[str], path: Path) -> dict[str, Quantity]:
    """Kind -> its column. Raises InputError where a kind has two columns, or one alone whose unit nobody
    knows: to leave either out would be a guess."""
    found: dict[str, Quantity] = {}
    for index, name in enumerate(names):
        quantity = _quantity(name, index)
        if quantity is None:
            continue
        kind, column = quantity
        if kind in found:
            raise InputError(
                f"{path}: {names[found[kind].column]} and {name} are both columns of {kind}; leave one in"
            )
        found[kind] = column
    for name in names:
        kind, unit = _kind_and_unit(name)
        if kind in _UNITS and kind not in found:
            raise InputError(
                f"{path}: of the column {name}, {unit!r} is no unit of {kind}; expected one of "
                f"{', '.join(_UNITS[kind])} (or another name, if it is no {kind})"
            )
    return found


def _quantity(name: str, index: int) -> tuple[str, Quantity] | None:
    """(kind, column) of a time, current, voltage or power, or None for another column."""
    kind, unit = _kind_and_unit(name)
    factor = _UNITS.get(kind, {}).get(unit)
    return None if factor is None else (kind, Quantity(index, factor))


def _kind_and_unit(name: str) -> tuple[str, str]:
    """What a column's name says it is, and in what unit; nothing where it is written otherwise."""
    plain = re.sub("[µμ]", "u", name)  # the sign for micro, and the Greek letter
    match = re.fullmatch(r"\s*([A-Za-z]+)(?:\s*[(\[]\s*([A-Za-z]+)\s*[)\]]|_([A-Za-z]+))?\s*", plain)
    if match is None:
        return "", ""
    kind = _NAMES.get(match[1].lower(), match[1].lower())
    unit = (match[2] or match[3] or _DEFAULT_UNIT.get(kind, "")).lower()
    return kind, unit


def _bit(name: str) -> int | None:
    """Where a column's levels go: 0 to 7 for one input, ALL_BITS for a number of all, DIGITS for eight
    digits; None for another."""
    lowered = name.lower().replace(" ", "")
    if lowered == "bits":
        return ALL_BITS
    if lowered == "d0-d7":
        return DIGITS
    match = _LEVEL.fullmatch(lowered)
    return None if match is None else int(match[1] or 0)


def _marks(table: Table, levels: dict[int, int], path: Path) -> Marks:
    """The logic levels of all their columns, a bit each."""
    bits = np.zeros(len(table), np.int64)
    for index, shift in levels.items():
        if not np.isfinite(table[:, index]).all():
            raise InputError(f"{path}: a logic level that is no number; expected 0 or 1")
        values = table[:, index].astype(np.int64)
        if shift == ALL_BITS:
            bits |= values
        elif shift == DIGITS:
            digits = [values // 10 ** (7 - bit) % 10 for bit in range(8)]  # D0 is the first digit of eight
            if max(int(digit.max()) for digit in digits) > 1:
                raise InputError(
                    f"{path}: D0-D7 as {int(values.max()):08d}; expected eight digits of 0 and 1"
                )
            for bit, digit in enumerate(digits):
                bits |= digit << bit
        else:
            bits |= (values != 0).astype(np.int64) << shift
    if bits.min() < 0 or bits.max() > 255:
        raise InputError(f"{path}: logic levels from {bits.min()} to {bits.max()}; expected eight bits")
    return bits.astype(np.uint8)
