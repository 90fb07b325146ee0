"""One row per figure of cost, the same for every bench: platform, network, metric, value, range, unit, how,
source, conditions."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import get_args

from tinytracker.errors import InputError
from tinytracker.files import written_aside
from tinytracker.results import How, Sheet, not_how, number_in, read_sheet

UNITS = {
    "readout": "ms",
    "transfer": "ms",
    "readout_transfer": "ms",
    "inference": "ms",
    "result": "ms",
    "end_to_end": "ms",
    "processor_rest": "ms",
    "host": "ms",
    "region_lag": "ms",
    "frame_interval": "ms",
    "frame_rate": "1/s",
    "energy_inference": "mJ",
    "energy_inference_net": "mJ",
    "energy_chain": "mJ",
    "energy_chain_net": "mJ",
    "energy_frame": "mJ",
    "energy_frame_net": "mJ",
    "energy_sensor": "mJ",
    "power": "mW",
    "idle_power": "mW",
    "error": "cm",
    "error_deg": "deg",
    "error_px": "px",
    "int8_loss": "cm",
    "binning_loss": "cm",
    "macs": "",
    "macs_roof": "1/s",
    "instructions": "",
    "instructions_per_mac": "",
    "cycles": "",
    "parameters": "",
    "flash": "bytes",
    "ram": "bytes",
    "flash_beyond": "bytes",
    "stack": "bytes",
    "memory_used": "%",
    "fits": "",
}
"""Every metric a row may have, and its unit. Energies are gross (MLPerf Tiny's: nothing subtracted), _net
less idle power times the time; energy_chain is from camera to gaze, energy_frame of a frame's whole interval
at the frame rate, the idle rest included."""

MEASURED_CONDITIONS = (
    "supply_v",
    "regulator",
    "clock_mhz",
    "compiler",
    "firmware_sha256",
    "meter",
    "powered",
)
"""What a measured energy is worthless without: two laboratories measured the same chip and software 1.66
times apart."""

MODEL_HASH = "model_sha256"
"""The condition that names the file of the weights, and joins costs with errors."""

_SHA256 = re.compile("[0-9a-f]{64}")

ENERGIES = (*(metric for metric in UNITS if metric.startswith("energy_")), "power", "idle_power")

SIGNED = ("int8_loss", "binning_loss", *(metric for metric in UNITS if metric.endswith("_net")))
"""Metrics that may be below zero: differences."""


@dataclass(frozen=True, slots=True)
class CostRow:
    """One figure.

    platform: a board, chip or host, such as "spresense"; network: its name; value, low, high: in `unit`, low
    and high NaN where there is no range; source: the meter, program or document it comes from; conditions:
    whatever must be known to believe it.

        CostRow("spresense", "tinytracker-s", "inference", 52.1, unit="ms", how="estimated", source="QEMU x
        1.3")
    """

    platform: str
    network: str
    metric: str
    value: float
    low: float = math.nan
    high: float = math.nan
    unit: str = ""
    how: How = "measured"
    source: str = ""
    conditions: Mapping[str, str] = field(default_factory=dict)


MOST = 1e18
"""Of a figure, in its unit: far beyond what can be, and still to be computed with. There is no least one: net
of idle, next to nothing may be left."""
COLUMNS = tuple(column.name for column in fields(CostRow))
NUMBERS = ("value", "low", "high")


def check(row: CostRow) -> None:
    """Raises InputError for a row nobody could use: an unknown metric, another unit than the metric's, no
    source, a value that cannot be or lies outside its range, a hash that is none, or a measured energy
    without its conditions."""
    place = f"{row.platform or 'no platform'}, {row.network or 'no network'}, {row.metric}"
    if row.metric not in UNITS:
        raise InputError(f"{place}: no such metric; expected one of {', '.join(UNITS)}")
    if row.unit != UNITS[row.metric]:
        raise InputError(f"{place}: the unit is {UNITS[row.metric] or 'none'}, not {row.unit or 'none'}")
    if row.how not in get_args(How):
        raise InputError(f"{place}: {not_how(row.how)}")
    if not row.platform or not row.network or not row.source:
        raise InputError(f"{place}: a row names its platform, its network and its source")
    if not math.isfinite(row.value):
        raise InputError(f"{place}: the value is {row.value}; leave the row out instead")
    if row.value < 0 and row.metric not in SIGNED:
        raise InputError(f"{place}: the value is {row.value:g}; expected 0 or more")
    if row.metric == "fits" and row.value not in (0, 1):
        raise InputError(f"{place}: the value is {row.value:g}; expected 1 (it fits) or 0")
    if math.isnan(row.low) != math.isnan(row.high) or math.isinf(row.low) or math.isinf(row.high):
        raise InputError(f"{place}: a range has two ends, both of them numbers, or none")
    for number in (row.value, row.low, row.high):
        if abs(number) > MOST:
            raise InputError(f"{place}: {number:g} {row.unit} is no figure; expected at most {MOST:g}")
    if not math.isnan(row.low) and not row.low <= row.value <= row.high:
        raise InputError(f"{place}: {row.value:g} lies outside its range from {row.low:g} to {row.high:g}")
    sha256 = row.conditions.get(MODEL_HASH)
    if sha256 and not _SHA256.fullmatch(sha256):
        raise InputError(
            f"{place}: {MODEL_HASH} is {sha256!r}; expected 64 digits of 0-9 and a-f, as of sha256sum"
        )
    if row.how == "measured" and row.metric in ENERGIES:
        refuse_incomplete(row.conditions)


def refuse_incomplete(conditions: Mapping[str, str]) -> None:
    """Raises InputError naming the conditions of a measured energy that are not given."""
    missing = [name for name in MEASURED_CONDITIONS if not conditions.get(name)]
    if missing:
        raise InputError(
            f"a measured energy without {', '.join(missing)} cannot be compared with another; give "
            + " ".join(f"--{_OPTIONS[name]}" for name in missing)
        )


_OPTIONS = {
    "supply_v": "supply",
    "regulator": "regulator",
    "clock_mhz": "clock-mhz",
    "compiler": "compiler",
    "firmware_sha256": "firmware",
    "meter": "meter",
    "powered": "powered",
}


def cells_of(row: CostRow) -> dict[str, str]:
    """A row as it stands in a CSV, by column."""
    cells = asdict(row)
    cells.update({name: "" if math.isnan(cells[name]) else f"{cells[name]:.8g}" for name in NUMBERS})
    return cells | {"conditions": format_conditions(row.conditions)}


def write_cost_rows(rows: Iterable[CostRow], path: Path) -> None:
    """Writes rows as CSV, whole or not at all, after `check`. Raises InputError, OutputError."""
    checked = list(rows)
    for row in checked:
        check(row)
    with written_aside(path) as aside, aside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(cells_of, checked))


def read_cost_rows(path: Path) -> list[CostRow]:
    """Reads and checks what `write_cost_rows` wrote; raises InputError naming file and line."""
    return cost_rows_of(read_sheet(path, (COLUMNS,), "rows of cost, as `measure` and `bench` write them"))


def cost_rows_of(sheet: Sheet) -> list[CostRow]:
    """The rows of cost in a sheet of COLUMNS; raises InputError as `read_cost_rows`."""
    return [_row(cells, place) for place, cells in sheet.lines]


def format_conditions(conditions: Mapping[str, str]) -> str:
    """key=value; key=value. Keys and values lose what would part them."""
    return "; ".join(f"{key}={value.replace(';', ',')}" for key, value in conditions.items())


def parse_conditions(text: str) -> dict[str, str]:
    """The pairs that `format_conditions` wrote; raises ValueError for something else."""
    pairs = [part.strip().partition("=") for part in text.split(";") if part.strip()]
    if any(not separator for _, separator, _ in pairs):
        raise ValueError(f"conditions are key=value; key=value, not {text!r}")
    return {key.strip(): value.strip() for key, _, value in pairs}


def _row(cells: Mapping[str, str], place: str) -> CostRow:
    try:
        numbers = {name: number_in(cells, name) for name in NUMBERS}
        row = CostRow(**{**cells, **numbers, "conditions": parse_conditions(cells["conditions"])})  # type: ignore[arg-type]
        check(row)
    except (ValueError, InputError) as error:
        raise InputError(f"{place}: {error}") from error
    return row
