"""One door for every recording: the format is told by the file's first bytes, not by its name."""

from __future__ import annotations

from pathlib import Path

from tinytracker.costs.trace import Trace
from tinytracker.errors import InputError

FORMATS = (
    "PPK2 (.ppk2, CSV), Joulescope (.jls, CSV), EEMBC/MLPerf energy.bin with timestamps.json, MLCommons "
    "results.json, "
    "plain CSV, tinytracker's .npz"
)


def read_trace(path: Path, supply_v: float | None = None) -> Trace:
    """Reads a recording. supply_v: the supply voltage, for recordings of current alone (PPK2, LPM01A).

    Raises InputError if it is no recording of a known format, is damaged, or needs a voltage and has none.
    """
    from tinytracker.costs.traces import csv_file, eembc, jls, kept, mlcommons, ppk2_file

    if path.exists() and not path.is_file():  # what is read twice, and may never end
        raise InputError(f"{path} is no regular file; expected a recording: {FORMATS}")
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as error:
        raise InputError(f"cannot read the recording {path}: {error.strerror}") from error
    if head.startswith(b"PK"):
        return kept.read(path) if kept.is_kept(path) else ppk2_file.read(path, supply_v)
    if jls.is_jls(head):
        return jls.read(path)
    if head[:1] == bytes([eembc.MAGIC]):
        return eembc.read(path)
    if head.lstrip()[:1] in (b"[", b"{"):
        return mlcommons.read(path)
    if head and all(
        byte in b"\t\r\n" or 32 <= byte < 127 or byte >= 0xC2 or byte in range(0x80, 0xC0) for byte in head
    ):
        return csv_file.read(path, supply_v)
    raise InputError(f"{path} is no recording of power that is known here; expected {FORMATS}")
