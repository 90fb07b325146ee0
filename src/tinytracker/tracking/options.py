"""What a person may choose when tracking: how faces are looked for and gaze is steadied, and the files that
are written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tinytracker.files import refuse_overlap, refuse_unwritable
from tinytracker.tracking.sinks import Sink
from tinytracker.tracking.stages import GazeStage

if TYPE_CHECKING:
    from tinytracker.calibration.calibration import Calibration


@dataclass(frozen=True, slots=True)
class TrackOptions:
    """How to track.

    face_model: YuNet's .onnx file, to find faces by it instead of Haar cascades. eye_locator: find the eyes
    by the released locator, or by proportion alone. steady: filter the gaze (One-Euro, in degrees); None: as
    suits the source. screen: a screen's JSON, for the gaze in its pixels. fov_deg: the camera's, across the
    frame's longer side; None: as suits the camera. max_frames: stop after so many. window: show the annotated
    frames meanwhile. calibration: the person's, applied before the filter; None: the network's gaze as it is.
    frames_per_second: the pace of files, instead of what they say, or what is asked of a target's camera.
    mirrored: the camera mirrors, so that left and right are to be changed back.
    smoothing: which of the filters (`filters.FILTERS`); None: the default one.
    """

    face_model: Path | None = None
    eye_locator: bool = True
    steady: bool | None = None
    screen: Path | None = None
    fov_deg: float | None = None
    max_frames: int | None = None
    window: bool = False
    frames_per_second: float | None = None
    mirrored: bool = False
    calibration: Calibration | None = None
    smoothing: str | None = None

    def stages(self, suits: bool = True) -> list[GazeStage]:
        """What the gaze goes through. suits: whether a filter suits the source."""
        from tinytracker.calibration.stage import CalibrationStage
        from tinytracker.tracking.filters import DEFAULT, make_filter

        calibrated: list[GazeStage] = (
            [CalibrationStage(self.calibration)] if self.calibration is not None else []
        )
        if not (suits if self.steady is None else self.steady):
            return calibrated
        return [*calibrated, make_filter(self.smoothing or DEFAULT)]


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where the rows and the annotated video go; None: nowhere. more: files whose suffix says what they are
    (`sinks.SINKS`).

    >>> Outputs(csv=Path("gaze.csv")).paths
    [PosixPath('gaze.csv')]
    """

    video: Path | None = None
    csv: Path | None = None
    jsonl: Path | None = None
    parquet: Path | None = None
    more: tuple[Path, ...] = ()

    @property
    def paths(self) -> list[Path]:
        """The files that were asked for."""
        named = (self.video, self.csv, self.jsonl, self.parquet)
        return [path for path in (*named, *self.more) if path is not None]

    def refuse_unfit(self, source: str) -> None:
        """Raises UsageError where two outputs share a file or one is `source`, what is to be tracked;
        OutputError where one cannot be written."""
        from tinytracker.tracking.sinks import refuse_unknown

        refuse_overlap(self.paths, [source])
        for path in self.paths:
            refuse_unwritable(path)
        for path in self.more:
            refuse_unknown(path)

    def sinks(self) -> Iterator[Sink]:
        """A sink per file, not entered yet."""
        from tinytracker.tracking.sinks import CsvSink, JsonlSink, ParquetSink, sink_for
        from tinytracker.tracking.video import VideoSink

        if self.video is not None:
            yield VideoSink(self.video)
        if self.csv is not None:
            yield CsvSink(self.csv)
        if self.jsonl is not None:
            yield JsonlSink(self.jsonl)
        if self.parquet is not None:
            yield ParquetSink(self.parquet)
        yield from map(sink_for, self.more)
