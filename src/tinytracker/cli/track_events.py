"""`tinytracker track-events`: a pupil followed through an event camera's recording, at the rate of events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from tinytracker.cli.idle import refuse_idle
from tinytracker.cli.interrupt import stop_on_signal
from tinytracker.cli.progress import progress_bar
from tinytracker.errors import INTERRUPTED, OutputError, UsageError
from tinytracker.files import refuse_overlap, refuse_unwritable
from tinytracker.tracking.options import Outputs

if TYPE_CHECKING:
    from tinytracker.events.crops import SensorCrop
    from tinytracker.pupils.follow import PupilSample
    from tinytracker.pupils.opening import EventSource
    from tinytracker.pupils.polynomial import GazePolynomial
    from tinytracker.pupils.summary import PupilSummary


def track_events(
    source: Annotated[
        Path,
        typer.Argument(
            help="A file of events (.aedat4, .raw, .dat, .es, .h5, .npz, events.txt) or a recording's folder."
        ),
    ],
    model: Annotated[
        str, typer.Option(help="A network of pupils: a released name or a file of one.", metavar="NAME|FILE")
    ] = "pupil",
    calibration: Annotated[
        Path | None,
        typer.Option(
            help="Your calibration (`tinytracker calibrate events`): adds the gaze.", metavar="FILE"
        ),
    ] = None,
    hz: Annotated[float | None, typer.Option(help="Estimates a second.", show_default="200")] = None,
    every_events: Annotated[
        int, typer.Option(min=0, help="Instead, an estimate after every so many events.")
    ] = 0,
    realtime: Annotated[
        bool,
        typer.Option("--realtime/--fast", help="Replay at the events' own speed, or as fast as it goes."),
    ] = False,
    csv: Annotated[Path | None, typer.Option(help="Write a row per estimate as CSV.", metavar="FILE")] = None,
    jsonl: Annotated[
        Path | None, typer.Option(help="Write a JSON object per estimate.", metavar="FILE")
    ] = None,
    parquet: Annotated[Path | None, typer.Option(help="Write the rows as Parquet.", metavar="FILE")] = None,
    save: Annotated[
        Path | None,
        typer.Option(help="Write a video of the events with the pupil drawn (.mp4).", metavar="FILE"),
    ] = None,
    slow: Annotated[
        float | None, typer.Option(help="Of --save: so many times slower than life.", show_default="1")
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(help="Write a picture of the events of the last estimate (.png).", metavar="FILE"),
    ] = None,
    crop: Annotated[
        str | None,
        typer.Option(
            help="The square of the sensor that the network sees: its top left pixel, and pixels to a cell, "
            "if not the middle.",
            metavar="LEFT,TOP,SCALE",
        ),
    ] = None,
    start: Annotated[float, typer.Option(min=0, help="Begin so many seconds after the first event.")] = 0.0,
    seconds: Annotated[float | None, typer.Option(min=0.001, help="Follow it for so long.")] = None,
) -> int:
    """Follow a pupil through an event camera's recording.

    The network is asked 200 times a second (--hz), or after every so many events, for the pupil in the newest
    events. Each estimate is a row: its time in microseconds on the clock of the events, the pupil's centre in
    pixels of the sensor, the chance that the eye is closed, and, with a calibration, where it looks. Where
    there is no pupil, the reason. Without a file to write, rows go to the terminal.

    Recordings: our own, Ini-30, 3ET+ and EV-Eye in their own folders; where labels lie beside the events, the
    error is said too. Of a damaged file what can be read is followed. --realtime waits for each event's time,
    and says how late estimates were.

    \b
    Examples:
      tinytracker track-events recording.aedat4 --csv pupil.csv
      tinytracker track-events eyes/00000-00002 --save pupil.mp4 --slow 10
      tinytracker track-events recording.raw --every-events 500 --parquet pupil.parquet
      tinytracker track-events recording.aedat4 --calibration me.json --realtime
    """
    from tinytracker.pupils.follow import RealTime, Rhythm, follow
    from tinytracker.pupils.opening import open_events
    from tinytracker.pupils.polynomial import GazePolynomial
    from tinytracker.pupils.rows import row_file, row_of
    from tinytracker.pupils.summary import PupilSummary
    from tinytracker.pupils.video import refuse_slowness
    from tinytracker.retina.model import PupilModel

    if every_events:
        refuse_idle("beside --every-events", hz=hz)
    if save is None:
        refuse_idle("without --save", slow=slow)
    slow = 1.0 if slow is None else slow
    refuse_slowness(slow)
    rhythm = Rhythm(events=every_events) if hz is None else Rhythm(hz, every_events)
    outputs = Outputs(video=save, csv=csv, jsonl=jsonl, parquet=parquet)
    _refuse_unfit(outputs, picture, source)
    network = PupilModel.load(model)
    size = network.window.width_px
    gaze_map = None if calibration is None else GazePolynomial.load(calibration)
    opened = open_events(source, size, None if crop is None else parse_crop(crop, size))
    for note in opened.notes:
        typer.echo(f"{source}: {note}", err=True)
    opened = opened.part(start, seconds)
    if gaze_map is not None:
        _refuse_other_sensor(gaze_map, opened)
    unit = "" if gaze_map is None else gaze_map.unit
    moments, _ = rhythm.moments(opened.events)
    pace = RealTime() if realtime else None
    samples: list[PupilSample] = []
    to_terminal = not (outputs.paths or picture)
    failure: OutputError | None = None
    with stop_on_signal() as stop, ExitStack() as stack:
        kinds = ((csv, ".csv"), (jsonl, ".jsonl"), (parquet, ".parquet"))
        files = [stack.enter_context(row_file(path, kind)) for path, kind in kinds if path is not None]
        followed = follow(opened.events, network, opened.crop, rhythm, gaze_map, pace)
        try:
            for sample in _shown(takewhile(lambda _: not stop(), followed), len(moments)):
                samples.append(sample)
                for file in files:
                    file.write_row(row_of(sample, unit))
                if to_terminal:
                    typer.echo(line_of(sample, unit))
        except OutputError as error:  # the rows that the disk took are kept
            failure = error
        stopped = stop()
    if save is not None and samples and failure is None:
        write_video_of(save, opened, samples, slow, unit)
    if picture is not None and failure is None:
        _write_picture(picture, opened, samples, unit)
    for line in told(PupilSummary.of(samples, opened.crop, opened.labels), opened.crop):
        typer.echo(line, err=to_terminal)
    if failure is not None:
        raise failure
    return INTERRUPTED if stopped else 0


def parse_crop(text: str, size: int) -> SensorCrop:
    """LEFT,TOP,SCALE as a crop of `size` cells; raises UsageError for something else."""
    from tinytracker.events.crops import SensorCrop

    try:
        left_px, top_px, scale = (int(word) for word in text.split(","))
    except ValueError:
        raise UsageError(f"--crop {text}: expected three whole numbers, as 96,-16,8") from None
    return SensorCrop(left_px, top_px, scale, size)


def line_of(sample: PupilSample, unit: str) -> str:
    """A sample as a line for the terminal."""
    if sample.x_px is None or sample.y_px is None:
        return f"{sample.t_us} us  -  {sample.reason}"
    line = f"{sample.t_us} us  pupil {sample.x_px:.2f}, {sample.y_px:.2f} px"
    if sample.gaze is not None:
        return f"{line}  gaze {sample.gaze[0]:.2f}, {sample.gaze[1]:.2f} {unit}"
    return f"{line}  {sample.gaze_reason}".rstrip()


def write_video_of(
    path: Path, opened: EventSource, samples: Sequence[PupilSample], slow: float, unit: str
) -> None:
    """A video of what was followed, with its own progress bar."""
    from tinytracker.pupils.video import write_video

    with progress_bar("Drawing") as update:
        write_video(path, opened.events, samples, opened.crop, opened.labels, slow, unit, update)


def told(summary: PupilSummary, crop: SensorCrop) -> Iterator[str]:
    """What came of it, in lines."""
    yield (
        f"{summary.estimates} estimates, {summary.valid} with a pupil"
        + (f"; the newest event was {summary.age_ms:.2f} ms old" if summary.valid else "")
    )
    for reason, count in summary.reasons.most_common():
        yield f"  {count}: {reason}"
    errors = summary.errors_cells[np.isfinite(summary.errors_cells)]
    if len(errors):
        yield (
            f"  off by {errors.mean():.2f} px of {crop.size} (median {np.median(errors):.2f}), "
            f"{errors.mean() * crop.scale:.1f} px of the sensor, by {len(errors)} labels"
        )
    if summary.late_ms is not None:
        yield f"  at real speed; the latest estimate was ready {summary.late_ms:.1f} ms after its time"


def _refuse_unfit(outputs: Outputs, picture: Path | None, source: Path) -> None:
    """Before any work: raises UsageError or OutputError for an output that cannot be."""
    refuse_overlap([*outputs.paths, picture], [source])
    outputs.refuse_unfit(str(source))
    for path, suffix in ((outputs.video, ".mp4"), (picture, ".png")):
        if path is not None and path.suffix.lower() != suffix:
            raise UsageError(f"{path}: expected a name that ends in {suffix}")
    if picture is not None:
        refuse_unwritable(picture)


def _shown(samples: Iterator[PupilSample], total: int) -> Iterator[PupilSample]:
    with progress_bar("Following") as update:
        for sample in samples:
            yield sample
            update(sample.index + 1, total)


def _refuse_other_sensor(gaze_map: GazePolynomial, opened: EventSource) -> None:
    size = (opened.events.width_px, opened.events.height_px)
    if size != (gaze_map.width_px, gaze_map.height_px):
        raise UsageError(
            f"the calibration is of a sensor of {gaze_map.width_px} x {gaze_map.height_px} pixels, the "
            f"events are of {size[0]} x {size[1]}"
        )


def _write_picture(path: Path, opened: EventSource, samples: Sequence[PupilSample], unit: str) -> None:
    """The last estimate that has a pupil, and the events of the thirtieth of a second before it."""
    from tinytracker.events.labels import at_times
    from tinytracker.images import write_image
    from tinytracker.pupils.drawing import caption_of, picture_of
    from tinytracker.retina.sequences import LONGEST_GAP_US

    chosen = next((sample for sample in reversed(samples) if sample.is_valid), None)
    end_us = int(opened.events.t_us[-1]) + 1 if chosen is None else chosen.t_us + 1
    shown = opened.events.between(end_us - 33_333, end_us)
    truth = None
    if opened.labels is not None:
        truth = at_times(opened.labels, np.array([end_us - 1], np.int64), LONGEST_GAP_US)[0]
    caption = caption_of(chosen, int(opened.events.t_us[0]), unit)
    write_image(path, picture_of(shown, chosen, truth, opened.crop, caption))
