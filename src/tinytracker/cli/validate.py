"""`tinytracker validate`: an honest figure, from dots that took no part in the calibration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinytracker.cli.options import (
    DotsSource,
    FaceModel,
    FieldOfView,
    FramesPerSecond,
    Mirrored,
    OutputScale,
    Strict,
)

if TYPE_CHECKING:
    from tinytracker.calibration.check import Check
    from tinytracker.results import Table


def validate(
    source: DotsSource,
    calibration: Annotated[Path, typer.Option(help="The calibration to measure.", metavar="FILE")],
    dots: Annotated[Path, typer.Option(help="CSV: when and where each dot was shown.", metavar="FILE")],
    screen: Annotated[Path, typer.Option(help="The screen as JSON.", metavar="FILE")],
    out: Annotated[
        Path | None,
        typer.Option(help="Write the calibration here with what was found in it.", metavar="FILE"),
    ] = None,
    model: Annotated[
        str, typer.Option(help="The network: a released name or a .tflite.", metavar="NAME|FILE")
    ] = "tinytracker-eyes",
    output_scale_cm: OutputScale = None,
    fov_deg: FieldOfView = 60.0,
    face_model: FaceModel = None,
    fps: FramesPerSecond = None,
    mirrored: Mirrored = False,
    strict: Strict = False,
) -> int:
    """Measure a calibration on dots that took no part in it.

    Every dot of the file is measured, whatever its column use says, with the calibration and without; those
    that it was fitted to (a check's dots, too, have taught it in the end) are left out. Run it again after
    half an hour to see how far you drift. The exit code is 1 if the calibration does not help.

    \b
    Examples:
      tinytracker validate later.mp4 --calibration me.json --dots later.csv --screen laptop.json
    """
    from tinytracker.calibration.calibration import Calibration
    from tinytracker.cli.caller import say
    from tinytracker.cli.gather import gather_dots
    from tinytracker.errors import InputError
    from tinytracker.files import refuse_overlap, refuse_unwritable
    from tinytracker.tracking.calibrating import load_calibration

    refuse_overlap([out], (source, dots, screen, model))
    if out is not None:
        refuse_unwritable(out)
    Calibration.load(calibration)  # what is wrong with it is told before minutes of tracking
    seen = gather_dots(source, dots, screen, model, output_scale_cm, fov_deg, face_model, fps, mirrored)
    profile, stale = load_calibration(calibration, seen.conditions, strict)
    if stale:
        typer.echo(f"warning: {calibration} may no longer hold: {'; '.join(stale)}", err=True)
    good = [*seen.good("fit"), *seen.good("check")]
    if not good:
        raise InputError(seen.why_none("fit") or seen.why_none("check"))
    fitted = [dot for dot in good if profile.learnt_from(dot)]
    if len(fitted) == len(good):
        raise InputError(
            f"{calibration} was fitted to every good dot of {dots}, so they cannot tell how good it is; show "
            "others"
        )
    if fitted:
        typer.echo(f"{len(fitted)} dots are left out, as the calibration was fitted to them", err=True)
        good = [dot for dot in good if not profile.learnt_from(dot)]
    check = profile.check(good)
    say(_table(check))
    typer.echo(check.sentence)
    if out is not None:
        profile.with_check(check).save(out)
        typer.echo(f"written: {out}")
    return 0 if check.helps else 1


def _table(check: Check) -> Table:
    """A row for each dot."""
    from tinytracker.results import Table

    rows = []
    for number, dot in enumerate(check.dots, start=1):
        place = "" if dot.screen_px is None else f"{dot.screen_px[0]:.0f}, {dot.screen_px[1]:.0f}"
        with_it = f"{dot.error_deg:.2f} ({dot.error_cm:.2f})"
        without = f"{dot.uncalibrated_deg:.2f} ({dot.uncalibrated_cm:.2f})"
        rows.append((str(number), place, with_it, without, str(dot.frames)))
    columns = ("dot", "at px", "calibrated", "uncalibrated", "frames")
    return Table("Off by, degrees (cm)", columns, rows, numbers=(1, 2, 3, 4))
