"""What the commands `track` and `demo` share: tracking a source into files, and printing what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Self

import typer

from tinytracker.cli.caller import say
from tinytracker.cli.interrupt import stop_on_signal
from tinytracker.cli.progress import progress_bar
from tinytracker.domain import Frame, GazeSample
from tinytracker.engines.model import GazeModel
from tinytracker.engines.serial_board import SerialBoardEngine
from tinytracker.errors import DeviceError, InputError, OutputError, TinytrackerError
from tinytracker.progress import no_progress
from tinytracker.tracking.drawing import caption
from tinytracker.tracking.options import Outputs, TrackOptions
from tinytracker.tracking.pipeline import GazePipeline, RunSummary, run
from tinytracker.tracking.sinks import Sink
from tinytracker.tracking.sources import Source
from tinytracker.tracking.summary import summary_of

if TYPE_CHECKING:
    from tinytracker.tracking.window import WindowSink


class EchoSink:
    """Prints a line per frame, for want of another output."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def write(self, frame: Frame, sample: GazeSample) -> None:
        typer.echo(caption(sample))


def follow(
    pipeline: GazePipeline, frames: Source, outputs: Outputs, options: TrackOptions
) -> tuple[RunSummary, bool]:
    """Tracks a source into the files asked for; gives the run's summary, and whether Ctrl-C ended it.

    What a source or a board gave before it failed is kept, and the rows that a disk still took: the error is
    raised after the files are closed and the summary of what there is was printed.
    """
    failure: TinytrackerError | None = None
    summary = RunSummary()
    with stop_on_signal() as stop, ExitStack() as stack:
        stack.enter_context(frames)
        sinks: list[Sink] = [stack.enter_context(sink) for sink in outputs.sinks()]
        window = _open_window(stack) if options.window else None
        if window is not None:
            sinks.append(window)
        announced = f"tracking {frames.name}; Ctrl-C ends it" if sinks and frames.is_live else ""
        total = frames.frame_count
        if options.max_frames is not None:
            total = min(options.max_frames, total or options.max_frames)
        update = stack.enter_context(nullcontext(no_progress) if total is None else progress_bar("Tracking"))

        def report(done: int, _: int) -> None:
            if done == 1 and announced:  # not before: the camera may not open
                typer.echo(announced, err=True)
            update(done, max(done, total or 0))

        try:
            run(
                pipeline,
                frames,
                sinks or [EchoSink()],
                max_frames=options.max_frames,
                stop=lambda: stop() or (window is not None and window.closed),
                progress=report,
                summary=summary,
            )
        except (DeviceError, InputError, OutputError) as error:
            if summary.frames == 0:
                raise
            failure = error
        stopped = stop()
    if failure is not None:
        print_summary(pipeline, summary, [path for path in outputs.paths if path.exists()])
        raise failure
    return summary, stopped


def _open_window(stack: ExitStack) -> WindowSink:
    from tinytracker.tracking.window import WindowSink

    return stack.enter_context(WindowSink())


def print_summary(pipeline: GazePipeline, summary: RunSummary, written: Sequence[Path]) -> None:
    """Says what `tracking.summary` says of a run."""
    for told in summary_of(pipeline.watch, summary, written):
        say(told)


def print_board_summary(model: GazeModel, dropped: int | None) -> None:
    """What the link and the board went through. dropped: camera frames that came faster than the board; None:
    no camera."""
    engine = model.engine
    assert isinstance(engine, SerialBoardEngine)
    stats, hello = engine.link.stats, engine.link.hello
    text = f"{hello.board}: {stats.frames} frames"
    if engine.counts and engine.count_unit:
        text += f", median {median(engine.counts):,.0f} {engine.count_unit} each, as the board counts"
    if dropped is not None:
        text += f"; {dropped} camera frames came faster and were dropped"
    if engine.points_cm:
        text += "; it gave calibrated points of its own, at the distance of the calibration"
    typer.echo(text)
    trouble = {
        "asked again": stats.repeats,
        "late answers dropped": stats.stale,
        "damaged answers": stats.damaged,
        "stray bytes": stats.skipped_bytes,
        "restarts of the board": stats.restarts,
    }
    told = ", ".join(f"{count} {what}" for what, count in trouble.items() if count)
    try:
        theirs = engine.link.board_stats()
        told_by_board = {
            "damaged messages": theirs.damaged,
            "stray bytes": theirs.skipped_bytes,
            "frames given up": theirs.dropped,
        }
        heard = ", ".join(f"{count} {what}" for what, count in told_by_board.items() if count)
    except DeviceError:
        heard = "no answer at the end"
    if told or heard:
        typer.echo(f"  link: {told or 'nothing lost here'}; board: {heard or 'nothing lost there'}")
