"""Files that cameras' own tools write: AEDAT4 (iniVation), EVT2 and EVT3 in .raw and .dat (Prophesee), .es;
by faery."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tinytracker.damage import CUT_OFF
from tinytracker.errors import RecordingError
from tinytracker.events.files.reading import StreamRead, made_good
from tinytracker.events.stream import Events
from tinytracker.extras import need
from tinytracker.files import written_aside
from tinytracker.quiet import quiet_stderr

SUFFIXES = (".aedat4", ".raw", ".dat", ".es")
BEGINNINGS = {".aedat4": b"#!AER-DAT4", ".raw": b"%", ".dat": b"%", ".es": b"Event Stream"}
NO_SIZE = (65535, 65535)


def read(path: Path) -> StreamRead:
    """The events of a camera's file, up to where it is damaged, if it is.

    Raises RecordingError if there are none, MissingExtraError without faery.
    """
    need("faery", "events")
    suffix = path.suffix.lower()
    _refuse_another_kind(path, BEGINNINGS[suffix])
    packets, size_px, damage = _packets(path)
    if not packets:
        raise RecordingError(f"{path}: {damage or 'it has no events'}")
    whole = np.concatenate(packets)
    columns = {"t": whole["t"], "x": whole["x"], "y": whole["y"], "p": whole["on"]}
    notes = [f"damaged after {len(whole)} events ({damage}); what comes before is kept"] if damage else []
    return made_good(columns, None if size_px == NO_SIZE else size_px, path, notes)


def write(path: Path, events: Events) -> None:
    """Writes events as the suffix says: .aedat4 (compressed by LZ4), .raw (EVT3), .dat or .es, whole or not
    at all. Raises OutputError if it cannot, MissingExtraError without faery."""
    need("faery", "events")
    import faery

    rows = np.empty(len(events), faery.EVENTS_DTYPE)
    rows["t"], rows["x"], rows["y"], rows["on"] = events.t_us, events.x_px, events.y_px, events.on
    stream = faery.events_stream_from_array(rows, (events.width_px, events.height_px))
    with written_aside(path) as aside:
        stream.to_file(aside)


def _refuse_another_kind(path: Path, beginning: bytes) -> None:
    try:
        with path.open("rb") as file:
            found = file.read(len(beginning))
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}") from error
    if not found:
        raise RecordingError(f"{path} is empty; expected the events of a {path.suffix} file")
    if found != beginning:
        raise RecordingError(
            f"{path} begins with {found!r}, not with {beginning!r} as a {path.suffix} file does; it "
            f"is damaged, or of another kind"
        )


def _packets(path: Path) -> tuple[list[Any], tuple[int, int], str]:
    """The packets that can be read, the sensor's size, and what stopped the reading ("": the end)."""
    import faery

    packets: list[Any] = []
    size_px = NO_SIZE
    try:
        with quiet_stderr():  # the decoder, written in Rust, tells its panics there too
            stream = faery.events_stream_from_file(path, dimensions_fallback=NO_SIZE)
            size_px = stream.dimensions()
            for packet in stream:
                packets.append(packet)
    except BaseException as error:
        if not (isinstance(error, Exception) or type(error).__module__ == "pyo3_runtime"):
            raise
        told = str(error).strip() or type(error).__name__
        return packets, size_px, CUT_OFF if "fill whole buffer" in told else told
    return packets, size_px, ""
