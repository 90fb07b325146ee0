"""`tinytracker screen`: the monitors of this computer, and one's size in a file for --screen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinytracker.cli.idle import refuse_idle
from tinytracker.cli.opening_page import say_page

if TYPE_CHECKING:
    from tinytracker.devices import Device
    from tinytracker.tracking.monitors import Monitor


def screen(
    out: Annotated[
        Path | None, typer.Option(help="Write a monitor's size here, for --screen.", metavar="FILE")
    ] = None,
    monitor: Annotated[
        int | None, typer.Option(min=0, help="Its number in the list; without it, the primary one.")
    ] = None,
    width_cm: Annotated[
        float | None, typer.Option(help="Its picture's width, if the monitor says it wrongly.")
    ] = None,
    height_cm: Annotated[
        float | None, typer.Option(help="Its picture's height, if its pixels are not square.")
    ] = None,
    width_px: Annotated[
        int | None, typer.Option(min=1, help="Its pixels, where no monitor is to be seen from here.")
    ] = None,
    height_px: Annotated[int | None, typer.Option(min=1, help="The same, downwards.")] = None,
    camera_above_cm: Annotated[
        float | None,
        typer.Option(
            help="From the camera down to the picture's upper edge; below 0 if inside the picture.",
            show_default="1.0",
        ),
    ] = None,
    camera_right_cm: Annotated[
        float | None,
        typer.Option(help="From the picture's left edge to the camera.", show_default="the middle"),
    ] = None,
    measure: Annotated[
        bool,
        typer.Option("--measure", help="Open a page on the screen and measure it with a bank card."),
    ] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="--measure: the page's port; 0 takes any free one.")
    ] = 0,
    browser: Annotated[
        bool, typer.Option("--open/--no-open", help="--measure: open the page in your browser.")
    ] = True,
) -> None:
    """List this computer's monitors; write one's size for --screen.

    A monitor tells its size in millimetres (EDID), and some tell it wrongly, or not at all. With --measure a
    page opens (extra web): drag its window to the screen in question, hold a bank card (85.6 mm) to the
    glass, and make a shape as wide as the card by the arrow keys. Or take a ruler, and give --width-cm;
    where the screen is another computer's, give its pixels, too. Where the camera sits matters as much.

    \b
    Examples:
      tinytracker screen
      tinytracker screen --monitor 1 --camera-above-cm 0.8 --out desk.json
      tinytracker screen --width-cm 34.5 --width-px 1920 --height-px 1080 --out laptop.json
      tinytracker screen --measure --out desk.json
    """
    from tinytracker.errors import UsageError
    from tinytracker.files import refuse_unwritable
    from tinytracker.tracking.monitors import Monitor, list_monitors, screen_of_monitor

    if out is not None:
        refuse_unwritable(out)
    if measure:
        where = "with --measure, which finds it"
        refuse_idle(where, monitor=monitor, width_cm=width_cm, height_cm=height_cm)
        refuse_idle(where, width_px=width_px, height_px=height_px)
        refuse_idle(where, camera_above_cm=camera_above_cm, camera_right_cm=camera_right_cm)
        _write(_measured(port, browser), out)
        return
    if out is None:
        refuse_idle(
            "without --out, which writes a monitor's size",
            monitor=monitor,
            width_cm=width_cm,
            height_cm=height_cm,
            width_px=width_px,
            height_px=height_px,
            camera_above_cm=camera_above_cm,
            camera_right_cm=camera_right_cm,
        )
    if (width_px is None) != (height_px is None):
        raise UsageError("--width-px and --height-px go together")
    if width_px is not None and height_px is not None:
        refuse_idle("with --width-px, which is of no monitor here", monitor=monitor)
        chosen = Monitor("screen", 0, 0, width_px, height_px, None, None)
    else:
        monitors = list_monitors()
        for number, found in enumerate(monitors):
            typer.echo(f"{number}: {found}")
        if out is None:
            return
        chosen = _of_number(monitor, monitors)
    above_cm = 1.0 if camera_above_cm is None else camera_above_cm
    _write(screen_of_monitor(chosen, width_cm, height_cm, above_cm, camera_right_cm), out)


def _of_number(number: int | None, monitors: list[Monitor]) -> Monitor:
    """The one of a number in the list; without it, the primary one."""
    from tinytracker.errors import UsageError

    if number is None:
        return next((one for one in monitors if one.is_primary), monitors[0])
    if number >= len(monitors):
        raise UsageError(f"there is no monitor {number}; the list above has {len(monitors)}")
    return monitors[number]


def _measured(port: int, browser: bool) -> Device:
    """The screen that somebody measures on a page."""
    from tinytracker.errors import DeviceError
    from tinytracker.web.measuring import Measuring

    measuring = Measuring(port)
    screen = measuring.run(
        lambda: say_page(measuring.address, "Ctrl-C ends it, and so does measuring", browser)
    )
    if screen is None:
        raise DeviceError("nobody has measured the screen, so nothing is written")
    return screen


def _write(screen: Device, out: Path | None) -> None:
    from tinytracker.devices import screen_json
    from tinytracker.files import write_text

    size = (
        f"{screen.screen_width_cm:g} x {screen.screen_height_cm:g} cm, "
        f"{screen.width_points} x {screen.height_points} px"
    )
    if out is None:
        typer.echo(f"{size}; with --out FILE it is written for --screen")
        return
    write_text(out, screen_json(screen))
    typer.echo(f"written: {out} ({size})")
