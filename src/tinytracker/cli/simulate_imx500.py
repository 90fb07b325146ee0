"""What `tinytracker simulate imx500` does: a video through the simulated sensor, and error against lag on a rendered person."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from tinytracker.cli.progress import progress_bar
from tinytracker.cli.tracking import print_summary
from tinytracker.domain import Frame, GazeSample
from tinytracker.faces.eyes import open_locator
from tinytracker.faces.finder import open_finder
from tinytracker.faces.tracker import FaceTracker
from tinytracker.targets.imx500.camera import CameraSettings
from tinytracker.targets.imx500.live import ChipModel, ChipPipeline
from tinytracker.targets.imx500.network import ExportedNetwork
from tinytracker.targets.imx500.sensor import SensorMode
from tinytracker.targets.imx500.simulate import SimulatedSensor, SimulatedSource, Timing, timing_of
from tinytracker.targets.imx500.steering import SteeringSettings
from tinytracker.tracking.filters import NoFilter, OneEuroFilter
from tinytracker.tracking.interrupt import stop_on_signal
from tinytracker.tracking.pipeline import DEFAULT_FOV_DEG, run
from tinytracker.tracking.sinks import CsvSink, Sink
from tinytracker.tracking.sources import DEFAULT_FRAMES_PER_SECOND, open_source

INTERRUPTED = 130
CLIP_FRAMES_PER_SECOND = 30.0
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Scene:
    """A rendered clip: its frames, per frame the dot (n, 2) in cm and the eyes' distance (n,), the camera's field of view."""

    frames: list[Frame]
    dots_cm: np.ndarray
    distances_cm: np.ndarray
    fov_deg: float

    @property
    def frame_ms(self) -> float:
        return 1e3 / CLIP_FRAMES_PER_SECOND


@dataclass(frozen=True, slots=True)
class LagOutcome:
    """What one lag made of the clip.

    lag: frames from commanding a region to the first frame cut by it. arrival: frames from that to its result. seen_cm,
    shown_cm: mean error against the dot of the frame that the network saw, and of the frame that the result came with, over
    `valid` rows. off_centre: median distance of the region's middle from the face's, as a share of the region's width.
    """

    lag: int
    arrival: int
    seen_cm: float
    shown_cm: float
    off_centre: float
    rows: int
    valid: int


def simulate_video(
    network: ExportedNetwork, mode: SensorMode, video: str, *, full_speed: bool, lag: int, predict: bool, csv: Path | None
) -> int:
    """Tracks a video's pictures as the sensor would; prints the summary and, if asked, writes the rows."""
    with stop_on_signal() as stop, open_source(video) as pictures:
        frame_ms = 1e3 / (pictures.frames_per_second or DEFAULT_FRAMES_PER_SECOND)
        timing = _timing(network, mode, frame_ms, lag, full_speed)
        first = next(iter_ := iter(pictures), None)
        source, pipeline = _open(
            network, mode, _again(first, iter_), timing, _size(first), predict, DEFAULT_FOV_DEG, filtered=True
        )
        source.frame_count = pictures.frame_count
        with source, progress_bar("Simulating") as update:
            if csv is None:
                summary = run(pipeline, source, [], stop=stop, progress=update)
            else:
                with CsvSink(csv) as sink:
                    summary = run(pipeline, source, [sink], stop=stop, progress=update)
    print_summary(pipeline, summary, [csv] if csv is not None else [])
    _print_timing(timing, mode)
    return INTERRUPTED if summary.stopped else 0


def render(seconds: float, motion: float, progress: Progress, stop: Callable[[], bool] = lambda: False) -> Scene:
    """Renders a person whom no network has seen, moving the head `motion` times as much as one who sits at ease."""
    from tinytracker.synthetic.clip import Clip

    clip = Clip(seconds=seconds, frames_per_second=CLIP_FRAMES_PER_SECOND, head_motion=motion)
    frames, dots, distances = [], [], []
    for moment in clip:
        if stop():
            raise KeyboardInterrupt
        frames.append(moment.frame)
        dots.append((moment.dot.x_cm, moment.dot.y_cm))
        distances.append(moment.distance_cm)
        progress(len(frames), len(clip))
    return Scene(frames, np.array(dots), np.array(distances), clip.fov_deg)


def study_lag(
    network: ExportedNetwork,
    mode: SensorMode,
    scene: Scene,
    lag: int,
    predict: bool,
    full_speed: bool,
    sinks: Sequence[Sink] = (),
    progress: Progress = lambda done, total: None,
) -> LagOutcome:
    """Tracks a scene through the simulated sensor with one lag, unfiltered, and compares with the truth."""
    from tinytracker.tracking.comparison import Collector

    timing = _timing(network, mode, scene.frame_ms, lag, full_speed)
    size = (scene.frames[0].width_px, scene.frames[0].height_px)
    source, pipeline = _open(network, mode, iter(scene.frames), timing, size, predict, scene.fov_deg, filtered=False)
    source.frame_count = len(scene.frames)
    collector = Collector()
    with source:
        run(pipeline, source, [*sinks, collector], progress=progress)
    return _outcome(collector.samples, source, scene, pipeline, timing)


def _outcome(
    samples: list[GazeSample], source: SimulatedSource, scene: Scene, pipeline: ChipPipeline, timing: Timing
) -> LagOutcome:
    shown, seen = [], []
    for index, sample in enumerate(samples):
        if sample.gaze is None or sample.lag_ms is None:
            continue
        gaze = np.array([sample.gaze.x_cm, sample.gaze.y_cm])
        shown.append(np.linalg.norm(gaze - scene.dots_cm[index]))
        seen.append(np.linalg.norm(gaze - scene.dots_cm[index - round(sample.lag_ms / scene.frame_ms)]))
    off = []
    settled = timing.loop_frames + 1
    for frame, roi in source.sensor.seen[settled:]:
        face = samples[frame].face
        if face is not None and source.news is not None:
            wanted = source.news.view.to_sensor(pipeline.chip_model.target(face)).centre_px
            off.append(np.hypot(*np.subtract(roi.box.centre_px, wanted)) / roi.width_px)

    def mean(values: list[Any]) -> float:
        return float(np.mean(values)) if values else float("nan")

    return LagOutcome(
        timing.roi_frames,
        timing.result_frames,
        mean(seen),
        mean(shown),
        float(np.median(off)) if off else float("nan"),
        len(samples),
        len(shown),
    )


def print_study(outcomes: Sequence[LagOutcome], scene: Scene, mode: SensorMode) -> None:
    table = Table("region's lag", title=f"Error against lag, emulated: {mode.name}, rendered person", title_justify="left")
    for column in ("result's lag", "region off the face", "error when seen, cm", "error when shown, cm", "rows with a gaze"):
        table.add_column(column, justify="right")
    for one in outcomes:
        table.add_row(
            f"{one.lag} ({one.lag * scene.frame_ms:.0f} ms)",
            f"{one.arrival} ({one.arrival * scene.frame_ms:.0f} ms)",
            f"{100 * one.off_centre:.1f} %",
            f"{one.seen_cm:.2f}",
            f"{one.shown_cm:.2f}",
            f"{one.valid} of {one.rows}",
        )
    console = Console()
    console.print(table)
    middle = np.linalg.norm(scene.dots_cm - scene.dots_cm.mean(axis=0), axis=1).mean()
    console.print(f"always the dot's mean place: {middle:.2f} cm", highlight=False)


def draw(outcomes: Sequence[LagOutcome], scene: Scene, path: Path) -> None:
    """Error and the region's misplacement against the region's lag."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from tinytracker.files import written_aside

    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    lags_ms = [one.lag * scene.frame_ms for one in outcomes]
    axes.plot(lags_ms, [one.seen_cm for one in outcomes], "o-", label="error when seen, cm")
    axes.plot(lags_ms, [one.shown_cm for one in outcomes], "s-", label="error when shown, cm")
    axes.set_xlabel("from commanding a region to the first frame cut by it, ms")
    axes.set_ylabel("mean error, cm")
    axes.set_ylim(bottom=0)
    share = axes.twinx()
    share.plot(lags_ms, [100 * one.off_centre for one in outcomes], "^:", color="grey", label="region off the face, %")
    share.set_ylabel("region's middle off the face's, % of its width")
    share.set_ylim(bottom=0)
    handles = [*axes.get_legend_handles_labels()[0], *share.get_legend_handles_labels()[0]]
    axes.legend(handles, [str(handle.get_label()) for handle in handles], loc="upper left")
    axes.set_title("IMX500, emulated: a rendered person who moves the head")
    with written_aside(path) as aside:
        figure.savefig(aside, dpi=130)


def _timing(network: ExportedNetwork, mode: SensorMode, frame_ms: float, lag: int, full_speed: bool) -> Timing:
    macs = int(network.card.counts.get("macs", 0))
    return timing_of(mode, frame_ms, macs, at_full_speed=full_speed, roi_frames=lag, extra_frames=0)


def _open(
    network: ExportedNetwork,
    mode: SensorMode,
    pictures: Iterator[Frame],
    timing: Timing,
    size: tuple[int, int],
    predict: bool,
    fov_deg: float,
    filtered: bool,
) -> tuple[SimulatedSource, ChipPipeline]:
    sensor = SimulatedSensor(pictures, network.run, network.registers, network.tensor_size, timing)
    source = SimulatedSource(network.place, CameraSettings(mode, size, 1e3 / timing.frame_ms), sensor)
    pipeline = ChipPipeline(
        ChipModel(network.card),
        source,
        mode,
        FaceTracker(open_finder(), open_locator()),
        OneEuroFilter() if filtered else NoFilter(),
        fov_deg=fov_deg,
        loop_lag_frames=timing.loop_frames,
        steering=SteeringSettings(predict=predict),
    )
    return source, pipeline


def _print_timing(timing: Timing, mode: SensorMode) -> None:
    typer.echo(
        f"simulated: {mode.name}, read-out {timing.readout_ms:.1f} ms, transfer {timing.transfer_ms:.1f} ms, inference "
        f"{timing.inference_ms:.2f} ms (estimated); a region holds {timing.roi_frames} frames after its command, a result comes "
        f"{timing.result_frames} after its own"
    )


def _size(first: Frame | None) -> tuple[int, int]:
    return (640, 480) if first is None else (first.width_px, first.height_px)


def _again(first: Frame | None, rest: Iterator[Frame]) -> Iterator[Frame]:
    """The pictures with the first one put back."""
    if first is not None:
        yield first
        yield from rest
