"""Our own: a .npz with everything a `Trace` holds, so that a measurement can be analysed again."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np

from tinytracker.costs.trace import Trace, Window
from tinytracker.errors import InputError
from tinytracker.files import DAMAGE, written_aside

VERSION = 1
_ABOUT = "about.npy"


def is_kept(path: Path) -> bool:
    """Whether a zip is one of ours."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _ABOUT in archive.namelist()
    except DAMAGE:
        return False


def write(trace: Trace, path: Path) -> None:
    """Writes a trace whole or not at all; raises OutputError, and InputError unless the name ends in .npz."""
    if path.suffix != ".npz":
        raise InputError(f"a trace is kept as .npz, not {path.suffix or path.name}")
    about = {
        "version": VERSION,
        "rate_hz": trace.rate_hz,
        "blocks": [(block.begin_s, block.end_s) for block in trace.blocks],
        "inferences": trace.inferences,
        "gain_error": trace.gain_error,
        "rate_error": trace.rate_error,
        "meter": trace.meter,
        "remarks": trace.remarks,
    }
    with written_aside(path) as aside:
        told = np.array(json.dumps(about))
        if trace.marks is None:
            np.savez(aside, power_mw=trace.power_mw, about=told)
        else:
            np.savez(aside, power_mw=trace.power_mw, about=told, marks=trace.marks)


def read(path: Path) -> Trace:
    """Raises InputError for a damaged file or one of a later version."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            about = json.loads(str(arrays["about"]))
            if about["version"] != VERSION:
                raise InputError(
                    f"{path} was written by another version of tinytracker ({about['version']}, here "
                    f"{VERSION})"
                )
            return Trace(
                power_mw=arrays["power_mw"],
                rate_hz=float(about["rate_hz"]),
                marks=arrays.get("marks"),
                blocks=tuple(Window(begin, end) for begin, end in about["blocks"]),
                inferences=about["inferences"],
                gain_error=about["gain_error"],
                rate_error=about["rate_error"],
                meter=about["meter"],
                remarks=tuple(about["remarks"]),
            )
    except DAMAGE as error:
        raise InputError(f"{path} is no trace that tinytracker kept: {error}") from error
