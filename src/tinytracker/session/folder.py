"""What lies in a session's folder, and session.json: what was recorded with what."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, get_type_hints

from tinytracker.calibration.strict import decode
from tinytracker.errors import SessionError
from tinytracker.files import read_json, write_text

FORMAT_VERSION = 1
INFO_FILE, CALIBRATION_FILE, EVENTS_FILE = "session.json", "calibration.json", "events.csv"
CSV_FILE, PARQUET_FILE, VIDEO_FILE = "gaze.csv", "gaze.parquet", "camera.mkv"
STIMULI_FOLDER = "stimuli"  # what was looked at, each file by its own name
AREAS_FILE = "areas.json"
CALIBRATIONS_FOLDER = "calibrations"  # those that came into force later, ID.json
REPORT_HTML, REPORT_JSON = "report.html", "report.json"

_NS, _MS = (-(2.0**63), 2.0**63), (-1e15, 1e15)
_RANGES = {name: _NS for name in ("t_ns", "started_ns", "started_unix_ns")} | {
    name: _MS for name in ("offset_ms", "jitter_ms")
}


@dataclass(frozen=True, slots=True)
class CameraInfo:
    """source: its name. frames_by: who took the frames: "server", "browser" (as JPEG) or "renderer".
    width_px, height_px: of the frames; 0 before the first. fov_deg: field of view across the longer side, as
    distances were made with it. mirrored: whether they were changed back from a mirror's (--mirrored)."""

    source: str = ""
    frames_by: str = "server"
    width_px: int = 0
    height_px: int = 0
    fov_deg: float = 60.0
    mirrored: bool = False


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """How the page's clock stood to ours at t_ns: page time = our monotonic time + offset_ms, within
    +-jitter_ms."""

    t_ns: int
    offset_ms: float
    jitter_ms: float


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """session.json.

    name: as the person gave it. created: UTC, ISO 8601. program: who wrote it. model, model_sha256: the
    network. screen: as `devices.read_screen` reads it, or empty if its size is not known. started_ns,
    started_unix_ns: the same moment on the clock of `t_ns` and in Unix time. calibration_id: the profile in
    force at the start, "" for none. stimulus: the name of the file that was shown then. closed: whether
    recording ended in order; false while it goes on, and for ever after a crash.
    """

    name: str
    created: str
    program: str
    model: str
    model_sha256: str
    camera: CameraInfo
    started_ns: int
    started_unix_ns: int
    screen: dict[str, Any] = field(default_factory=dict)
    calibration_id: str = ""
    stimulus: str = ""
    clock_offsets: tuple[ClockOffset, ...] = ()
    has_video: bool = False
    closed: bool = False

    def changed(self, **values: Any) -> SessionInfo:
        """The same with other values."""
        return replace(self, **values)


def write_info(folder: Path, info: SessionInfo) -> None:
    """Writes session.json, whole or not at all."""
    write_text(folder / INFO_FILE, json.dumps({"format": FORMAT_VERSION, **asdict(info)}, indent=2) + "\n")


def read_info(folder: Path) -> SessionInfo:
    """What session.json says.

    Raises SessionError if `folder` is no session, one of a newer format, or its session.json is broken.
    """
    path = folder / INFO_FILE
    if not path.is_file():
        what = "has no session.json" if folder.is_dir() else "is not a folder"
        raise SessionError(f"{folder} {what}; expected a folder that `tinytracker live` recorded")
    try:
        content = read_json(path)
        if not isinstance(content.get("screen", {}), dict):
            raise ValueError("its screen is no object")
        version = content.pop("format")
        if version != FORMAT_VERSION:
            raise SessionError(
                f"{folder} is a session of format {version}, and this tinytracker reads {FORMAT_VERSION}; "
                f"update it"
            )
        return SessionInfo(
            **_known(SessionInfo, content)
            | {
                "camera": CameraInfo(**_known(CameraInfo, content["camera"])),
                "clock_offsets": tuple(
                    ClockOffset(**_known(ClockOffset, entry)) for entry in content["clock_offsets"]
                ),
            }
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SessionError(
            f"{path} is broken ({type(error).__name__}: {error}); expected what `tinytracker live` writes"
        ) from error


def _known(kind: type, content: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that a dataclass has, those of plain types looked at: what a later minor version adds is
    passed over. Raises ValueError for values of other types."""
    types = get_type_hints(kind)
    return {
        name: decode(types[name], value, _RANGES, name) if types[name] in (str, int, float, bool) else value
        for name, value in content.items()
        if name in types
    }
