"""A session's report: one HTML file that needs nothing else, and the same figures as JSON. No picture of the
person."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Any

from tinytracker.files import write_text
from tinytracker.session.areas import AreaLooks, area_looks, read_areas
from tinytracker.session.events import LIGHT
from tinytracker.session.folder import AREAS_FILE, REPORT_HTML, REPORT_JSON
from tinytracker.session.quality import SessionQuality, session_quality
from tinytracker.session.reader import Session

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #161c22; }
h1 { font-size: 1.7rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; } p.lead { font-size: 1.2rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .3rem .6rem; border-bottom: 1px solid #d0d8e0; }
th:first-child, td:first-child { text-align: left; } th { color: #55626f; font-weight: 600; }
.soft { color: #55626f; } svg { width: 100%; height: auto; background: #f3f5f7; border-radius: 8px; }
@media (prefers-color-scheme: dark) { body { background: #0e1217; color: #e9eef3; } svg { background: #161c23; }
th, .soft { color: #a5b2bf; } th, td { border-color: #2c3641; } }
"""  # noqa: E501


GUESSED = (
    "<p>The screen's size was a guess, so degrees and centimetres are off by as much as it is; pixels are "
    "right.</p>"
)
_BEFORE = "<p>The dots below were shown before the calibration was in force: as the network gave it.</p>"
_TERMS = (
    "Terms as in the literature: accuracy is the angle between the dot and the mean direction; RMS-S2S the "
    "root mean square of the angles between successive frames; STD their standard deviation; BCEA the area "
    "that holds 68 %. Degrees assume eyes 6.3 cm apart and the camera's field of view."
)


def write_report(session: Session, folder: Path | None = None) -> tuple[Path, Path]:
    """Writes report.html and report.json into the session's folder, or another one; gives their paths."""
    quality = session_quality(session)
    areas = kept_areas(session)
    place = folder or session.folder
    page, figures = place / REPORT_HTML, place / REPORT_JSON
    write_text(page, report_html(session, quality, areas))
    about: dict[str, Any] = {
        "session": session.folder.name,
        "model": session.info.model,
        "model_sha256": session.info.model_sha256,
    }
    about["light"] = [{"from_s": round(at_s, 1), "words": words} for at_s, words in light_of(session)]
    write_text(
        figures,
        json.dumps(about | quality.as_json() | {"areas": [asdict(looks) for looks in areas]}, indent=2)
        + "\n",
    )
    return page, figures


def verdict(quality: SessionQuality) -> str:
    """The one sentence of a report."""
    used, raw = quality.mean("mean_error_deg"), quality.mean("mean_error_deg", used=False)
    if used is None:
        return "No dot was shown while recording, so nothing is known of the error; press r before Dots and Check."  # noqa: E501
    if quality.check:
        return f"{quality.check} So said the check that was made while recording."
    dots = "dot" if len(quality.dots) == 1 else "dots"
    kind = (
        f"{dots} kept out of any calibration"
        if quality.held_out
        else "of the calibration's own dots, so too kindly"
    )
    without = "" if raw is None else f", {raw:.1f} as the network gave it"
    return f"Off by {used:.1f} degrees on average at {len(quality.dots)} {kind}{without}."


def kept_areas(session: Session) -> list[AreaLooks]:
    """How the areas of interest that are kept with a session were looked at; none if there are none."""
    path = session.folder / AREAS_FILE
    return area_looks(session.rows, read_areas(path)) if path.is_file() else []


def light_of(session: Session) -> list[tuple[float, str]]:
    """What the light was, in words, and from when on, seconds since the first row; none if nobody looked."""
    notes = [event for event in session.events_of("note") if event.label.startswith(LIGHT)]
    first_ns = int(session.rows["t_ns"][0]) if len(session.rows) else session.info.started_ns
    return [(max(0.0, (note.t_ns - first_ns) / 1e9), note.label.removeprefix(LIGHT)) for note in notes]


def report_html(session: Session, quality: SessionQuality, areas: Sequence[AreaLooks] = ()) -> str:
    """The whole page."""
    info, screen = session.info, session.screen
    title = html.escape(info.name or session.folder.name)
    facts = [
        ("recorded", info.created),
        ("length", f"{quality.duration_s:.1f} s, {quality.frames} frames"),
        ("frames with gaze", f"{100 * (1 - quality.loss):.1f} %, {quality.effective_hz:.1f} a second"),
        ("network", f"{info.model} ({info.model_sha256[:12]})"),
        (
            "camera",
            f"{info.camera.source}, {info.camera.width_px} x {info.camera.height_px}, by the "
            f"{info.camera.frames_by}",
        ),
        ("screen", _screen_words(session)),
        ("distance", _distance_words(quality)),
        (
            "light",
            "; ".join(f"{words}, from {at_s:.0f} s" for at_s, words in light_of(session)) or "not known",
        ),
        ("calibration", _calibration_words(session)),
        (
            "drift",
            "not known"
            if quality.drift_deg_per_min is None
            else f"{quality.drift_deg_per_min:+.2f} degrees a minute",
        ),
    ]
    state = (
        ("" if info.closed else "<p>The recording was not closed in order: this is what there is of it.</p>")
        + (_BEFORE if quality.check else "")
        + (GUESSED if info.screen.get("size_from") == "guess" else "")
    )
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{html.escape(value)}</td></tr>" for name, value in facts
    )
    plots = (
        ""
        if screen is None or not quality.dots
        else _plan(quality, screen.width_points, screen.height_points)
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head><body>"
        f"<h1>{title}</h1><p class=lead>{html.escape(verdict(quality))}</p>{state}<table>{rows}</table>"
        f"<h2>Measures</h2>{_measures(quality)}<h2>At each dot</h2>{plots}{_dots(quality)}{_areas(areas)}"
        f"<p class=soft>Made by {html.escape(info.program)}. {_TERMS}</p></body></html>\n"
    )


def _calibration_words(session: Session) -> str:
    """The calibrations that were in force, in turn; one may have been made while recording."""
    used = session.rows["calibration_id"]
    changes = [str(used[0]), *(str(now) for last, now in pairwise(used) if now != last)] if len(used) else []
    return ", then ".join(one or "none" for one in changes) or session.info.calibration_id or "none"


def _screen_words(session: Session) -> str:
    screen = session.screen
    if screen is None:
        return "size not known"
    size = f"{screen.screen_width_cm:.1f} x {screen.screen_height_cm:.1f} cm, {screen.width_points} x {screen.height_points} px"  # noqa: E501
    return f"{size} ({session.info.screen.get('size_from', 'given')})"


def _distance_words(quality: SessionQuality) -> str:
    if quality.distance_cm is None:
        return "not known"
    low, middle, high = quality.distance_cm
    return f"{middle:.0f} cm (90 % within {low:.0f} to {high:.0f}), estimated"


def _measures(quality: SessionQuality) -> str:
    names = {
        "mean_error_deg": "mean error of frames",
        "accuracy_deg": "accuracy",
        "rms_s2s_deg": "RMS-S2S",
        "std_deg": "STD",
    }
    lines = [
        "<tr><th>mean over the dots</th><th>degrees</th><th>cm</th><th>px</th><th>network alone, "
        "degrees</th></tr>"
    ]
    for measure, words in names.items():
        degrees, raw = quality.mean(measure), quality.mean(measure, used=False)
        scale = next((dot.used for dot in quality.dots), None)
        cm, px = (None, None) if scale is None else (scale.in_cm(degrees), scale.in_px(degrees))
        cells = "".join(
            f"<td>{_number(value, places)}</td>"
            for value, places in ((degrees, 2), (cm, 2), (px, 0), (raw, 2))
        )
        lines.append(f"<tr><td>{words}</td>{cells}</tr>")
    area, raw_area = quality.mean("bcea_deg2"), quality.mean("bcea_deg2", used=False)
    lines.append(
        f"<tr><td>BCEA 68 %, square degrees</td><td>{_number(area, 2)}</td><td></td><td></td>"
        f"<td>{_number(raw_area, 2)}</td></tr>"
    )
    return f"<table>{''.join(lines)}</table>"


def _dots(quality: SessionQuality) -> str:
    names = ("dot", "at, s", "place, px", "error, deg", "cm", "px", "before", "loss")
    head = f"<tr>{''.join(f'<th>{name}</th>' for name in names)}</tr>"
    lines = []
    for number, dot in enumerate(quality.dots, 1):
        used = dot.used
        values = [
            f"{dot.time_s:.1f}",
            f"{dot.x_px:.0f}, {dot.y_px:.0f}",
            _number(used.mean_error_deg, 2),
            _number(used.in_cm(used.mean_error_deg), 2),
            _number(used.in_px(used.mean_error_deg), 0),
            _number(dot.raw.mean_error_deg, 2),
            f"{100 * used.loss:.0f} %",
        ]
        cells = "".join(f"<td>{value}</td>" for value in values)
        lines.append(f"<tr><td>{number} ({html.escape(dot.label)})</td>{cells}</tr>")
    return f"<table>{head}{''.join(lines)}</table>"


def _areas(areas: Sequence[AreaLooks]) -> str:
    if not areas:
        return ""
    head = "".join(f"<th>{name}</th>" for name in ("area", "looked at, s", "share", "first, s", "visits"))
    lines = [
        f"<tr><td>{html.escape(looks.name)}</td><td>{looks.dwell_s:.1f}</td>"
        f"<td>{100 * looks.share:.0f} %</td><td>{_number(looks.first_s, 1)}</td><td>{looks.visits}</td></tr>"
        for looks in areas
    ]
    return f"<h2>Areas of interest</h2><table><tr>{head}</tr>{''.join(lines)}</table>"


def _plan(quality: SessionQuality, width: int, height: int) -> str:
    """The screen with each dot and, as a circle round it, its mean error."""
    unit = width / 100
    marks = []
    for number, dot in enumerate(quality.dots, 1):
        radius = dot.used.in_px(dot.used.mean_error_deg)
        if radius is not None:
            marks.append(
                f'<circle cx="{dot.x_px:.0f}" cy="{dot.y_px:.0f}" r="{radius:.0f}" fill="#0b6f6433" '
                f'stroke="#0b6f64"/>'
            )
        marks.append(f'<circle cx="{dot.x_px:.0f}" cy="{dot.y_px:.0f}" r="{unit / 2:.1f}" fill="#c77700"/>')
        marks.append(
            f'<text x="{dot.x_px + unit:.0f}" y="{dot.y_px - unit:.0f}" font-size="{1.8 * unit:.0f}" '
            f'fill="#8090a0">{number}</text>'
        )
    return f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="Dots and mean errors">{"".join(marks)}</svg>'  # noqa: E501


def _number(value: float | None, decimals: int) -> str:
    return "" if value is None or value != value else f"{value:.{decimals}f}"
