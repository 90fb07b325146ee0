"""Error against the region's lag on rendered people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinytracker.domain import Frame, GazeSample
from tinytracker.progress import Progress, no_progress, part_of
from tinytracker.results import Table
from tinytracker.targets.imx500.chip.sensor import SensorMode, view_of_whole_picture
from tinytracker.targets.imx500.running.live import ChipModel
from tinytracker.targets.imx500.running.network import ExportedNetwork
from tinytracker.targets.imx500.running.simulate import SimulatedSource, Timing
from tinytracker.targets.imx500.simulated import LagSettings, open_simulated, timing_with
from tinytracker.targets.target import Caller
from tinytracker.tracking.pipeline import run
from tinytracker.tracking.sinks import CsvSink, Sink

CLIP_FRAMES_PER_SECOND = 30.0


@dataclass(frozen=True, slots=True)
class Scene:
    """A rendered clip: its frames, per frame the dot (n, 2) in cm and the eyes' distance (n,), the camera's
    field of view."""

    frames: list[Frame]
    dots_cm: np.ndarray
    distances_cm: np.ndarray
    fov_deg: float

    @property
    def frame_ms(self) -> float:
        return 1e3 / CLIP_FRAMES_PER_SECOND


@dataclass(frozen=True, slots=True)
class LagOutcome:
    """What one lag made of one clip, or of several.

    lag: frames from commanding a region to the first frame cut by it. arrival: frames from that to its
    result. seen_cm, shown_cm: float (n,), errors of the n rows with a gaze against the dot of the frame that
    the network saw, and of the frame that the result came with; steady_cm: as seen_cm, less each person's
    constant offset. off_centre: float (m,), distance of the region's middle from the face's, as a share of
    the region's width. rows: of all.
    """

    lag: int
    arrival: int
    seen_cm: np.ndarray
    shown_cm: np.ndarray
    steady_cm: np.ndarray
    off_centre: np.ndarray
    rows: int


def merged(outcomes: Sequence[LagOutcome]) -> LagOutcome:
    """The same lag on several people's clips, as one."""
    arrays = ("seen_cm", "shown_cm", "steady_cm", "off_centre")
    joined = {name: np.concatenate([getattr(one, name) for one in outcomes]) for name in arrays}
    return LagOutcome(outcomes[0].lag, outcomes[0].arrival, **joined, rows=sum(one.rows for one in outcomes))


@dataclass(frozen=True, slots=True)
class LagStudy:
    """Error against lag: an outcome per lag, over the same scenes."""

    outcomes: Sequence[LagOutcome]
    scenes: Sequence[Scene]
    mode: SensorMode

    @property
    def always_the_middle_cm(self) -> float:
        """Mean error of always saying the middle of each person's dots."""
        middles = [
            np.linalg.norm(scene.dots_cm - scene.dots_cm.mean(axis=0), axis=1) for scene in self.scenes
        ]
        return float(np.concatenate(middles).mean())

    def table(self) -> Table:
        """A line per lag."""
        title = f"Error against lag, emulated: {self.mode.name}, rendered people ({len(self.scenes)}), cm"
        columns = (
            "region's lag",
            "result's lag",
            "region off the face",
            "when seen",
            "less offset",
            "when shown",
            "rows with a gaze",
        )
        frame_ms = self.scenes[0].frame_ms
        rows = [
            (
                f"{one.lag} ({one.lag * frame_ms:.0f} ms)",
                f"{one.arrival} ({one.arrival * frame_ms:.0f} ms)",
                f"{100 * _median(one.off_centre):.1f} %",
                *(f"{_mean(values):.2f}" for values in (one.seen_cm, one.steady_cm, one.shown_cm)),
                f"{len(one.seen_cm)} of {one.rows}",
            )
            for one in self.outcomes
        ]
        return Table(title, columns, rows, numbers=range(1, len(columns)))

    def draw(self, path: Path, title: str) -> None:
        """Error and the region's misplacement against the region's lag, as a picture (.png, .svg, .pdf)."""
        draw(self.outcomes, self.scenes[0].frame_ms, path, title)


def study_people(
    network: ExportedNetwork,
    mode: SensorMode,
    people: Sequence[int],
    lags: Sequence[LagSettings],
    seconds: float,
    motion: float,
    csv: Path | None,
    caller: Caller,
) -> LagStudy:
    """Renders people and tracks each with each lag; csv: also writes the gaze rows, of a single clip and lag.

    Raises KeyboardInterrupt between two frames once `caller.stop()` says so.
    """
    scenes = []
    with caller.bar("Rendering") as update:
        for number, person in enumerate(people):
            scenes.append(render(person, seconds, motion, part_of(update, number, len(people)), caller.stop))
    outcomes = []
    with ExitStack() as stack:
        sinks = [] if csv is None else [stack.enter_context(CsvSink(csv))]
        update = stack.enter_context(caller.bar("Simulating"))
        runs = len(lags) * len(people)
        for number, settings in enumerate(lags):
            parts = [part_of(update, number * len(people) + place, runs) for place in range(len(people))]
            outcomes.append(
                merged(
                    [
                        study_lag(network, mode, scene, settings, sinks, part, caller.stop)
                        for scene, part in zip(scenes, parts, strict=True)
                    ]
                )
            )
    return LagStudy(outcomes, scenes, mode)


def render(
    person: int, seconds: float, motion: float, progress: Progress, stop: Callable[[], bool] = lambda: False
) -> Scene:
    """Renders a person whom no network has seen, moving the head `motion` times as much as one who sits at
    ease."""
    from tinytracker.synthetic.clip import Clip

    clip = Clip(seconds=seconds, frames_per_second=CLIP_FRAMES_PER_SECOND, person=person, head_motion=motion)
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
    settings: LagSettings,
    sinks: Sequence[Sink] = (),
    progress: Progress = no_progress,
    stop: Callable[[], bool] = lambda: False,
) -> LagOutcome:
    """Tracks a scene through the simulated sensor with one lag, unfiltered, and compares with the truth.

    Raises KeyboardInterrupt, between two frames, once `stop()` says so.
    """
    from tinytracker.evaluation.clips import Collector

    timing = timing_with(network, mode, scene.frame_ms, settings)
    size = (scene.frames[0].width_px, scene.frames[0].height_px)
    source, pipeline = open_simulated(
        network, mode, iter(scene.frames), timing, size, settings.predict, scene.fov_deg
    )
    source.frame_count = len(scene.frames)
    collector = Collector()
    with source:
        if run(pipeline, source, [*sinks, collector], stop=stop, progress=progress).stopped:
            raise KeyboardInterrupt
    return _outcome(collector.samples, source, scene, ChipModel(network.card), timing)


def _outcome(
    samples: list[GazeSample], source: SimulatedSource, scene: Scene, model: ChipModel, timing: Timing
) -> LagOutcome:
    valid = [k for k, sample in enumerate(samples) if sample.gaze is not None]
    gaze = np.array(
        [(one.x_cm, one.y_cm) for one in (samples[k].gaze for k in valid) if one is not None]
    ).reshape(-1, 2)
    ages = [round((samples[k].lag_ms or 0.0) / scene.frame_ms) for k in valid]
    off_seen = gaze - scene.dots_cm[np.subtract(valid, ages).astype(int)]
    view, off = view_of_whole_picture(scene.frames[0].width_px, scene.frames[0].height_px), []
    for frame, roi in source.sensor.seen[timing.loop_frames + 1 :]:
        face = samples[frame].face
        if face is not None:
            wanted = view.to_sensor(model.target(face)).centre_px
            off.append(np.hypot(*np.subtract(roi.box.centre_px, wanted)) / roi.width_px)
    return LagOutcome(
        lag=timing.roi_frames,
        arrival=timing.result_frames,
        seen_cm=np.linalg.norm(off_seen, axis=1),
        shown_cm=np.linalg.norm(gaze - scene.dots_cm[np.array(valid, int)], axis=1),
        steady_cm=np.linalg.norm(off_seen - off_seen.mean(axis=0), axis=1) if len(off_seen) else np.zeros(0),
        off_centre=np.array(off),
        rows=len(samples),
    )


def draw(outcomes: Sequence[LagOutcome], frame_ms: float, path: Path, title: str) -> None:
    """Error and the region's misplacement against the region's lag."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from tinytracker.files import written_aside

    figure = Figure(figsize=(7, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    lags_ms = [one.lag * frame_ms for one in outcomes]
    axes.plot(lags_ms, [_mean(one.seen_cm) for one in outcomes], "o-", label="error when seen")
    axes.plot(lags_ms, [_mean(one.steady_cm) for one in outcomes], "s-", label="... less a constant offset")
    axes.plot(lags_ms, [_mean(one.shown_cm) for one in outcomes], "v-", label="error when shown")
    axes.set_xlabel("from commanding a region to the first frame cut by it, ms")
    axes.set_ylabel("mean error, cm")
    axes.set_ylim(bottom=0)
    share = axes.twinx()
    share.plot(
        lags_ms,
        [100 * _median(one.off_centre) for one in outcomes],
        "^:",
        color="grey",
        label="region off the face",
    )
    share.set_ylabel("region's middle off the face's, % of its width")
    share.set_ylim(bottom=0)
    handles = [*axes.get_legend_handles_labels()[0], *share.get_legend_handles_labels()[0]]
    axes.legend(handles, [str(handle.get_label()) for handle in handles], loc="lower right")
    axes.set_title(title)
    with written_aside(path) as aside:
        figure.savefig(aside, dpi=130)


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _median(values: np.ndarray) -> float:
    return float(np.median(values)) if len(values) else float("nan")
