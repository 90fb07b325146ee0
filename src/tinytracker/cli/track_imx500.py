"""`tinytracker track imx500:network.rpk`: the gaze network in the sensor, the face on the host."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from tinytracker.cli.tracking import follow, print_summary
from tinytracker.devices import read_screen
from tinytracker.errors import INTERRUPTED, UsageError
from tinytracker.faces.eyes import open_locator
from tinytracker.faces.finder import open_finder
from tinytracker.faces.tracker import FaceTracker
from tinytracker.targets.imx500.camera import CameraSettings, ChipCamera, Hardware
from tinytracker.targets.imx500.deploy import card_of, fixed_region
from tinytracker.targets.imx500.live import AI_CAMERA_FOV_DEG, ChipModel, ChipPipeline
from tinytracker.targets.imx500.sensor import WHOLE, Roi, SensorMode, mode_named, parse_roi
from tinytracker.targets.imx500.steering import measure_loop_lag
from tinytracker.tracking.filters import NoFilter, OneEuroFilter

PREFIX = "imx500:"
MIDDLE = Roi(1014, 760, 2028, 1520)


@dataclass(frozen=True, slots=True)
class ChipOptions:
    """What the command line said of the sensor."""

    sensor_mode: str = "binned"
    fps: float | None = None
    roi: str | None = None
    measure_lag: bool = True


def open_chip(
    place: str,
    options: ChipOptions,
    *,
    face_model: Path | None = None,
    eye_locator: bool = True,
    use_filter: bool = True,
    screen: Path | None = None,
    fov_deg: float | None = None,
    hardware: Hardware | None = None,
) -> tuple[ChipCamera, ChipPipeline]:
    """Camera and pipeline for `imx500:network.rpk`; nothing is opened yet. Raises what a wrong file or option deserves."""
    network = Path(place.removeprefix(PREFIX))
    if not place.removeprefix(PREFIX):
        raise UsageError("imx500: needs a packaged network, as in imx500:exported/network.rpk")
    mode = mode_named(options.sensor_mode)
    fps = options.fps or min(30.0, 1e3 / mode.pi_frame_ms)
    camera = ChipCamera(network, CameraSettings(mode, frames_per_second=fps), hardware)
    model = ChipModel(card_of(network))
    roi = None if options.roi is None else parse_roi(options.roi)
    if roi is None and model.sees_fixed_region:
        roi = fixed_region(network) or WHOLE
    pipeline = ChipPipeline(
        model,
        camera,
        mode,
        FaceTracker(open_finder(face_model), open_locator() if eye_locator else None),
        OneEuroFilter() if use_filter else NoFilter(),
        screen=None if screen is None else read_screen(screen),
        fov_deg=fov_deg or AI_CAMERA_FOV_DEG,
        roi=roi,
    )
    return camera, pipeline


def measure_lag(camera: ChipCamera, pipeline: ChipPipeline) -> None:
    """Measures the loop's lag on the entered camera before anything is tracked."""

    def step(roi: Roi | None) -> object:
        if roi is not None:
            camera.set_roi(roi)
        camera.read()
        news = camera.news
        return None if news is None or news.result is None else news.result.outputs

    pipeline.loop_lag_frames = measure_loop_lag(step, WHOLE, MIDDLE)  # type: ignore[arg-type]
    camera.set_roi(WHOLE)
    found = pipeline.loop_lag_frames
    typer.echo("the loop's lag could not be measured; estimated from the sensor's run times" if found is None else
               f"the loop's lag: {found} frames from a region's command to its first result", err=True)  # fmt: skip


def track_chip(
    place: str, options: ChipOptions, files: tuple[Path | None, ...], window: bool, max_frames: int | None, **looks: Any
) -> int:
    """Tracks with the network in the sensor into the files asked for; looks: as of `open_chip`."""
    camera, pipeline = open_chip(place, options, **looks)
    if options.measure_lag and pipeline.fixed_roi is None:
        camera.on_open = lambda: measure_lag(camera, pipeline)
    summary, stopped = follow(pipeline, camera, files, window, max_frames)
    print_summary(pipeline, summary, [path for path in files if path is not None])
    print_chip_times(pipeline, mode_named(options.sensor_mode))
    if camera.restarts:
        typer.echo(f"the camera fell silent and was opened anew {camera.restarts} times")
    return INTERRUPTED if stopped else 0


def print_chip_times(pipeline: ChipPipeline, mode: SensorMode) -> None:
    """What the sensor itself took, frame by frame, and how old its results were."""
    import numpy as np

    table = Table("in the sensor", title="Time per frame", title_justify="left")
    for column in ("frames", "median ms", "p95 ms", "how"):
        table.add_column(column, justify="right" if column != "how" else "left")

    def line(name: str, values: list[float], how: str) -> None:
        if values:
            numbers = (f"{np.median(values):.2f}", f"{np.percentile(values, 95):.2f}")
            table.add_row(name, str(len(values)), *numbers, how)

    line("read-out", [mode.pi_readout_ms], "estimated: lines x the driver's line time")
    line("network (dnn)", [dnn for dnn, _ in pipeline.kpi_ms], "measured by the sensor")
    line("rest of its processor (dsp)", [dsp for _, dsp in pipeline.kpi_ms], "measured by the sensor")
    line("from frame to frame", pipeline.frame_ms, "measured")
    frame_ms = float(np.median(pipeline.frame_ms)) if pipeline.frame_ms else 0.0
    line("age of the result", [lag * frame_ms for lag in pipeline.lags.elements()], "measured, by frameCount")
    Console().print(table)
    if pipeline.lags:
        lags = ", ".join(f"{count} of {lag}" for lag, count in sorted(pipeline.lags.items()))
        typer.echo(f"lag in frames: {lags}")
