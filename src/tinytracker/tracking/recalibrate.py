"""Calibrating recorded gaze anew: from the raw columns of its rows, as if the calibration had been there from
the start.

Frames without a gaze stay as they are. Rows of before the raw columns existed cannot be calibrated, and are
refused.
"""

from __future__ import annotations

import csv
import json
import logging
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tinytracker.calibration.stage import CalibrationStage
from tinytracker.devices import Device
from tinytracker.errors import InputError
from tinytracker.extras import need
from tinytracker.files import parse_json, read_grown_csv, refuse_missing, written_aside
from tinytracker.geometry import camera_cm_to_points, point_at_angle_cm
from tinytracker.tracking.sinks import COLUMNS
from tinytracker.tracking.stages import GazeStage

Row = dict[str, Any]
_LEFT_BY_A_KILL = re.compile(r"\.partial(-\d+)?$")
_TOO_LARGE = 2**63
_EXPECTED = {int: "a whole number", float: "a number", bool: "0 or 1", str: "words"}
_log = logging.getLogger(__name__)
NEEDED = ("t_ns", "valid", "distance_cm", "raw_x_deg", "raw_y_deg")


def recalibrated(
    rows: Iterable[Row], stages: Iterable[GazeStage], screen: Device | None = None
) -> Iterator[Row]:
    """The rows (keys and types of `sinks.COLUMNS`) with their raw gaze through other stages: calibration,
    then filter.

    screen: for screen_x_px, screen_y_px; None: these are emptied, as old pixels would contradict the new
    degrees.
    """
    stages = list(stages)
    for row in rows:
        if not row["valid"]:
            for stage in stages:
                stage.reset()
            yield dict(row)
            continue
        x_deg, y_deg = row["raw_x_deg"], row["raw_y_deg"]
        for stage in stages:
            x_deg, y_deg = stage.apply(x_deg, y_deg, row["t_ns"])
        x_cm, y_cm = (float(value) for value in point_at_angle_cm(x_deg, y_deg, row["distance_cm"]))
        x_px, y_px = (None, None) if screen is None else camera_cm_to_points(x_cm, y_cm, screen)
        ids = [stage.calibration_id for stage in stages if isinstance(stage, CalibrationStage)]
        yield row | {
            "gaze_x_cm": x_cm,
            "gaze_y_cm": y_cm,
            "x_deg": x_deg,
            "y_deg": y_deg,
            "screen_x_px": x_px,
            "screen_y_px": y_px,
            "calibration_id": ids[0] if ids else "",
        }


def read_rows(path: Path) -> list[Row]:
    """Gaze rows as `track` wrote them: CSV, JSON lines or Parquet, by the file's name, or what a killed run
    left of one (NAME.partial).

    A last line that was cut off (the program was killed) is left out. Raises InputError naming file, row and
    field.
    """
    refuse_missing(path, "gaze rows (.csv, .jsonl or .parquet)")
    suffix = Path(_LEFT_BY_A_KILL.sub("", path.name)).suffix
    try:
        texts = _READERS.get(suffix, _read_csv)(path)
    except (OSError, ValueError) as error:
        raise InputError(
            f"cannot read {path}: {error}; expected gaze rows (.csv, .jsonl or .parquet)"
        ) from error
    return [_row(text, f"{path}, row {number}") for number, text in enumerate(texts, start=1)]


def _read_csv(path: Path) -> list[Mapping[str, Any]]:
    header, *lines = read_grown_csv(path) or [[]]
    _refuse_foreign(header, str(path))
    for number, line in enumerate(lines, start=1):
        if len(line) != len(header):
            raise ValueError(f"row {number} has {len(line)} values, its header {len(header)}")
    return [dict(zip(header, line, strict=True)) for line in lines]


def _read_jsonl(path: Path) -> list[Mapping[str, Any]]:
    lines = path.read_text(encoding="utf-8-sig").split("\n")
    if lines[-1]:
        _log.warning("the last line of %s is not finished, and left out", path)
    rows = [parse_json(line) for line in lines[:-1] if line]
    if not all(isinstance(row, dict) for row in rows) or (lines[-1] and not rows):
        raise ValueError("its lines are no JSON objects")
    return rows


def _read_parquet(path: Path) -> list[Mapping[str, Any]]:
    need("pyarrow")
    from pyarrow import parquet

    table = parquet.read_table(path)
    _refuse_foreign(table.column_names, str(path))
    rows: list[Mapping[str, Any]] = table.to_pylist()
    return rows


_READERS: dict[str, Callable[[Path], list[Mapping[str, Any]]]] = {
    ".jsonl": _read_jsonl,
    ".parquet": _read_parquet,
}


def write_rows(path: Path, rows: Iterable[Row]) -> int:
    """Writes rows as `track` does, whole or not at all; gives their number. Raises OutputError."""
    listed = list(rows)
    with written_aside(path) as aside:
        if path.suffix == ".parquet":
            _write_parquet(aside, listed)
        else:
            with aside.open("w", newline="", encoding="utf-8") as file:
                if path.suffix == ".jsonl":
                    file.writelines(
                        json.dumps({n: _rounded(row[n], *COLUMNS[n]) for n in COLUMNS}) + "\n"
                        for row in listed
                    )
                else:
                    texts = ([_text(row[name], *COLUMNS[name]) for name in COLUMNS] for row in listed)
                    csv.writer(file).writerows([list(COLUMNS), *texts])
    return len(listed)


def _write_parquet(path: Path, rows: list[Row]) -> None:
    need("pyarrow")
    import pyarrow
    from pyarrow import parquet

    types = {int: pyarrow.int64(), float: pyarrow.float64(), bool: pyarrow.bool_(), str: pyarrow.string()}
    schema = pyarrow.schema([(name, types[kind]) for name, (kind, _) in COLUMNS.items()])
    parquet.write_table(pyarrow.Table.from_pylist(rows, schema=schema), path)


def _refuse_foreign(names: Collection[str], where: str) -> None:
    """Raises InputError if a column is missing without which nothing can be calibrated anew."""
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise InputError(
            f"{where} has no {missing[0]}: it was not tracked by this tinytracker, and cannot be calibrated "
            f"anew"
        )


def _row(text: Mapping[str, Any], where: str) -> Row:
    _refuse_foreign(text, where)
    row = {name: _value(text.get(name), COLUMNS[name][0], f"{where}: {name}") for name in COLUMNS}
    if row["valid"] and any(row[name] is None for name in NEEDED):
        raise InputError(
            f"{where} is valid but lacks raw gaze or distance; expected raw_x_deg, raw_y_deg and distance_cm"
        )
    return row


def _value(text: Any, kind: type, where: str) -> Any:
    if text is None or (text == "" and kind is not str):
        return None
    try:
        value = bool(int(text)) if kind is bool else kind(text)
        if kind in (int, float) and not abs(value) < _TOO_LARGE:
            raise ValueError("no number that a row can hold")
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{where} is {text!r}, expected {_EXPECTED[kind]}") from error
    return value


def _text(value: Any, kind: type, decimals: int | None) -> str:
    if value is None:
        return ""
    if kind is bool:
        return str(int(value))
    return str(value) if decimals is None else f"{value:.{decimals}f}"


def _rounded(value: Any, kind: type, decimals: int | None) -> Any:
    return value if value is None or decimals is None else round(float(value), decimals)
