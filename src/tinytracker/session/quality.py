"""How good the gaze of a session is: at each dot, together, before and after calibration, and as time went
by."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tinytracker.calibration.dots import SETTLE_NS
from tinytracker.calibration.quality import DataQuality, data_quality
from tinytracker.calibration.samples import GazeArrays
from tinytracker.geometry import points_to_camera_cm, visual_angle_deg
from tinytracker.session.events import Event
from tinytracker.session.reader import Session
from tinytracker.session.rows import GazeRows

# Of which dots a report judges: held-out ones if there are any, else what there is, said so.
HELD_OUT = ("check", "demo")


@dataclass(frozen=True, slots=True)
class DotQuality:
    """One dot. time_s: since the session began. label: its purpose. raw, used: before calibration and
    filter, and as it was shown and recorded."""

    time_s: float
    label: str
    x_px: float
    y_px: float
    raw: DataQuality
    used: DataQuality


@dataclass(frozen=True, slots=True)
class SessionQuality:
    """duration_s, frames, loss, effective_hz: of the whole session. dots: each dot with a gaze. held_out:
    whether they took no part in a calibration. drift_deg_per_min: slope of the error at the dots over time;
    None from fewer than three.
    distance_cm: 5th, 50th, 95th percentile; None if it was never known. check: where all dots were shown
        before the calibration that was made of them came into force, what its own check told; else ""."""

    duration_s: float
    frames: int
    loss: float
    effective_hz: float
    dots: list[DotQuality]
    held_out: bool
    drift_deg_per_min: float | None
    distance_cm: tuple[float, float, float] | None
    check: str = ""

    def mean(self, measure: str, used: bool = True) -> float | None:
        """The mean over the dots of one of DataQuality's measures; None without dots."""
        values = [getattr(dot.used if used else dot.raw, measure) for dot in self.dots]
        known = [value for value in values if value is not None and math.isfinite(value)]
        return float(np.mean(known)) if known else None

    def as_json(self) -> dict[str, Any]:
        """Everything as plain numbers; what is not known is null."""
        plain: dict[str, Any] = _finite_only(asdict(self))
        return plain


def session_quality(session: Session) -> SessionQuality:
    """Measures a session; without dots or without a screen size only what needs none.

    Held-out dots of before a calibration was in force count only if there are none since: they would say of
    the calibrated gaze what the network alone did.
    """
    rows = session.rows
    whole = data_quality(arrays_of(rows))
    dots = [dot for event in session.dots if (dot := _dot_quality(session, event)) is not None]
    held_out = [dot for dot in dots if dot.label in HELD_OUT]
    begins_s = _calibrated_from_s(rows)
    since = [] if begins_s is None else [dot for dot in held_out if dot.time_s >= begins_s]
    judged = since or held_out or dots
    distances = rows["distance_cm"][np.isfinite(rows["distance_cm"])]
    return SessionQuality(
        duration_s=float(rows.time_s[-1]) if len(rows) else 0.0,
        frames=len(rows),
        loss=whole.loss,
        effective_hz=whole.effective_hz,
        dots=judged,
        held_out=bool(held_out),
        drift_deg_per_min=_drift(judged),
        distance_cm=tuple(float(value) for value in np.percentile(distances, [5, 50, 95]))
        if len(distances)
        else None,  # type: ignore[arg-type]
        check="" if since or begins_s is None else _check_words(session),
    )


def _calibrated_from_s(rows: GazeRows) -> float | None:
    """When the first calibrated row was taken, seconds since the session began; None without one."""
    calibrated = np.flatnonzero(rows["calibration_id"] != "")
    return float(rows.time_s[calibrated[0]]) if len(calibrated) else None


def _check_words(session: Session) -> str:
    """The sentence of the check of the calibration in force at the end; "" without one."""
    calibration = session.last_calibration
    check = None if calibration is None else calibration.validation
    if check is None:
        return ""
    return check.sentence_in_px if session.info.screen.get("size_from") == "guess" else check.sentence


def arrays_of(rows: GazeRows, raw: bool = False) -> GazeArrays:
    """Rows as the measures take them; raw: before calibration and filter."""
    return GazeArrays(
        t_ns=rows["t_ns"],
        x_deg=rows["raw_x_deg" if raw else "x_deg"],
        y_deg=rows["raw_y_deg" if raw else "y_deg"],
        distance_cm=rows["distance_cm"],
        openness=(rows["left_openness"] + rows["right_openness"]) / 2,
    )


def _dot_quality(session: Session, event: Event) -> DotQuality | None:
    screen = session.screen
    rows = session.rows.between(event.t_ns + SETTLE_NS, event.t_ns + round(event.duration_ms * 1e6) + 1)
    distances = rows["distance_cm"][rows["valid"]]
    if screen is None or event.x_px is None or event.y_px is None or not len(distances):
        return None
    distance_cm = float(np.median(distances))
    x_cm, y_cm = points_to_camera_cm(event.x_px, event.y_px, screen)
    x_deg, y_deg = visual_angle_deg(x_cm, y_cm, distance_cm)
    target = float(x_deg), float(y_deg)
    px_per_cm = screen.width_points / screen.screen_width_cm
    raw, used = (
        data_quality(arrays_of(rows, is_raw), target, px_per_cm=px_per_cm, distance_cm=distance_cm)
        for is_raw in (True, False)
    )
    since_s = (event.t_ns - int(session.rows["t_ns"][0])) / 1e9
    return DotQuality(since_s, event.label, event.x_px, event.y_px, raw, used)


def _drift(dots: list[DotQuality]) -> float | None:
    known = [
        (dot.time_s / 60, dot.used.mean_error_deg) for dot in dots if dot.used.mean_error_deg is not None
    ]
    if len(known) < 3:
        return None
    minutes, errors = np.array(known).T
    return float(np.polyfit(minutes, errors, 1)[0]) if np.ptp(minutes) > 0 else None


def _finite_only(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite_only(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite_only(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
