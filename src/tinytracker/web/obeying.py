"""What a page may ask for: one function per command, found by name. Each checks what it is given and acts on
the sitting."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import get_args

from tinytracker.calibration.layouts import LAYOUTS
from tinytracker.errors import UsageError
from tinytracker.files import make_folder, write_text
from tinytracker.session.check_report import check_report_html
from tinytracker.session.events import Event
from tinytracker.session.folder import ClockOffset
from tinytracker.session.recorder import RowFormat
from tinytracker.tracking.filters import FILTERS
from tinytracker.web.browser import LARGEST_SIDE_PX
from tinytracker.web.messages import Command
from tinytracker.web.rendered import RenderedSource
from tinytracker.web.screens import CARD_WIDTH_CM, PageScreen
from tinytracker.web.showing import Pace
from tinytracker.web.sitting import Sitting
from tinytracker.web.smoothing import SmoothingStage
from tinytracker.web.stimuli import LONGEST_NAME, Stimuli
from tinytracker.web.streams import WEBSOCKET, LslStream, UdpStream, WebSocketStream

Obey = Callable[["Desk", Command], None]


class Desk:
    """What commands act on. rendered: gives the demo's person, None without one. smoothing: the filter that
    pages may change. stimuli: what can be shown. use_camera: goes on with the camera of a number, in frames
    of a size; None where frames do not come from a camera here."""

    def __init__(
        self,
        sitting: Sitting,
        smoothing: SmoothingStage,
        stimuli: Stimuli,
        rendered: Callable[[], RenderedSource | None] = lambda: None,
        use_camera: Callable[[str, tuple[int, int] | None], None] | None = None,
    ) -> None:
        self.sitting = sitting
        self.smoothing = smoothing
        self.stimuli = stimuli
        self.rendered = rendered
        self.use_camera = use_camera
        self.demo_dot: Event | None = None  # what the rendered person looks at in Live

    def nothing_is_shown(self) -> None:
        """The page is gone, and with it what filled the screen."""
        with self.sitting.lock:
            if self.sitting.recording.shown is not None:
                self.sitting.recording.show(None)
            self.sitting.recording.end_screen()

    def obey(self, command: Command) -> None:
        """Does what a page asks for; raises TinytrackerError, in words for the person, if it cannot be
        done."""
        action = COMMANDS.get(command.name)
        if action is None:
            raise UsageError(f"there is no command {command.name!r}; expected one of {', '.join(COMMANDS)}")
        with self.sitting.lock:
            action(self, command)


def _page(desk: Desk, command: Command) -> None:
    """Which screen the page is on, in CSS pixels."""
    page = PageScreen(
        width_px=round(command.positive("width", 32_768)),
        height_px=round(command.positive("height", 32_768)),
        scale=command.positive("scale", 20),
        left_px=round(command.number("left", 0)),
        top_px=round(command.number("top", 0)),
    )
    desk.sitting.use_page(page)


def _screen_size(desk: Desk, command: Command) -> None:
    """The screen's width in cm, or how many pixels a bank card is wide on it."""
    screen = desk.sitting.screen
    if screen is None:
        raise UsageError("the page has not said which screen it is on")
    if command.flag("card"):
        width_cm = CARD_WIDTH_CM * screen.page.width_px / command.positive("card_px")
        desk.sitting.use_screen(screen.with_width(width_cm, "card"))
    else:
        desk.sitting.use_screen(screen.with_width(command.positive("width_cm", 300), "typed"))


def _camera_place(desk: Desk, command: Command) -> None:
    """Where the camera sits: cm from the screen's left edge, cm above its upper edge."""
    screen = desk.sitting.screen
    if screen is not None:
        desk.sitting.use_screen(
            screen.with_camera(command.number("x_cm", largest=300), command.number("y_cm", largest=300))
        )


def _camera(desk: Desk, command: Command) -> None:
    """Another camera of this computer, or frames of another size (0: as it likes)."""
    number = command.text("source", longest=4)
    if desk.use_camera is None or not number.isdecimal():
        raise UsageError(f"{number!r} cannot be chosen here; expected the number of a camera")
    width_px, height_px = (round(command.number(side, 0, LARGEST_SIDE_PX)) for side in ("width", "height"))
    if (width_px, height_px) != (0, 0) and min(width_px, height_px) <= 0:
        raise UsageError(f"frames of {width_px} x {height_px} px are none; expected both above 0, or both 0")
    desk.use_camera(number, (width_px, height_px) if width_px else None)


def _dots(desk: Desk, command: Command) -> None:
    dots = round(command.number("dots"))
    if dots not in LAYOUTS:
        raise UsageError(f"{', '.join(map(str, LAYOUTS))} dots are possible, not {dots}")
    pace: Pace = "space" if command.choice("pace", get_args(Pace), "auto") == "space" else "auto"
    desk.sitting.calibrating.begin(dots, pace)


def _dot_shown(desk: Desk, command: Command) -> None:
    """The page shows dot `number`, its middle at x, y in screen pixels, since `t` of the page's clock."""
    x_px, y_px = command.number("x"), command.number("y")
    show = desk.sitting.calibrating.show
    if show is None or show.current is None:
        return
    now_ns = time.monotonic_ns()
    show.was_shown(round(command.number("number")), (x_px, y_px), desk.sitting.place_cm(x_px, y_px), now_ns)
    if show.current is not None and show.current.t_shown_ns == now_ns:
        _look(desk, x_px, y_px)


def _pursuit(desk: Desk, command: Command) -> None:
    desk.sitting.calibrating.begin_pursuit()


def _pursuit_shown(desk: Desk, command: Command) -> None:
    """The page has just drawn the moving dot of round `number` at x, y in screen pixels; `over`: for the last
    time."""
    pursuit = desk.sitting.calibrating.pursuit
    if pursuit is None or round(command.number("number")) != pursuit.number:
        return
    x_px, y_px = command.number("x"), command.number("y")
    pursuit.was_shown(desk.sitting.place_cm(x_px, y_px), time.monotonic_ns())
    _look(desk, x_px, y_px)
    if command.flag("over"):
        desk.sitting.calibrating.end_pursuit()


def _look_at(desk: Desk, command: Command) -> None:
    """The demo's dot in the Live screen: the rendered person looks there, and what they looked at until now
    is an event. While dots are shown they are what it looks at."""
    calibrating = desk.sitting.calibrating
    if desk.rendered() is None or calibrating.show is not None or calibrating.pursuit is not None:
        return
    x_px, y_px = command.number("x"), command.number("y")
    _look(desk, x_px, y_px)
    desk.demo_dot = Event(time.monotonic_ns(), "dot", x_px=x_px, y_px=y_px, label="demo")


def _look(desk: Desk, x_px: float, y_px: float) -> None:
    """The rendered person looks there now, and no longer at Live's dot."""
    last, desk.demo_dot = desk.demo_dot, None
    if last is not None and desk.sitting.recording.is_on:
        desk.sitting.note(replace(last, duration_ms=(time.monotonic_ns() - last.t_ns) / 1e6))
    person, screen = desk.rendered(), desk.sitting.screen
    if person is not None and screen is not None:
        person.look_at(x_px, y_px)


def _posture(desk: Desk, command: Command) -> None:
    """The rendered person sits down anew."""
    person = desk.rendered()
    if person is not None:
        person.sit_down_anew()


def _accept(desk: Desk, command: Command) -> None:
    if desk.sitting.calibrating.show is not None:
        desk.sitting.calibrating.show.accept(time.monotonic_ns())


def _stop_dots(desk: Desk, command: Command) -> None:
    desk.sitting.calibrating.stop()


def _check(desk: Desk, command: Command) -> None:
    desk.sitting.calibrating.begin_check(command.flag("thorough"))


def _redo(desk: Desk, command: Command) -> None:
    desk.sitting.calibrating.redo_worst()


def _keep(desk: Desk, command: Command) -> None:
    desk.sitting.calibrating.keep()
    _calibration_changed(desk)


def _no_calibration(desk: Desk, command: Command) -> None:
    desk.sitting.calibrating.use_none()
    _calibration_changed(desk)
    desk.sitting.head.forget()


def _calibration_changed(desk: Desk) -> None:
    sitting = desk.sitting
    sitting.head.remember()
    stage = sitting.calibrating.stage
    sitting.note(Event(time.monotonic_ns(), "calibration", label=stage.calibration_id))
    sitting.tell_calibration()


def _recentre(desk: Desk, command: Command) -> None:
    desk.sitting.calibrating.begin_recentring()


def _undo(desk: Desk, command: Command) -> None:
    desk.sitting.calibrating.undo_recentring()
    desk.sitting.note(Event(time.monotonic_ns(), "recentre_undone"))
    desk.sitting.tell_calibration()


def _save_profile(desk: Desk, command: Command) -> None:
    """The calibration that was just made, or else the one in force, as a file in the sessions' folder; its
    check as a report beside it."""
    made, used = desk.sitting.calibrating.candidate, desk.sitting.calibrating.stage.calibration
    is_used = made is None or (used is not None and used.dots == made.dots)  # and perhaps re-centred since
    calibration = used if is_used else made
    if calibration is None:
        raise UsageError("there is no calibration to save; do the dots first")
    path = desk.sitting.recording.parent / f"calibration-{calibration.id}.json"
    make_folder(path.parent)
    calibration.save(path)
    if calibration.validation is not None:
        write_text(path.with_suffix(".html"), check_report_html(calibration, desk.sitting.size_is_known))
    desk.sitting.hub.tell({"type": "saved", "path": str(path)})


def _record(desk: Desk, command: Command) -> None:
    sitting = desk.sitting
    if sitting.screen is None:
        raise UsageError("the page has not said which screen it is on")
    rows: RowFormat = "parquet" if command.choice("rows", get_args(RowFormat), "csv") == "parquet" else "csv"
    sitting.recording.start(
        command.text("name", "", longest=80),
        camera=sitting.camera,
        screen=sitting.screen,
        calibration=sitting.calibrating.stage.calibration,
        clock=sitting.clock,
        keep_video=command.flag("video"),
        rows=rows,
    )


def _stop_recording(desk: Desk, command: Command) -> None:
    desk.sitting.recording.stop()


def _trigger(desk: Desk, command: Command) -> None:
    desk.sitting.note(Event(time.monotonic_ns(), "trigger", label=command.text("name", longest=80)))


def _stimulus(desk: Desk, command: Command) -> None:
    """A picture, video or page fills the screen now; an empty name: it does no longer."""
    name = command.text("name", longest=LONGEST_NAME)
    desk.sitting.recording.show(desk.stimuli.of(name) if name else None)


def _screen_video(desk: Desk, command: Command) -> None:
    """The page records the screen from now on, piece by piece (POST /screen), or does so no longer."""
    recording = desk.sitting.recording
    if command.flag("on"):
        recording.begin_screen()
    else:
        recording.end_screen()


def _clock(desk: Desk, command: Command) -> None:
    """The page has measured its clock: page minus ours, milliseconds; the jitter of the answers."""
    offset = ClockOffset(
        time.monotonic_ns(),
        command.number("offset_ms", largest=1e15),
        abs(command.number("jitter_ms", largest=1e6)),
    )
    desk.sitting.clock = offset
    desk.sitting.recording.note_clock(offset)


def _smoothing(desk: Desk, command: Command) -> None:
    desk.smoothing.use(command.choice("name", (*FILTERS, "none")))
    desk.sitting.hub.tell({"type": "smoothing", "name": desk.smoothing.name})


def _stream(desk: Desk, command: Command) -> None:
    """Switches LSL, UDP, or the WebSocket and overlay on or off."""
    sitting, kind = desk.sitting, command.choice("kind", ("lsl", "udp", WEBSOCKET))
    running = sitting.streams.pop(kind, None)
    if running is not None:
        running.close()
    if command.flag("on"):
        if kind == WEBSOCKET:
            sitting.streams[kind] = WebSocketStream(sitting.hub)
        elif kind == "lsl":
            sitting.streams[kind] = LslStream(sitting.network.name)
        else:
            port = round(command.number("port", 4243))
            if not 0 < port < 65536:
                raise UsageError(f"a UDP port is 1 to 65535, not {port}")
            sitting.streams[kind] = UdpStream(command.text("host", "127.0.0.1"), port)
    sitting.hub.tell({"type": "streams", "on": sorted(sitting.streams)})


COMMANDS: dict[str, Obey] = {
    "page": _page,
    "screen_size": _screen_size,
    "camera_place": _camera_place,
    "camera": _camera,
    "dots": _dots,
    "dot_shown": _dot_shown,
    "pursuit": _pursuit,
    "pursuit_shown": _pursuit_shown,
    "accept": _accept,
    "stop_dots": _stop_dots,
    "check": _check,
    "redo": _redo,
    "keep": _keep,
    "no_calibration": _no_calibration,
    "recentre": _recentre,
    "undo": _undo,
    "save_profile": _save_profile,
    "record": _record,
    "stop_recording": _stop_recording,
    "trigger": _trigger,
    "stimulus": _stimulus,
    "screen_video": _screen_video,
    "clock": _clock,
    "smoothing": _smoothing,
    "stream": _stream,
    "look_at": _look_at,
    "posture": _posture,
}
