"""Calibrating recorded gaze anew: from the raw columns of its rows, as if the calibration had been there from
the start.

Frames without a gaze stay as they are. Rows of before the raw columns existed cannot be calibrated, and are
refused.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tinytracker.calibration.stage import CalibrationStage
from tinytracker.devices import Device
from tinytracker.errors import InputError
from tinytracker.extras import need
from tinytracker.files import parse_json, refuse_missing, written_aside
from tinytracker.geometry import camera_cm_to_points, point_at_angle_cm
from tinytracker.tracking.sinks import COLUMNS
from tinytracker.tracking.stages import GazeStage

Row = dict[str, Any]
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
    """Gaze rows as `track` wrote them: CSV, JSON lines or Parquet, by the file's name.

    A last line that was cut off (the program was killed) is left out. Raises InputError naming file, row and
    field.
    """
    refuse_missing(path, "gaze rows (.csv, .jsonl or .parquet)")
    try:
        texts = _READERS.get(path.suffix, _read_csv)(path)
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(
            f"cannot read {path}: {error}; expected gaze rows (.csv, .jsonl or .parquet)"
        ) from error
    return [_row(text, f"{path}, row {number}") for number, text in enumerate(texts, start=1)]


def _read_csv(path: Path) -> list[Mapping[str, Any]]:
    with path.open(newline="", encoding="utf-8") as file:
        rows: list[Mapping[str, Any]] = list(csv.DictReader(file))
    return rows[:-1] if rows and None in rows[-1].values() else rows


def _read_jsonl(path: Path) -> list[Mapping[str, Any]]:
    lines = path.read_text(encoding="utf-8").split("\n")
    return [
        parse_json(line) for line in lines[:-1] if line
    ]  # after the last whole line comes "", or what was cut off


def _read_parquet(path: Path) -> list[Mapping[str, Any]]:
    need("pyarrow")
    from pyarrow import parquet

    rows: list[Mapping[str, Any]] = parquet.read_table(path).to_pylist()
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


def _row(text: Mapping[str, Any], where: str) -> Row:
    missing = [name for name in NEEDED if name not in text]
    if missing:
        raise InputError(
            f"{where} has no {missing[0]}: it was not tracked by this tinytracker, and cannot be calibrated "
            f"anew"
        )
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
        return bool(int(text)) if kind is bool else kind(text)
    except (TypeError, ValueError) as error:
        raise InputError(f"{where} is {text!r}, expected {kind.__name__}") from error


def _text(value: Any, kind: type, decimals: int | None) -> str:
    if value is None:
        return ""
    if kind is bool:
        return str(int(value))
    return str(value) if decimals is None else f"{value:.{decimals}f}"


def _rounded(value: Any, kind: type, decimals: int | None) -> Any:
    return value if value is None or decimals is None else round(float(value), decimals)
