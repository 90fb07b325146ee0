"""`tinytracker recalibrate`: recorded gaze, calibrated anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinytracker.files import read_json, refuse_missing, refuse_unwritable

if TYPE_CHECKING:
    from tinytracker.calibration.calibration import Calibration


def recalibrate(
    recorded: Annotated[
        Path, typer.Argument(help="Gaze rows (.csv, .jsonl or .parquet), or a session's folder.")
    ],
    calibration: Annotated[Path, typer.Option(help="The calibration to apply.", metavar="FILE")],
    out: Annotated[
        Path | None,
        typer.Option(help="Write the new rows here.", show_default="beside the old ones, -recalibrated"),
    ] = None,
    screen: Annotated[
        Path | None,
        typer.Option(
            help="The screen as JSON, for screen pixels.",
            show_default="the calibration's own",
            metavar="FILE",
        ),
    ] = None,
    use_filter: Annotated[
        bool, typer.Option("--filter/--no-filter", help="Steady the gaze anew (One-Euro).")
    ] = True,
) -> None:
    """Calibrate recorded gaze anew, from its raw columns.

    A recording made before you calibrated, or by a calibration that drifted, is not lost: its rows keep what
    the network said (raw_x_deg, raw_y_deg). The old rows are left as they are.

    \b
    Examples:
      tinytracker recalibrate gaze.csv --calibration me.json
      tinytracker recalibrate session/ --calibration new.json
    """
    from tinytracker.calibration.calibration import Calibration
    from tinytracker.calibration.stage import CalibrationStage
    from tinytracker.devices import read_screen
    from tinytracker.errors import CalibrationError, UsageError
    from tinytracker.tracking.filters import OneEuroFilter
    from tinytracker.tracking.recalibrate import read_rows, recalibrated, write_rows
    from tinytracker.tracking.stages import GazeStage

    rows_file = _rows_of(recorded)
    target = out or rows_file.with_name(f"{rows_file.stem}-recalibrated{rows_file.suffix}")
    refuse_unwritable(target)
    refuse_missing(rows_file, "gaze rows, or a session's folder")
    if target.exists() and target.samefile(rows_file):
        raise UsageError(
            f"{target} is what is to be calibrated anew, and would be overwritten; give --out another name"
        )
    profile = Calibration.load(calibration)
    if not profile.is_useful:
        raise CalibrationError(f"{calibration} was found not to help when it was checked; calibrate again")
    _refuse_other_network(recorded, calibration, profile)
    used = profile.conditions.screen
    device = read_screen(screen) if screen is not None else None if used is None else used.as_device()
    stages: list[GazeStage] = [CalibrationStage(profile)] + ([OneEuroFilter()] if use_filter else [])
    count = write_rows(target, recalibrated(read_rows(rows_file), stages, device))
    typer.echo(f"{count} rows calibrated by {profile.id}; written: {target}")


def _rows_of(recorded: Path) -> Path:
    """The rows' file: itself, or the one in a session's folder; raises InputError if there is none."""
    from tinytracker.errors import InputError

    if not recorded.is_dir():
        return recorded
    found = [
        recorded / name for name in ("gaze.csv", "gaze.parquet", "gaze.jsonl") if (recorded / name).is_file()
    ]
    if not found:
        raise InputError(f"{recorded} holds no gaze.csv; expected a session's folder, or a file of gaze rows")
    return found[0]


def _refuse_other_network(recorded: Path, path: Path, profile: Calibration) -> None:
    """Raises CalibrationError if a session's session.json names another network; rows alone do not say which
    one it was."""
    from tinytracker.calibration.conditions import NetworkUsed
    from tinytracker.calibration.profile import refuse_other_network
    from tinytracker.errors import InputError

    info_file = recorded / "session.json"
    if not info_file.is_file():
        return
    try:
        info = read_json(info_file)
        network = NetworkUsed(str(info["model"]), str(info["model_sha256"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{info_file} does not say by which network it was recorded: {error}") from error
    refuse_other_network(profile, network, str(path))
