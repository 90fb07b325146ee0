"""What happened besides gaze: fixations, blinks, triggers, dots; events.csv."""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Literal, cast, get_args

from tinytracker.errors import SessionError
from tinytracker.files import read_grown_csv

EventKind = Literal[
    "fixation",
    "blink",
    "trigger",
    "dot",
    "stimulus",
    "recentre",
    "recentre_undone",
    "calibration",
    "gap",
    "note",
]
"""fixation, blink: as found while recording. trigger: a key 1 to 9 or POST /trigger. dot: a place was shown
to be looked at (label: calibration, check, recentre or demo). stimulus: from now on this file of `stimuli`
fills the screen (label: its name, "" for none any more). recentre, recentre_undone, calibration: what
is applied to gaze changed.
gap: the camera was gone. note: anything else worth keeping, such as the light (`LIGHT` and words)."""

LIGHT = "light: "
"""How a note begins that says what the light was from then on."""


@dataclass(frozen=True, slots=True)
class Event:
    """t_ns: its start, on the clock of the gaze rows. duration_ms: 0 for a moment. x_px, y_px: place on the
    screen, if it has one; x_deg, y_deg: the same as gaze angles. label: which one: a trigger's name, a dot's
    purpose."""

    t_ns: int
    kind: EventKind
    duration_ms: float = 0.0
    x_px: float | None = None
    y_px: float | None = None
    x_deg: float | None = None
    y_deg: float | None = None
    label: str = ""


EVENT_COLUMNS = tuple(entry.name for entry in fields(Event))
_DECIMALS = {"duration_ms": 1, "x_px": 1, "y_px": 1, "x_deg": 3, "y_deg": 3}


def event_row(event: Event) -> list[str]:
    """An event as a row of events.csv; empty where there is nothing to say."""
    return [_text(name, value) for name, value in zip(EVENT_COLUMNS, astuple(event), strict=True)]


def _text(name: str, value: object) -> str:
    if value is None:
        return ""
    return f"{value:.{_DECIMALS[name]}f}" if name in _DECIMALS else str(value)


def read_events(path: Path) -> list[Event]:
    """The events of a file, in order of their start; an unfinished last line is left out.

    Raises SessionError for a file that is no events.csv.
    """
    if not path.exists():
        return []
    try:
        rows = read_grown_csv(path)
    except (OSError, ValueError) as error:
        raise SessionError(f"{path} cannot be read: {error}") from error
    if not rows:
        return []
    if tuple(rows[0]) != EVENT_COLUMNS:
        raise SessionError(
            f"{path} has the columns {', '.join(rows[0])}; expected {', '.join(EVENT_COLUMNS)}"
        )
    events = []
    for number, row in enumerate(rows[1:], 2):
        try:
            events.append(_event(row))
        except ValueError as error:
            raise SessionError(f"{path}, line {number}: {error}") from error
    return sorted(events, key=lambda event: event.t_ns)


def _event(row: list[str]) -> Event:
    if len(row) != len(EVENT_COLUMNS):
        raise ValueError(f"{len(row)} values instead of {len(EVENT_COLUMNS)}")
    t_ns, kind, duration_ms, x_px, y_px, x_deg, y_deg, label = row
    if kind not in get_args(EventKind):
        raise ValueError(f"an event of kind {kind!r}; expected one of {', '.join(get_args(EventKind))}")
    return Event(
        t_ns=int(t_ns),
        kind=cast(EventKind, kind),
        duration_ms=_finite(duration_ms),
        x_px=_finite_or_none(x_px),
        y_px=_finite_or_none(y_px),
        x_deg=_finite_or_none(x_deg),
        y_deg=_finite_or_none(y_deg),
        label=label,
    )


def _finite_or_none(text: str) -> float | None:
    return None if text == "" else _finite(text)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not a number")
    return value
