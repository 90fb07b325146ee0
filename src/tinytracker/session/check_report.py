"""A calibration's check as a page of its own: what Check showed, to be kept or passed on. No picture of
anybody."""

from __future__ import annotations

import html

import numpy as np

from tinytracker.calibration.calibration import Calibration
from tinytracker.calibration.check import Check, DotCheck
from tinytracker.calibration.conditions import ScreenUsed
from tinytracker.errors import UsageError
from tinytracker.session.report import GUESSED, STYLE

RADIUS_68 = 1.515
"""Of the ellipse that holds 68 % of a normal distribution in two dimensions, in standard deviations."""

_LEGEND = (
    "The dots took no part in the calibration. Circle with a point: the dot; ellipse: where 68 % of "
    "the frames lie, its middle the mean gaze. Degrees assume eyes 6.3 cm apart and the camera's field of "
    "view."
)


def check_report_html(calibration: Calibration | None, size_is_known: bool = True) -> str:
    """The whole page; size_is_known: whether the screen's size is more than a guess. Raises UsageError if
    there is no calibration, or nothing has checked it."""
    check = None if calibration is None else calibration.validation
    if calibration is None or check is None:
        raise UsageError("there is no check to report; do the dots first")
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{html.escape(value)}</td></tr>"
        for name, value in _facts(calibration, check)
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Check</title>'
        f"<style>{STYLE}</style></head><body><h1>How good is it?</h1>"
        f"<p class=lead>{html.escape(check.sentence if size_is_known else check.sentence_in_px)}</p>"
        f"{'' if size_is_known else GUESSED}<table>{rows}</table>"
        f"<h2>At each dot</h2>{_plan(check, calibration.conditions.screen)}{_table(check)}"
        f"<p class=soft>{_LEGEND}</p></body></html>\n"
    )


def _facts(calibration: Calibration, check: Check) -> list[tuple[str, str]]:
    used = calibration.conditions
    distances = [dot.distance_cm for dot in check.dots]
    facts = [
        ("calibrated", f"{calibration.created}, {len(calibration.dots)} dots ({calibration.id})"),
        ("off by, calibrated", _sizes(check.error_deg, check.error_cm, check)),
        ("off by, the network alone", _sizes(check.uncalibrated_deg, check.uncalibrated_cm, check)),
        ("always the middle of the dots", f"{check.centre_deg:.2f} degrees"),
        ("expected from now on", f"{check.expected.deg:.2f} degrees, likely {check.expected.low_deg:.2f} to "
         f"{check.expected.high_deg:.2f}"),
        ("distance", f"{np.median(distances):.0f} cm, estimated"),
    ]  # fmt: skip
    if used.network is not None:
        facts.append(("network", f"{used.network.name} ({used.network.sha256[:12]})"))
    if used.camera is not None:
        facts.append(("camera", f"{used.camera.name}, {used.camera.width_px} x {used.camera.height_px}"))
    if used.screen is not None:
        screen = used.screen
        size = f"{screen.width_cm:.1f} x {screen.height_cm:.1f} cm"
        facts.append(("screen", f"{size}, {screen.width_px} x {screen.height_px} px"))
    return facts


def _sizes(deg: float, cm: float, check: Check) -> str:
    px = "" if check.px_per_cm is None else f", {cm * check.px_per_cm:.0f} px"
    return f"{deg:.2f} degrees, {cm:.2f} cm{px}"


def _table(check: Check) -> str:
    head = "".join(
        f"<th>{name}</th>"
        for name in ("dot", "frames", "error, deg", "cm", "px", "before, deg", "before, cm")
    )
    lines = []
    for number, dot in enumerate(check.dots, 1):
        px = "" if check.px_per_cm is None else f"{dot.error_cm * check.px_per_cm:.0f}"
        values = (
            str(number),
            str(dot.frames),
            f"{dot.error_deg:.2f}",
            f"{dot.error_cm:.2f}",
            px,
            f"{dot.uncalibrated_deg:.2f}",
            f"{dot.uncalibrated_cm:.2f}",
        )
        lines.append(f"<tr>{''.join(f'<td>{value}</td>' for value in values)}</tr>")
    return f"<table><tr>{head}</tr>{''.join(lines)}</table>"


def _plan(check: Check, screen: ScreenUsed | None) -> str:
    """The screen in centimetres, its upper left corner at 0, 0; "" without one."""
    if screen is None:
        return ""
    unit = screen.width_cm / 100
    marks = "".join(_mark(number, dot, screen, unit) for number, dot in enumerate(check.dots, 1))
    return (
        f'<svg viewBox="{-2 * unit:.2f} {-2 * unit:.2f} {screen.width_cm + 4 * unit:.2f} '
        f'{screen.height_cm + 4 * unit:.2f}" role="img" aria-label="Dots, mean gaze and its spread">'
        f'<rect width="{screen.width_cm:.2f}" height="{screen.height_cm:.2f}" fill="none" stroke="#8090a0" '
        f'stroke-width="{unit / 8:.3f}"/>{marks}</svg>'
    )


def _mark(number: int, dot: DotCheck, screen: ScreenUsed, unit: float) -> str:
    x, y = _on_screen(dot.target_cm, screen)
    gaze_x, gaze_y = _on_screen(dot.gaze_cm, screen)
    (xx, xy), (_, yy) = dot.ellipse_deg2
    variances, axes = np.linalg.eigh(np.array([[xx, xy], [xy, yy]]))
    small, large = (
        RADIUS_68 * float(np.tan(np.radians(np.sqrt(max(0.0, value))))) * dot.distance_cm
        for value in variances
    )
    turn_deg = -float(
        np.degrees(np.arctan2(axes[1, 1], axes[0, 1]))
    )  # y is up in degrees, down on the screen
    return (
        f'<ellipse cx="{gaze_x:.2f}" cy="{gaze_y:.2f}" rx="{large:.2f}" ry="{small:.2f}" '
        f'transform="rotate({turn_deg:.1f} {gaze_x:.2f} {gaze_y:.2f})" fill="#0b6f6433" stroke="#0b6f64" '
        f'stroke-width="{unit / 6:.3f}"/>'
        f'<line x1="{x:.2f}" y1="{y:.2f}" x2="{gaze_x:.2f}" y2="{gaze_y:.2f}" stroke="#0b6f64" '
        f'stroke-width="{unit / 6:.3f}"/>'
        f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{1.2 * unit:.2f}" fill="none" stroke="#c77700" '
        f'stroke-width="{unit / 4:.3f}"/>'
        f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{unit / 3:.2f}" fill="#c77700"/>'
        f'<text x="{x + 1.6 * unit:.2f}" y="{y - 1.2 * unit:.2f}" font-size="{2 * unit:.2f}" fill="#8090a0">'
        f"{number}</text>"
    )


def _on_screen(point_cm: tuple[float, float], screen: ScreenUsed) -> tuple[float, float]:
    """From prediction space to cm from the screen's upper left corner."""
    return (
        point_cm[0] + screen.camera_to_screen_x_cm,
        -point_cm[1] - screen.camera_to_screen_y_cm,
    )
