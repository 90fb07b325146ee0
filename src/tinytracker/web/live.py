"""`tinytracker live` put together: what a person asked for becomes a server that runs until the page is
gone."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tinytracker.calibration.calibration import Calibration
from tinytracker.calibration.conditions import NetworkUsed
from tinytracker.calibration.prior import Prior
from tinytracker.calibration.profile import refuse_other_network
from tinytracker.calibration.stage import CalibrationStage
from tinytracker.devices import Device, read_screen
from tinytracker.engines.model import GazeModel
from tinytracker.errors import DeviceError, UsageError
from tinytracker.extras import need
from tinytracker.progress import Progress, no_progress
from tinytracker.session.folder import CameraInfo
from tinytracker.synthetic.unseen import LIVE_PERSON
from tinytracker.tracking.assemble import build_pipeline
from tinytracker.tracking.calibrating import network_used, prior_of
from tinytracker.tracking.pipeline import GazePipeline
from tinytracker.tracking.sources import MirroredSource, Source, VideoSource, open_source
from tinytracker.tracking.sources.camera import CameraSource
from tinytracker.web.browser import BrowserSource
from tinytracker.web.guard import Keys
from tinytracker.web.hub import Hub
from tinytracker.web.library import Library
from tinytracker.web.obeying import Desk
from tinytracker.web.preparing import Preparing
from tinytracker.web.recording import Recording
from tinytracker.web.rendered import RenderedSource
from tinytracker.web.replay import Replay
from tinytracker.web.screens import KnownScreen, PageScreen, find_screen, screen_of_width
from tinytracker.web.server import LEAVES_AFTER_S, Server
from tinytracker.web.serving import listen, uvicorn_of
from tinytracker.web.sitting import Sitting
from tinytracker.web.smoothing import SmoothingStage
from tinytracker.web.stimuli import Stimuli
from tinytracker.web.tracking import PacedSource, TrackingThread

if TYPE_CHECKING:
    import uvicorn

FramesBy = Literal["server", "browser", "rendered"]
DEMO_WIDTH_CM = 34.5  # a laptop of 15.6 inches
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LiveOptions:
    """source: a camera's number, /dev/videoN or a video file (shown over and over). frames_by: who takes the
    frames.
    person: which one is rendered. model: a network's name or file. screen, calibration: files. folder: where
    sessions go. mirrored: the camera mirrors its picture.
    stimulus: a picture, video or page to look at while recording, or a folder of them. thorough: the page
    checks by eight dots unless told otherwise. port: 0 for any."""

    source: str = "0"
    frames_by: FramesBy = "server"
    person: int = LIVE_PERSON
    model: str = "tinytracker-eyes"
    screen: Path | None = None
    calibration: Path | None = None
    folder: Path = Path("sittings")
    stimulus: Path | None = None
    fov_deg: float | None = None
    mirrored: bool = False
    thorough: bool = False
    port: int = 0
    leaves_after_s: float = LEAVES_AFTER_S


@dataclass(frozen=True)
class OpenTracker:
    """Who tracks: a network on this computer, on a board, or in a target whose camera gives the frames.

    pipeline: its stages are the page's. prior: what people are like for the network. source: the frames;
    None: of the camera that the options name. It is entered anew after a failure.
    """

    pipeline: GazePipeline
    network: NetworkUsed
    prior: Prior
    source: Source | None = None

    @classmethod
    def of(cls, model: GazeModel) -> OpenTracker:
        """A network on this computer or on a board; raises ModelError for one that gives no gaze."""
        return cls(build_pipeline(model), network_used(model.card, model.source), prior_of(model.card))


class Live:
    """A server that is ready to run. `address` opens the page; `run` returns when the sitting is over.
    progress: told how far the renderer is, where it must be compiled first.

    live = Live(LiveOptions(frames_by="rendered"))
    webbrowser.open(live.address)
    live.run()
    """

    def __init__(
        self, options: LiveOptions, tracker: OpenTracker | None = None, progress: Progress = no_progress
    ) -> None:
        for module in ("starlette", "uvicorn", "websockets"):
            need(module, "web")
        self.options = options
        self._listener = listen(options.port)
        try:
            self._put_together(options, tracker or OpenTracker.of(GazeModel.load(options.model)), progress)
        except BaseException:
            self._listener.close()
            raise

    def _put_together(self, options: LiveOptions, tracker: OpenTracker, progress: Progress) -> None:
        self.keys = Keys(self._listener.getsockname()[1])
        self.address = self.keys.address
        stage, smoothing = CalibrationStage(), SmoothingStage()
        self.pipeline = tracker.pipeline
        self.pipeline.stages = (stage, smoothing)
        self._source = tracker.source
        if options.fov_deg is not None:
            self.pipeline.fov_deg = options.fov_deg
        hub = Hub()
        network = tracker.network
        given = read_screen(options.screen) if options.screen is not None else None
        recording = Recording(options.folder, network.name, network.sha256, hub.tell)
        self.sitting = Sitting(
            self.pipeline,
            stage,
            network,
            tracker.prior,
            hub,
            recording,
            self._camera_info(),
            find_screen=lambda page: self._screen_of(page, given),
        )
        if options.calibration is not None:
            calibration = Calibration.load(options.calibration)
            refuse_other_network(calibration, network)
            self.sitting.calibrating.use(calibration)
        self._rendered: RenderedSource | None = None
        self._preparing = Preparing(hub.tell, progress) if options.frames_by == "rendered" else None
        browser = BrowserSource() if options.frames_by == "browser" else None
        self.tracking = TrackingThread(self._opener(browser), self.pipeline, self.sitting)
        self._uvicorn: uvicorn.Server | None = None
        desk = Desk(
            self.sitting,
            smoothing,
            Stimuli(options.stimulus),
            rendered=lambda: self._rendered,
            use_camera=self._use_camera if self._is_camera else None,
        )
        self.server = Server(
            self.keys,
            hub,
            desk,
            self.tracking,
            Library(self.keys, desk, Replay(options.folder, lambda: stage.calibration)),
            browser_camera=browser,
            is_demo=options.frames_by == "rendered",
            is_thorough=options.thorough,
            finish=self.stop,
            leaves_after_s=options.leaves_after_s,
        )

    def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serves until the last page is gone, Ctrl-C or `stop`. ready: called once the page can be opened."""
        server = self._uvicorn = uvicorn_of(self.server.app, ready)
        with contextlib.closing(self._listener):
            server.run(sockets=[self._listener])

    def stop(self) -> None:
        """Ends `run` soon; from any thread."""
        if self._uvicorn is not None:
            self._uvicorn.should_exit = True

    @property
    def _is_camera(self) -> bool:
        """Whether frames come from a camera of this computer, so that another one can be chosen."""
        is_here = self.options.frames_by == "server" and self._source is None
        return is_here and isinstance(open_source(self.options.source), CameraSource)

    def _camera_info(self) -> CameraInfo:
        options = self.options
        if options.frames_by == "rendered":
            return CameraInfo(f"rendered person {options.person}", "renderer", fov_deg=self.pipeline.fov_deg)
        if options.frames_by == "browser":
            return CameraInfo("the browser's camera", "browser", fov_deg=self.pipeline.fov_deg)
        name = f"camera {options.source}"
        return CameraInfo(name, "server", fov_deg=self.pipeline.fov_deg, mirrored=options.mirrored)

    def _screen_of(self, page: PageScreen, given: Device | None) -> KnownScreen:
        if self.options.frames_by == "rendered":
            return screen_of_width(page, DEMO_WIDTH_CM, "rendered")
        return find_screen(page, given)

    def _opener(self, browser: BrowserSource | None) -> Callable[[], Source]:
        if browser is not None:
            return lambda: browser
        if self.options.frames_by == "rendered":
            return self._open_rendered
        if (source := self._source) is not None:
            return lambda: source
        place = self.options.source
        if isinstance(open_source(place), VideoSource):
            return lambda: PacedSource(lambda: self._named(place))
        if not getattr(open_source(place), "is_live", False):
            raise UsageError(
                f"{place} is no camera and no video; expected a camera's number, /dev/videoN or a video file"
            )
        return lambda: self._named(place)

    def _named(self, place: str) -> Source:
        return self._turned(open_source(place))

    def _turned(self, source: Source) -> Source:
        """Whatever camera is chosen: --mirrored is said of this computer's."""
        return MirroredSource(source) if self.options.mirrored else source

    def _open_rendered(self) -> RenderedSource:
        screen = self.sitting.screen
        if screen is None:
            raise DeviceError("the page has not said which screen it is on")
        if self._preparing is not None:
            self._preparing.wait()
        self._rendered = RenderedSource(screen.device, self.options.person, self._use_fov)
        return self._rendered

    def _use_camera(self, number: str, size_px: tuple[int, int] | None) -> None:
        self.sitting.camera = replace(self.sitting.camera, source=f"camera {number}")
        self.tracking.use(lambda: self._turned(CameraSource(int(number), size_px=size_px)))

    def _use_fov(self, fov_deg: float) -> None:
        self.pipeline.fov_deg = fov_deg
        self.sitting.camera = replace(self.sitting.camera, fov_deg=fov_deg)
