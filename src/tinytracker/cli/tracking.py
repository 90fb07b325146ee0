"""What the commands `track` and `demo` share: building the pipeline, and printing what it did."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import typer
from rich.console import Console
from rich.table import Table

from tinytracker.cli.progress import progress_bar
from tinytracker.devices import read_screen
from tinytracker.domain import Frame, GazeSample
from tinytracker.engines.model import GazeModel
from tinytracker.errors import DeviceError
from tinytracker.faces.eyes import open_locator
from tinytracker.faces.finder import open_finder
from tinytracker.faces.tracker import FaceTracker
from tinytracker.tracking.drawing import caption
from tinytracker.tracking.filters import NoFilter, OneEuroFilter
from tinytracker.tracking.interrupt import stop_on_signal
from tinytracker.tracking.pipeline import GazePipeline, RunSummary, run
from tinytracker.tracking.timing import Stopwatch

logger = logging.getLogger(__name__)


def build_pipeline(
    model: str | GazeModel,
    *,
    output_scale_cm: float | None = None,
    face_model: Path | None = None,
    eye_locator: bool = True,
    use_filter: bool = True,
    screen: Path | None = None,
    fov_deg: float,
) -> GazePipeline:
    """The pipeline that the options describe; raises ModelError, InputError or UsageError."""
    network = GazeModel.load(model, output_scale_cm=output_scale_cm) if isinstance(model, str) else model
    network.refuse_unless_gaze()
    return GazePipeline(
        network,
        FaceTracker(open_finder(face_model), open_locator() if eye_locator else None),
        OneEuroFilter() if use_filter else NoFilter(),
        screen=None if screen is None else read_screen(screen),
        fov_deg=fov_deg,
    )


class EchoSink:
    """Prints a line per frame, for want of another output."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        pass

    def write(self, frame: Frame, sample: GazeSample) -> None:
        typer.echo(caption(sample))


def follow(pipeline: Any, frames: Any, files: tuple[Path | None, ...], window: bool, max_frames: int | None) -> tuple[Any, bool]:
    """Tracks a source into the files asked for; gives the run's summary, and whether Ctrl-C ended it."""
    failure: DeviceError | None = None
    with stop_on_signal() as stop, ExitStack() as stack:
        stack.enter_context(frames)
        sinks, shown = _open_sinks(stack, files, window)
        total = frames.frame_count if max_frames is None else min(max_frames, frames.frame_count or max_frames)
        if not sinks:
            sinks.append(EchoSink())
            announced = ""
        else:
            announced = f"tracking {frames.name}; Ctrl-C ends it" if frames.is_live else ""
        bar = nullcontext(lambda done, all_: None) if total is None else progress_bar("Tracking")
        update: Any = stack.enter_context(bar)

        def report(done: int, _: int) -> None:
            if done == 1 and announced:  # not before: the camera may not open
                typer.echo(announced, err=True)
            update(done, max(done, total or 0))

        try:
            summary = run(
                pipeline,
                frames,
                sinks,
                max_frames=max_frames,
                stop=lambda: stop() or (shown is not None and shown.closed),
                progress=report,
            )
        except DeviceError as error:
            if pipeline.watch.frames == 0:
                raise
            failure = error  # what a camera or a board gave before it fell silent is kept
        stopped = stop()
    if failure is not None:
        raise failure
    return summary, stopped


def _open_sinks(stack: ExitStack, files: tuple[Path | None, ...], window: bool) -> tuple[list[Any], Any]:
    """Enters the sinks that were asked for; the second is the window, or None."""
    from tinytracker.tracking.sinks import CsvSink, JsonlSink, ParquetSink
    from tinytracker.tracking.video import VideoSink
    from tinytracker.tracking.window import WindowSink

    kinds: tuple[Any, ...] = (VideoSink, CsvSink, JsonlSink, ParquetSink)
    sinks = [stack.enter_context(kind(path)) for kind, path in zip(kinds, files, strict=True) if path is not None]
    shown = stack.enter_context(WindowSink()) if window else None
    return sinks + ([shown] if shown is not None else []), shown


def print_summary(pipeline: GazePipeline, summary: RunSummary, written: Sequence[Path]) -> None:
    """Frames, valid ones, why not the others, faces, frames per second, the time of each stage, and the files written."""
    console = Console()
    share = f"{100 * summary.valid / summary.frames:.0f} %" if summary.frames else "none"
    reasons = "".join(f", {count} {reason}" for reason, count in summary.reasons.most_common())
    console.print(f"{summary.frames} frames, {summary.valid} with a gaze ({share}){reasons}", highlight=False)
    if summary.most_faces > 1:
        many = f"up to {summary.most_faces} faces at once: the largest was chosen and then followed"
        console.print(many, highlight=False)
    if pipeline.watch.frames:
        console.print(stage_table(pipeline.watch))
        speed, bare = pipeline.watch.frames_per_second(), pipeline.watch.frames_per_second(without="write")
        console.print(f"{speed:.0f} frames/s; {bare:.0f} without writing files", highlight=False)
    for path in written:
        console.print(f"written: {path}", highlight=False, soft_wrap=True)


def stage_table(watch: Stopwatch) -> Table:
    """Median and 95th percentile of each stage."""
    table = Table("stage", title="Time per frame", title_justify="left")
    for column in ("frames", "median ms", "p95 ms", "mean ms over all frames"):
        table.add_column(column, justify="right")
    for row in watch.stages():
        figures = (f"{value:.2f}" for value in (row.median_ms, row.p95_ms, row.per_frame_ms))
        table.add_row(row.stage, str(row.runs), *figures, end_section=False)
    return table
