"""nRF Connect Power Profiler's .ppk2: a zip of session.raw (float32 LE microamperes and uint16 LE logic bits,
six bytes a sample) and metadata.json (samplesPerSecond, formatVersion)."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from tinytracker.costs.trace import Trace
from tinytracker.costs.traces.supply import need_supply
from tinytracker.errors import InputError
from tinytracker.files import DAMAGE, parse_json

_SAMPLE = np.dtype([("current_ua", "<f4"), ("bits", "<u2")])
VERSIONS = (1, 2)


def read(path: Path, supply_v: float | None) -> Trace:
    """Raises InputError if it is no such zip, is damaged, or without the supply voltage."""
    volts = need_supply(supply_v, path.name)
    try:
        with zipfile.ZipFile(path) as archive:
            metadata = parse_json(archive.read("metadata.json"))["metadata"]
            session = archive.read("session.raw")
            rate_hz, version = float(metadata["samplesPerSecond"]), int(metadata.get("formatVersion", 1))
    except DAMAGE as error:
        raise InputError(f"{path} is no .ppk2 of the Power Profiler: {error}") from error
    if version not in VERSIONS:
        raise InputError(f"{path} is a .ppk2 of format {version}; known are {', '.join(map(str, VERSIONS))}")
    if len(session) % _SAMPLE.itemsize:
        raise InputError(f"{path} is cut off: {len(session)} bytes of samples, {_SAMPLE.itemsize} each")
    samples = np.frombuffer(session, _SAMPLE)
    power_mw = samples["current_ua"] * np.float32(volts / 1e3)
    return Trace(
        power_mw, rate_hz, (samples["bits"] & 0xFF).astype(np.uint8), meter="Nordic PPK2 (recording)"
    )
