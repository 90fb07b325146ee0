"""Calibration as commands, pages and scripts use it: by which network, before which screen and camera; and
while a source runs.

with LiveCalibration(pipeline, source, conditions) as live:
    for x_px, y_px in my_places:
        my_window.draw_dot(x_px, y_px)
        live.show(x_px, y_px)
        reason = live.wait()             # "" when enough frames came; else why to show it again
    calibration = live.finish()
"""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from tinytracker.calibration.calibration import Calibration
from tinytracker.calibration.collect import DotCollector
from tinytracker.calibration.conditions import CameraUsed, Conditions, NetworkUsed, ScreenUsed
from tinytracker.calibration.dots import Dot, DotSummary, summarise
from tinytracker.calibration.prior import BROAD, Prior
from tinytracker.calibration.profile import refuse_other_network
from tinytracker.cards import ModelCard
from tinytracker.devices import Device
from tinytracker.errors import CalibrationError, DeviceError, UsageError
from tinytracker.files import sha256
from tinytracker.geometry import points_to_camera_cm
from tinytracker.tracking.pipeline import GazePipeline
from tinytracker.tracking.sources import MirroredSource, Source


def network_used(card: ModelCard, source: str = "") -> NetworkUsed:
    """Which network a calibration is made with: the card's name, and the SHA-256 of its file (`source`, where
    the card does not say it)."""
    path = Path(source)
    return NetworkUsed(card.name, card.sha256 or (sha256(path) if path.is_file() else ""))


REAL_PEOPLE_WIDER = 4.0
"""Real people's offsets are larger than those of the rendered people who taught the priors: offsets of 10 cm
were seen. So their variance is taken to be so many times as large, which costs rendered people nothing
(were the gains' variance, too: 0.5 degrees after one dot, 0.1 after five)."""


def prior_of(card: ModelCard) -> Prior:
    """What real people are like for this network: by what its card says, else `BROAD`; raises ModelError for
    a broken one."""
    stored = card.calibration_prior
    return Prior.from_json(stored).with_offsets_wider(REAL_PEOPLE_WIDER) if stored else BROAD


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


def conditions_of(
    network: NetworkUsed,
    screen: Device | None,
    source: Source | str,
    size_px: tuple[int, int] | None,
    fov_deg: float,
) -> Conditions:
    """Network, screen and camera of a run; a recorded source stands for its camera by its frames' size
    alone. Of a source that only has a name it is not known whether it is mirrored."""
    name = source if isinstance(source, str) else source.name if source.is_live else "recorded"
    return Conditions(
        network=network,
        screen=None if screen is None else ScreenUsed.of_device(screen),
        camera=None if size_px is None else CameraUsed(name, *size_px, fov_deg),
        mirrored=None if isinstance(source, str) else isinstance(source, MirroredSource),
    )


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
        """The calibration by the accepted dots, judged by those held out if there are any (and then fitted
        to them, too: `Calibration.judged`)."""
        calibration = Calibration.fit(self._accepted, self._prior, self._conditions)
        return calibration.judged(self._held_out) if self._held_out else calibration

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
