"""What `calibrate` and `validate` share: tracking a source and cutting it into the dots that were shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import typer

from tinytracker.calibration.conditions import Conditions
from tinytracker.calibration.dots import Dot, DotRules, DotSummary, refusal, summarise, used_frames
from tinytracker.cli.progress import progress_bar
from tinytracker.devices import Device, read_screen
from tinytracker.domain import Frame, GazeSample
from tinytracker.engines.model import GazeModel
from tinytracker.errors import UsageError
from tinytracker.tracking.assemble import build_pipeline
from tinytracker.tracking.calibrating import conditions_of, network_used
from tinytracker.tracking.shown import ShownDot, dots_of_samples, read_shown_dots, refuse_beyond
from tinytracker.tracking.sources import FolderSource, MirroredSource, Source, open_source
from tinytracker.tracking.sources.pictures import FOLDER_FRAMES_PER_SECOND


@dataclass(frozen=True, slots=True)
class SeenDots:
    """The dots of a file as the network saw them; refused: why one is not good, "" if it is. samples: of all
    frames, whatever was shown."""

    network: GazeModel
    conditions: Conditions
    screen: Device
    samples: list[GazeSample]
    shown: list[ShownDot]
    dots: list[Dot]
    refused: list[str]

    def good(self, use: Literal["fit", "check"]) -> list[Dot]:
        """The good ones for this use."""
        return [self.dots[number - 1] for number in self._numbers(use)]

    def why_none(self, use: Literal["fit", "check"]) -> str:
        """Why no dot of this use is good, in words; "" if one is, or none was shown."""
        reasons = [why for dot, why in zip(self.shown, self.refused, strict=True) if dot.use == use]
        if not reasons or "" in reasons:
            return ""
        return f"none of the dots to {use} is good ({reasons[0]}); show them again"

    def number_of(self, use: Literal["fit", "check"], index: int) -> int:
        """The number in the file, from 1, of the good dot of this index."""
        return self._numbers(use)[index]

    def _numbers(self, use: Literal["fit", "check"]) -> list[int]:
        entries = enumerate(zip(self.shown, self.refused, strict=True), start=1)
        return [number for number, (dot, reason) in entries if dot.use == use and not reason]


def gather_dots(
    source: str,
    dots: Path | None,
    screen: Path,
    model: str,
    output_scale_cm: float | None,
    fov_deg: float,
    face_model: Path | None,
    fps: float | None = None,
    mirrored: bool = False,
) -> SeenDots:
    """Tracks a recorded source, uncalibrated and unfiltered; says which dots are refused and why, and what
    was wrong with the source. dots: None where only something else was shown. fps, mirrored: as of `track`.

    Raises InputError if a dot was not on the screen.
    """
    shown, device = [] if dots is None else read_shown_dots(dots), read_screen(screen)
    refuse_beyond(((dot.x_px, dot.y_px) for dot in shown), device, dots)
    frames: Source = open_source(source, fps)
    if frames.is_live:
        raise UsageError(
            f"{source} is a camera, and a dots file is for recordings; show dots by `tinytracker live`, or "
            f"by your own "
            "program through tinytracker.tracking.calibrating.LiveCalibration"
        )
    if isinstance(frames, FolderSource) and fps is None:
        typer.echo(
            f"{source}: {FOLDER_FRAMES_PER_SECOND:g} pictures/s are assumed; say it with --fps", err=True
        )
    if mirrored:
        frames = MirroredSource(frames)
    network = GazeModel.load(model, output_scale_cm=output_scale_cm)
    pipeline = build_pipeline(network, face_model=face_model, screen=screen, fov_deg=fov_deg)
    samples: list[GazeSample] = []
    first: Frame | None = None
    with frames, progress_bar("Tracking") as update:
        for frame in frames:
            first = first or frame
            samples.append(pipeline.process(frame))
            update(len(samples), max(len(samples), frames.frame_count or 0))
    for note in frames.notes:
        typer.echo(note, err=True)
    size_px = None if first is None else (first.width_px, first.height_px)
    seen = dots_of_samples(samples, shown, device)
    refused = _refusals(seen)
    for number, reason in enumerate(refused, start=1):
        if reason:
            typer.echo(f"dot {number} is left out: {reason}", err=True)
    used = network_used(network.card, network.source)
    conditions = conditions_of(used, device, frames, size_px, fov_deg)
    return SeenDots(network, conditions, device, samples, shown, seen, refused)


def _refusals(dots: list[Dot]) -> list[str]:
    """Each dot is judged against all others; a recording at a low rate may have few frames a dot."""
    rules = DotRules(least_frames=5)
    summaries: dict[int, DotSummary] = {
        index: summarise(dot) for index, dot in enumerate(dots) if used_frames(dot).any()
    }
    return [
        refusal(dot, [summary for other, summary in summaries.items() if other != index], rules)
        for index, dot in enumerate(dots)
    ]
