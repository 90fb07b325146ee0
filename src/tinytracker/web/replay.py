"""Recorded sessions for the Replay screen: which there are, and one as JSON that a page can draw."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.responses import FileResponse, JSONResponse, Response

from tinytracker.calibration.calibration import Calibration
from tinytracker.calibration.conditions import NetworkUsed
from tinytracker.calibration.profile import refuse_other_network
from tinytracker.errors import SessionError, UsageError
from tinytracker.geometry import camera_cm_to_points, point_at_angle_cm
from tinytracker.session.areas import area_looks, areas_of, read_areas, write_areas
from tinytracker.session.folder import AREAS_FILE, STIMULI_FOLDER, read_info
from tinytracker.session.reader import Session, find_sessions, read_session
from tinytracker.session.report import write_report
from tinytracker.session.rows import GazeRows
from tinytracker.session.stimuli import stimuli_of
from tinytracker.tracking.sinks import COLUMNS
from tinytracker.tracking.sinks import as_text as csv_text
from tinytracker.web.messages import as_text

LISTED = 200
REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"
"""A report brings its style along, and nothing else."""


class Replay:
    """The sessions in one folder. calibration: gives the one in force now, for calibrating a session
    again."""

    def __init__(self, parent: Path, calibration: Callable[[], Calibration | None] = lambda: None) -> None:
        self.parent = parent
        self._calibration = calibration

    def list(self) -> list[dict[str, Any]]:
        """Name, time, state of each session, newest first; a broken one says so."""
        found = []
        for folder in find_sessions(self.parent)[:LISTED]:
            try:
                info = read_info(folder)
                found.append(
                    {
                        "name": folder.name,
                        "created": info.created,
                        "closed": info.closed,
                        "video": info.has_video,
                    }
                )
            except SessionError as error:
                found.append({"name": folder.name, "problem": str(error)})
        return found

    def folder(self, name: str) -> Path:
        """The folder of a session by its name; raises SessionError for one that is not in the list."""
        for folder in find_sessions(self.parent):
            if folder.name == name:
                return folder
        raise SessionError(f"there is no session {name!r} in {self.parent}")

    def answer(self, name: str, what: str) -> Response:
        """data: the session as JSON. calibrated: its gaze by the calibration in force now. areas: those kept
        with it. gaze.csv: the rows. report: report.html, made anew and kept with it. Raises TinytrackerError
        for anything else."""
        folder = self.folder(name)
        if what == "areas":
            kept = folder / AREAS_FILE
            return JSONResponse([asdict(area) for area in read_areas(kept)] if kept.is_file() else [])
        if what == "report":
            page, _ = write_report(read_session(folder))
            return FileResponse(page, headers={"content-security-policy": REPORT_POLICY})
        if what == "gaze.csv":
            return Response(_csv_of(read_session(folder).rows), media_type="text/csv")
        if what == "data":
            message = session_message(read_session(folder))
            return Response(as_text(message), media_type="application/json")
        if what == "calibrated":
            return JSONResponse(_calibrated(read_session(folder), self._calibration()))
        raise SessionError(f"a session has data, calibrated, areas, gaze.csv and report, not {what!r}")

    def stimulus(self, name: str, file: str) -> Path:
        """A file that was shown in a session; raises SessionError if it was not."""
        session = read_session(self.folder(name))
        if file not in {shown.name for shown in stimuli_of(session)}:
            raise SessionError(f"{file!r} was not shown in {name}")
        return session.folder / STIMULI_FOLDER / file

    def measure_areas(self, name: str, wish: object) -> Response:
        """{"areas": [...], "from_s", "to_s", "keep"}: how they were looked at in that time, in seconds since
        the first row; kept with the session if so asked. Raises UsageError for anything else."""
        if not isinstance(wish, Mapping):
            raise UsageError("expected areas, from_s, to_s and keep")
        areas, rows = areas_of(wish.get("areas")), read_session(self.folder(name)).rows
        since_s, until_s = (wish.get(key) for key in ("from_s", "to_s"))
        if isinstance(since_s, int | float) and isinstance(until_s, int | float) and len(rows):
            first_ns = int(rows["t_ns"][0])
            latest_s = float(rows.time_s[-1]) + 1.0
            begins_s, ends_s = (min(max(0.0, value), latest_s) for value in (since_s, until_s))
            rows = rows.between(first_ns + round(begins_s * 1e9), first_ns + round(ends_s * 1e9))
        if wish.get("keep") is True:
            write_areas(self.folder(name) / AREAS_FILE, areas)
        return JSONResponse([asdict(looks) for looks in area_looks(rows, areas)])


def session_message(session: Session) -> dict[str, Any]:
    """What Replay draws: gaze by time in pixels and degrees, events, the screen."""
    rows = session.rows
    first_ns = int(rows["t_ns"][0]) if len(rows) else session.info.started_ns
    return {
        "name": session.folder.name,
        "info": asdict(session.info),
        "time_s": _rounded(rows.time_s, 3),
        "x_px": _rounded(rows["screen_x_px"], 1),
        "y_px": _rounded(rows["screen_y_px"], 1),
        "valid": [bool(value) for value in rows["valid"]],
        "events": [
            asdict(event) | {"time_s": round((event.t_ns - first_ns) / 1e9, 3)} for event in session.events
        ],
        "error_px": _expected_error_px(session),
        "stimuli": [
            {
                "name": shown.name,
                "kind": shown.kind,
                "from_s": round((shown.start_ns - first_ns) / 1e9, 3),
                "to_s": round((shown.end_ns - first_ns) / 1e9, 3),
            }
            for shown in stimuli_of(session)
        ],
    }


def _expected_error_px(session: Session) -> float | None:
    """The expected error of the calibration in force as a length on the screen; None without one."""
    calibration, screen = session.last_calibration, session.screen
    distances = session.rows["distance_cm"]
    if calibration is None or screen is None or not np.isfinite(distances).any():
        return None
    length_cm = np.tan(np.radians(calibration.error_to_come.deg)) * float(np.nanmedian(distances))
    return float(length_cm * screen.width_points / screen.screen_width_cm)


def _calibrated(session: Session, calibration: Calibration | None) -> dict[str, Any]:
    """The gaze of a session, in pixels, as the calibration would have had it: from the raw columns,
    without a filter."""
    screen, rows = session.screen, session.rows
    if calibration is None or not calibration.is_useful:
        raise UsageError("there is no calibration in force now; do the dots first")
    if screen is None:
        raise SessionError(f"{session.folder} has no screen size, so gaze has no place on it")
    network = calibration.conditions.network
    if network is not None:
        refuse_other_network(
            calibration,
            NetworkUsed(session.info.model, session.info.model_sha256),
            "the calibration in force",
        )
    x_deg, y_deg = calibration.apply(rows["raw_x_deg"], rows["raw_y_deg"])
    x_cm, y_cm = point_at_angle_cm(x_deg, y_deg, rows["distance_cm"])
    x_px, y_px = camera_cm_to_points(x_cm, y_cm, screen)
    return {"id": calibration.id, "x_px": _rounded(x_px, 1), "y_px": _rounded(y_px, 1)}


def _csv_of(rows: GazeRows) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    columns = [rows[name].tolist() for name in COLUMNS]
    kinds = list(COLUMNS.values())
    for row in zip(*columns, strict=True):
        writer.writerow([_cell(value, *kind) for value, kind in zip(row, kinds, strict=True)])
    return text.getvalue()


def _cell(value: Any, kind: type, decimals: int | None) -> str:
    missing = (kind is float and not np.isfinite(value)) or (kind is int and value == -1)
    return csv_text(None if missing else value, decimals)


def _rounded(values: NDArray[np.float64], decimals: int) -> list[float | None]:
    return [None if not np.isfinite(value) else round(float(value), decimals) for value in values]
