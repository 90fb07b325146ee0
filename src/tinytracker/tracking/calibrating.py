"""Calibration as commands, pages and scripts use it: by which network, before which screen and camera; from a
source and times.

with LiveCalibration(pipeline, source, conditions) as live:
    for x_px, y_px in my_places:
        my_window.draw_dot(x_px, y_px)
        live.show(x_px, y_px)
        reason = live.wait()             # "" when enough frames came; else why to show it again
    calibration = live.finish()
"""

from __future__ import annotations

import csv
import math
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import numpy as np

from tinytracker.calibration import pursuit
from tinytracker.calibration.calibration import Calibration
from tinytracker.calibration.collect import DotCollector
from tinytracker.calibration.conditions import CameraUsed, Conditions, NetworkUsed, ScreenUsed
from tinytracker.calibration.dots import Dot, DotSummary, summarise
from tinytracker.calibration.prior import BROAD, Prior
from tinytracker.calibration.profile import refuse_other_network
from tinytracker.cards import ModelCard
from tinytracker.devices import Device
from tinytracker.domain import GazeSample
from tinytracker.errors import CalibrationError, DeviceError, InputError, UsageError
from tinytracker.files import refuse_missing, sha256
from tinytracker.geometry import points_to_camera_cm
from tinytracker.tracking.pipeline import GazePipeline
from tinytracker.tracking.sources import Source


def network_used(card: ModelCard, source: str = "") -> NetworkUsed:
    """Which network a calibration is made with: the card's name, and the SHA-256 of its file (`source`, where
    the card does not say it)."""
    path = Path(source)
    return NetworkUsed(card.name, card.sha256 or (sha256(path) if path.is_file() else ""))


REAL_PEOPLE_WIDER = 4.0
"""Real people's offsets are larger than those of the rendered people who taught the priors: offsets of 10 cm
were seen. So their covariance is taken to be so many times as large; on rendered people that costs 0.02
degrees."""


def prior_of(card: ModelCard) -> Prior:
    """What real people are like for this network: by what its card says, else `BROAD`; raises ModelError for
    a broken one."""
    stored = card.calibration_prior
    return Prior.from_json(stored).widened(REAL_PEOPLE_WIDER) if stored else BROAD


def load_calibration(path: Path, now: Conditions, strict: bool = False) -> tuple[Calibration, list[str]]:
    """A profile to be used here, and what has changed since, in words.

    Raises CalibrationError for another network's; where screen or camera differ only if strict. One that was
    found not to help is refused.
    """
    calibration = Calibration.load(path)
    if now.network is not None:
        refuse_other_network(calibration, now.network, str(path))
    if not calibration.is_useful:
        raise CalibrationError(
            f"{path} was found not to help when it was checked; calibrate again, or track without it"
        )
    stale = calibration.conditions.differences(now)
    if stale and strict:
        raise CalibrationError(
            f"{path} no longer holds: {'; '.join(stale)}; calibrate again, or leave out --strict"
        )
    return calibration, stale


@dataclass(frozen=True, slots=True)
class ShownDot:
    """A line of a dots file: from start_s to end_s of the source's time a dot was shown at x_px, y_px of the
    screen.

    use: "fit" or "check" (held out).
    """

    start_s: float
    end_s: float
    x_px: float
    y_px: float
    use: Literal["fit", "check"] = "fit"


def read_shown_dots(path: Path) -> list[ShownDot]:
    """A dots file: CSV with the columns start_s, end_s, x_px, y_px and, if some are held out, use (fit or
    check).

    Raises InputError naming the file, the line and the field.
    """
    refuse_missing(path, "a CSV file of dots")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot read {path}: {error}; expected a CSV file of dots") from error
    dots = [_shown_dot(row, f"{path}, line {number}") for number, row in enumerate(rows, start=2)]
    if not dots:
        raise InputError(
            f"{path} names no dots; expected a line start_s,end_s,x_px,y_px and one line for each dot"
        )
    return dots


def _shown_dot(row: dict[str, str], where: str) -> ShownDot:
    start_s, end_s, x_px, y_px = _numbers_of(row, ("start_s", "end_s", "x_px", "y_px"), where)
    if end_s <= start_s:
        raise InputError(f"{where}: a dot must end after it starts")
    use = (row.get("use") or "fit").strip()
    if use == "fit":
        return ShownDot(start_s, end_s, x_px, y_px, use="fit")
    if use == "check":
        return ShownDot(start_s, end_s, x_px, y_px, use="check")
    raise InputError(f"{where}: use is {use!r}, expected fit or check")


def refuse_beyond(places_px: Iterable[tuple[float, float]], screen: Device, path: Path | None) -> None:
    """Raises InputError if something was shown (x_px, y_px) where the screen has no pixels: those of another
    scaling, or of another screen, would calibrate to the wrong place. path: the file that says so."""
    width, height = screen.width_points, screen.height_points
    for number, (x_px, y_px) in enumerate(places_px, start=1):
        if not (0 <= x_px <= width and 0 <= y_px <= height):
            raise InputError(
                f"{path}: place {number}, at {x_px:g}, {y_px:g}, is not on the screen of {width} x {height} "
                "px; expected pixels of that screen, from its upper left corner"
            )


def dots_of_samples(samples: Sequence[GazeSample], shown: Iterable[ShownDot], screen: Device) -> list[Dot]:
    """What was seen of each shown dot; times count from the first sample."""
    began_ns = samples[0].t_ns if samples else 0
    return [_dot_of(samples, dot, screen, began_ns) for dot in shown]


def _dot_of(samples: Sequence[GazeSample], shown: ShownDot, screen: Device, began_ns: int) -> Dot:
    start_ns, end_ns = (began_ns + round(seconds * 1e9) for seconds in (shown.start_s, shown.end_s))
    meanwhile = [sample for sample in samples if start_ns <= sample.t_ns < end_ns]
    x_cm, y_cm = points_to_camera_cm(shown.x_px, shown.y_px, screen)
    return Dot.of_samples(float(x_cm), float(y_cm), meanwhile, start_ns, (shown.x_px, shown.y_px))


def conditions_of(
    network: NetworkUsed,
    screen: Device | None,
    source: Source | str,
    size_px: tuple[int, int] | None,
    fov_deg: float,
) -> Conditions:
    """Network, screen and camera of a run; a recorded source stands for its camera by its frames' size
    alone."""
    name = source if isinstance(source, str) else source.name if source.is_live else "recorded"
    return Conditions(
        network=network,
        screen=None if screen is None else ScreenUsed.of_device(screen),
        camera=None if size_px is None else CameraUsed(name, *size_px, fov_deg),
    )


def read_path(path: Path, screen: Device, began_ns: int) -> pursuit.Path:
    """A moving dot's path: CSV with the columns t_s, x_px and y_px, straight in between. began_ns: the time
    of the first frame, from which t_s counts.

    Raises InputError naming the file, the line and the field.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot read {path}: {error}; expected a CSV file of a path") from error
    if len(rows) < 2:
        raise InputError(f"{path} has {len(rows)} places; expected t_s,x_px,y_px and a line for each")
    places = [
        _numbers_of(row, ("t_s", "x_px", "y_px"), f"{path}, line {number}")
        for number, row in enumerate(rows, 2)
    ]
    t_s, x_px, y_px = np.array(places).T
    refuse_beyond(zip(x_px, y_px, strict=True), screen, path)
    times_ns = began_ns + np.round(t_s * 1e9).astype(np.int64)
    try:
        return pursuit.Path(times_ns, *points_to_camera_cm(x_px, y_px, screen))
    except UsageError as error:
        raise InputError(f"{path}: {error}") from error


def _numbers_of(row: dict[str, str], names: Sequence[str], where: str) -> list[float]:
    if None in row:  # a decimal comma makes two numbers of one
        raise InputError(f"{where} has more values than the first line has names")
    numbers = []
    for name in names:
        try:
            numbers.append(float(row[name]))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{where}: {name} is {row.get(name)!r}, expected a number") from error
    if not all(map(math.isfinite, numbers)):
        raise InputError(f"{where}: every number must be finite")
    return numbers


class LiveCalibration:
    """Calibrates while a source runs, with dots that somebody else draws: see the top of this module.

    Frames are tracked in a thread of their own; `show` and `wait` are for the thread that draws. pipeline:
    its screen says where pixels lie; calibration stages in it do not matter, as raw gaze is used. prior: None
    for the network's own.
    """

    def __init__(
        self,
        pipeline: GazePipeline,
        source: Source,
        conditions: Conditions | None = None,
        prior: Prior | None = None,
    ) -> None:
        if pipeline.screen is None:
            raise UsageError("a calibration needs the screen: give the pipeline one (devices.read_screen)")
        self._pipeline, self._source, self._screen = pipeline, source, pipeline.screen
        self._conditions, self._prior = (
            conditions or Conditions(screen=ScreenUsed.of_device(pipeline.screen)),
            prior,
        )
        self._accepted: list[Dot] = []
        self._held_out: list[Dot] = []
        self._collector: DotCollector | None = None
        self._failure: BaseException | None = None
        self._change = threading.Condition()
        self._ending = False
        self._latest_ns: int | None = None
        self._thread = threading.Thread(target=self._track, name="calibration", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending = True
        self._thread.join(timeout=10)

    def show(self, x_px: float, y_px: float) -> None:
        """Says that the dot at (x_px, y_px) of the screen is visible from now on."""
        x_cm, y_cm = points_to_camera_cm(x_px, y_px, self._screen)
        with self._change:
            self._change.wait_for(
                lambda: self._latest_ns is not None or self._failure is not None, timeout=10
            )
            shown_ns = (
                0 if self._latest_ns is None else self._latest_ns + 1
            )  # frames taken before now show the eyes elsewhere
            self._collector = DotCollector(float(x_cm), float(y_cm), shown_ns, (x_px, y_px))

    def wait(self, hold_out: bool = False, timeout_s: float = 10.0) -> str:
        """Waits until enough frames of the shown dot came; "" if it was accepted, else why to show it again.

        hold_out: keep it for `Calibration.check` (see `held_out`) instead of the fit. Raises what the source
        raised, and DeviceError if no frame comes for timeout_s.
        """
        collector = self._collector
        if collector is None:
            raise UsageError("no dot is shown; call show(x_px, y_px) before wait()")
        with self._change:
            done = self._change.wait_for(lambda: collector.is_done or self._failure is not None, timeout_s)
            self._collector = None
        if self._failure is not None:
            raise self._failure
        if not done:
            raise DeviceError(f"{self._source.name} gave too few frames in {timeout_s:g} s; check the camera")
        reason = collector.refusal([summarise(dot) for dot in self._accepted])
        if not reason:
            (self._held_out if hold_out else self._accepted).append(collector.dot())
        return reason

    @property
    def dots(self) -> list[DotSummary]:
        """The dots accepted so far."""
        return [summarise(dot) for dot in self._accepted]

    @property
    def held_out(self) -> list[Dot]:
        """The dots kept for a check."""
        return list(self._held_out)

    def finish(self) -> Calibration:
        """The calibration by the accepted dots, checked by those held out if there are any."""
        calibration = Calibration.fit(self._accepted, self._prior, self._conditions)
        return calibration.with_check(calibration.check(self._held_out)) if self._held_out else calibration

    def _track(self) -> None:
        try:
            with self._source as frames:
                for frame in frames:
                    sample = self._pipeline.process(frame)
                    with self._change:
                        self._latest_ns = sample.t_ns
                        if self._collector is not None:
                            self._collector.add(sample)
                        self._change.notify_all()
                    if self._ending:
                        return
            self._fail(DeviceError(f"{self._source.name} ended before the calibration did"))
        except BaseException as error:  # handed to the thread that waits
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        with self._change:
            self._failure = error
            self._change.notify_all()
