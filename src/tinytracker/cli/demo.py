"""`tinytracker demo`: gaze tracking from end to end, on a person who does not exist, a video or a camera."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinytracker.cli.idle import refuse_idle
from tinytracker.cli.progress import progress_bar
from tinytracker.errors import INTERRUPTED, MissingExtraError, UsageError
from tinytracker.files import refuse_no_folder, write_text
from tinytracker.synthetic.unseen import CLIP_PERSON

if TYPE_CHECKING:
    import numpy as np

    from tinytracker.domain import GazePoint
    from tinytracker.evaluation.clips import Collector
    from tinytracker.synthetic.clip import Rest
    from tinytracker.tracking.sources import Source

FRAMES_PER_SECOND = 15.0  # of the rendered clip: rendering takes longer than tracking
LEAST_DOTS = 4  # from which a calibration is worth trying, one of them held out
OFFSET_S = 5.0  # a constant offset is measured in the clip's first seconds and judged on the rest


@dataclass(frozen=True)
class Truth:
    """What is known of a rendered clip: per frame the dot and the eyes' distance; the camera and the
    screen. written: where and when the dot rested, and the screen, as `calibrate` wants them."""

    dots: list[GazePoint]
    distances_cm: list[float]
    fov_deg: float
    screen_cm: tuple[float, float, float, float]
    written: list[Path]


def demo(
    source: Annotated[
        str | None, typer.Argument(help="A video to track instead of a rendered person.")
    ] = None,
    camera: Annotated[
        int | None, typer.Option(min=0, help="Track before this camera instead (0 is the first one).")
    ] = None,
    seconds: Annotated[float, typer.Option(min=1.0, max=600.0, help="How long.")] = 15.0,
    out: Annotated[Path, typer.Option(help="Folder for the results.", metavar="FOLDER")] = Path("out/demo"),
    model: Annotated[
        str, typer.Option(help="A released network or a file of one.", metavar="NAME|FILE")
    ] = "tinytracker-eyes",
    person: Annotated[
        int | None,
        typer.Option(min=0, help="Another number is another rendered person.", show_default=str(CLIP_PERSON)),
    ] = None,
) -> int:
    """Show tinytracker at work, with nobody in front of a camera.

    Renders a clip (15 frames/s) of a person whom the networks have never seen, who follows a dot on a
    laptop's screen; encodes it as an ordinary video; tracks the gaze in that file as in any other, finding
    the face included; and compares with where the dot was. The person is synthetic: with real people expect
    larger errors, and calibrate.

    It leaves in the folder: clip.mp4 (what was rendered), annotated.mp4 (in its corner map the ring is the
    dot, the disc the tracked gaze), gaze.csv, gaze.png (gaze against truth) and heatmap.png; dots.csv and
    screen.json, to try `tinytracker calibrate` on the clip. With a video or a camera there is no truth: then
    it leaves annotated.mp4, gaze.csv and heatmap.png.

    \b
    Examples:
      tinytracker demo
      tinytracker demo --camera 0
      tinytracker demo me.mp4 --out out/me
    """
    from tinytracker.cli.interrupt import stop_on_signal
    from tinytracker.cli.tracking import print_summary
    from tinytracker.engines.model import GazeModel
    from tinytracker.evaluation.clips import Collector
    from tinytracker.tracking.assemble import build_pipeline
    from tinytracker.tracking.filters import OneEuroFilter
    from tinytracker.tracking.pipeline import run
    from tinytracker.tracking.sinks import CsvSink, Sink
    from tinytracker.tracking.video import VideoSink

    is_rendered = source is None and camera is None
    if source is not None and camera is not None:
        raise UsageError("give a video or --camera, not both")
    if not is_rendered:
        refuse_idle("without a rendered person", person=person)
    refuse_no_folder(out)
    _need("matplotlib", *(["numba"] if is_rendered else []))

    clip, annotated, rows = out / "clip.mp4", out / "annotated.mp4", out / "gaze.csv"
    collector = Collector()
    with stop_on_signal() as stop:
        pipeline = build_pipeline(GazeModel.load(model), stages=[OneEuroFilter()])
        truth = (
            _render(clip, seconds, CLIP_PERSON if person is None else person, stop) if is_rendered else None
        )
        if truth is not None:
            pipeline.fov_deg = truth.fov_deg
        if stop():
            return INTERRUPTED
        with ExitStack() as stack:
            frames = stack.enter_context(_open(source, camera, clip))
            sinks: list[Sink] = [
                stack.enter_context(CsvSink(rows)),
                stack.enter_context(VideoSink(annotated, truth.dots if truth is not None else ())),
                collector,
            ]
            update = stack.enter_context(progress_bar("Tracking"))
            summary = run(pipeline, frames, sinks, stop=_until(stop, seconds, collector), progress=update)
    pictures = _draw(out, collector, truth)
    of_clip = [] if truth is None else [clip, *truth.written]
    print_summary(pipeline, summary, [*of_clip, annotated, rows, *pictures])
    if truth is not None:
        _print_errors(collector, truth)
        if not stop():
            _print_next(clip, truth)
    return INTERRUPTED if stop() else 0


def _need(*packages: str) -> None:
    """Says what is missing before minutes are spent."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(package, "demo")


def _render(path: Path, seconds: float, person: int, stop: Callable[[], bool]) -> Truth:
    """Renders the clip and encodes it as a video; returns what is known of it."""
    from tinytracker.devices import screen_json
    from tinytracker.synthetic.clip import Clip
    from tinytracker.tracking.video import VideoWriter

    clip = Clip(seconds=seconds, frames_per_second=FRAMES_PER_SECOND, person=person)
    dots, distances_cm = [], []
    with VideoWriter(path, crf=18) as video, progress_bar("Rendering") as update:
        for moment in clip:
            video.write_picture(moment.frame.image, moment.frame.t_ns)
            dots.append(moment.dot)
            distances_cm.append(moment.distance_cm)
            update(len(dots), len(clip))
            if stop():
                break
    written = [_write_dots(path.with_name("dots.csv"), clip.rests), path.with_name("screen.json")]
    write_text(written[1], screen_json(clip.device))
    return Truth(dots, distances_cm, clip.fov_deg, clip.screen_cm, written)


def _write_dots(path: Path, rests: list[Rest]) -> Path:
    """Every third dot is held out, to check a calibration by."""
    lines = ["start_s,end_s,x_px,y_px,use"]
    for number, rest in enumerate(rests, start=1):
        use = "fit" if number % 3 else "check"
        lines.append(f"{rest.start_s:.3f},{rest.end_s:.3f},{rest.x_px:.0f},{rest.y_px:.0f},{use}")
    write_text(path, "\n".join(lines) + "\n")
    return path


def _open(source: str | None, camera: int | None, clip: Path) -> Source:
    from tinytracker.tracking.sources import open_source

    return open_source(
        str(clip) if source is None and camera is None else source if source is not None else str(camera)
    )


def _until(stop: Callable[[], bool], seconds: float, collector: Collector) -> Callable[[], bool]:
    """Says when to stop: at Ctrl-C, or when the samples cover the time asked for."""

    def is_over() -> bool:
        samples = collector.samples
        return stop() or (len(samples) > 1 and samples[-1].t_ns - samples[0].t_ns >= seconds * 1e9)

    return is_over


def _draw(out: Path, collector: Collector, truth: Truth | None) -> list[Path]:
    """Writes the pictures that there is something for."""
    import numpy as np

    from tinytracker.tracking.plots import plot_gaze_against_truth, plot_heatmap

    if not np.isfinite(collector.gaze_cm).any():
        return []
    written = [out / "heatmap.png"]
    plot_heatmap(
        written[0], collector.gaze_cm, None if truth is None else truth.screen_cm, "Where the gaze went"
    )
    if truth is not None:
        written.append(out / "gaze.png")
        title = "A rendered person follows a dot"
        plot_gaze_against_truth(
            written[1], collector.times_s, collector.gaze_cm, _dots_cm(truth, len(collector.samples)), title
        )
    return written


def _dots_cm(truth: Truth, frames: int) -> np.ndarray:
    import numpy as np

    return np.array([(dot.x_cm, dot.y_cm) for dot in truth.dots[:frames]])


def _print_errors(collector: Collector, truth: Truth) -> None:
    """The errors, before and after subtracting a constant offset."""
    import numpy as np
    from rich.table import Table

    from tinytracker.cli.console import plain_console
    from tinytracker.evaluation.clips import clip_errors

    frames, times_s, console = len(collector.samples), collector.times_s, plain_console()
    offset_s = min(OFFSET_S, float(times_s[-1]) / 3)
    distances_cm = np.array(truth.distances_cm[:frames])
    errors = clip_errors(collector.gaze_cm, _dots_cm(truth, frames), distances_cm, times_s, offset_s)
    if errors is None:
        console.print("too few frames with a gaze to say how good it is")
        return
    table = Table(
        "gaze on the rendered person",
        title=f"Mean error after the first {offset_s:.0f} s",
        title_justify="left",
    )
    for column in ("cm", "degrees"):
        table.add_column(column, justify="right")
    x_cm, y_cm = errors.offset_cm
    rows = (
        ("tracked, no calibration", errors.tracked),
        (
            f"less a constant offset ({x_cm:+.1f}, {y_cm:+.1f} cm, from the first {offset_s:.0f} s)",
            errors.corrected,
        ),
        ("always the dot's mean place", errors.middle),
    )
    for name, error in rows:
        table.add_row(name, f"{error.cm:.2f}", f"{error.deg:.2f}")
    console.print(table)


def _print_next(clip: Path, truth: Truth) -> None:
    """How the same person is calibrated, which is what a real one would do next."""
    dots, screen = truth.written
    if len(dots.read_text().splitlines()) <= LEAST_DOTS:  # a clip of a few seconds
        return
    command = f"tinytracker calibrate {clip} --dots {dots} --screen {screen} --fov-deg {truth.fov_deg:.1f}"
    typer.echo(f"next, this person's calibration: {command} --out {clip.with_name('person.json')}")
