"""A video through the simulated sensor: the sensor, the pipeline that tracks with it, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tinytracker.domain import Frame
from tinytracker.faces.finder import open_finder
from tinytracker.faces.tracker import FaceTracker
from tinytracker.targets.imx500.chip.sensor import WHOLE_SENSOR, SensorMode
from tinytracker.targets.imx500.deploy import fixed_region
from tinytracker.targets.imx500.running.camera import CameraSettings
from tinytracker.targets.imx500.running.live import ChipGaze, ChipModel
from tinytracker.targets.imx500.running.network import ExportedNetwork
from tinytracker.targets.imx500.running.simulate import SimulatedSensor, SimulatedSource, Timing, timing_of
from tinytracker.targets.imx500.running.steering import SteeringSettings
from tinytracker.targets.target import Caller
from tinytracker.tracking.assemble import open_locator
from tinytracker.tracking.filters import OneEuroFilter
from tinytracker.tracking.pipeline import DEFAULT_FOV_DEG, GazePipeline, run
from tinytracker.tracking.sinks import CsvSink
from tinytracker.tracking.sources import DEFAULT_FRAMES_PER_SECOND, open_source
from tinytracker.tracking.stages import GazeStage
from tinytracker.tracking.summary import summary_of


@dataclass(frozen=True, slots=True)
class LagSettings:
    """frames: from commanding a region to the first frame cut by it. predict: put the region where the moving
    face will be, or where it is. full_speed: read out as fast as the sensor can, not as the Raspberry Pi's
    driver does."""

    frames: int = 2
    predict: bool = True
    full_speed: bool = False


def track_video(
    network: ExportedNetwork,
    mode: SensorMode,
    video: str,
    settings: LagSettings,
    csv: Path | None,
    caller: Caller,
) -> None:
    """Tracks a video's pictures as the sensor would, into a CSV if asked, and says what came of it."""
    with open_source(video) as pictures:
        frame_ms = 1e3 / (pictures.frames_per_second or DEFAULT_FRAMES_PER_SECOND)
        timing = timing_with(network, mode, frame_ms, settings)
        left_out: list[str] = []
        first = next(iter_ := _whole(pictures, left_out), None)
        source, pipeline = open_simulated(
            network,
            mode,
            _again(first, iter_),
            timing,
            _size(first),
            settings.predict,
            DEFAULT_FOV_DEG,
            [OneEuroFilter()],
        )
        source.frame_count = pictures.frame_count
        with ExitStack() as stack:
            stack.enter_context(source)
            sinks = [] if csv is None else [stack.enter_context(CsvSink(csv))]
            update = stack.enter_context(caller.bar("Simulating"))
            summary = run(pipeline, source, sinks, stop=caller.stop, progress=update)
    for told in summary_of(
        pipeline.watch, summary, [csv] if csv is not None else [], emulated="the sensor and its loop"
    ):
        caller.say(told)
    for note in pictures.notes:
        caller.say(note)
    if left_out:
        caller.say(f"{len(left_out)} pictures were left out, as a sensor has none such: {left_out[0]} ...")
    caller.say(
        f"simulated: {mode.name}, read-out {timing.readout_ms:.1f} ms, transfer {timing.transfer_ms:.1f} ms, "
        f"inference {timing.inference_ms:.2f} ms (estimated); a region holds {timing.roi_frames} frames "
        f"after its command, a result comes {timing.result_frames} after its own"
    )


def open_simulated(
    network: ExportedNetwork,
    mode: SensorMode,
    pictures: Iterator[Frame],
    timing: Timing,
    size: tuple[int, int],
    predict: bool = True,
    fov_deg: float = DEFAULT_FOV_DEG,
    stages: Sequence[GazeStage] = (),
) -> tuple[SimulatedSource, GazePipeline]:
    """A simulated sensor that sees `pictures` of `size` (width, height), and the pipeline that tracks with
    it."""
    sensor = SimulatedSensor(pictures, network.run, network.registers, network.tensor_size, timing)
    source = SimulatedSource(network.place, CameraSettings(mode, size, 1e3 / timing.frame_ms), sensor)
    model = ChipModel(network.card)
    gaze = ChipGaze(
        model,
        source,
        mode,
        loop_lag_frames=timing.loop_frames,
        roi=(fixed_region(network.place) or WHOLE_SENSOR) if model.sees_fixed_region else None,
        steering=SteeringSettings(predict=predict),
    )
    return source, GazePipeline(gaze, FaceTracker(open_finder(), open_locator()), stages, fov_deg=fov_deg)


def timing_with(network: ExportedNetwork, mode: SensorMode, frame_ms: float, settings: LagSettings) -> Timing:
    """The times of the sensor and of its loop with these settings."""
    macs = int(network.card.counts.get("macs", 0))
    return timing_of(
        mode, frame_ms, macs, at_full_speed=settings.full_speed, roi_frames=settings.frames, extra_frames=0
    )


def _size(first: Frame | None) -> tuple[int, int]:
    return (640, 480) if first is None else (first.width_px, first.height_px)


def _whole(pictures: Iterable[Frame], left_out: list[str]) -> Iterator[Frame]:
    """The pictures that can be believed; why not, of the others, is added to `left_out`."""
    for picture in pictures:
        if picture.damage:
            left_out.append(picture.damage)
        else:
            yield picture


def _again(first: Frame | None, rest: Iterator[Frame]) -> Iterator[Frame]:
    """The pictures with the first one put back."""
    if first is not None:
        yield first
        yield from rest
