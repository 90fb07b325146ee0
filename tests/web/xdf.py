"""An XDF file of what LSL's inlets gave, as a recorder writes it (XDF 1.0): for pyxdf to read."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FILE_HEADER, STREAM_HEADER, SAMPLES, STREAM_FOOTER = 1, 2, 3, 6
Sample = tuple[Sequence[Any], float]


def write_xdf(path: Path, streams: Sequence[tuple[str, Sequence[Sample]]]) -> None:
    """streams: the XML of each inlet's info, and its samples (values, time stamp in seconds)."""
    content = b"XDF:" + _chunk(FILE_HEADER, b'<?xml version="1.0"?><info><version>1.0</version></info>')
    for number, (info, _) in enumerate(streams, start=1):
        content += _chunk(STREAM_HEADER, struct.pack("<I", number) + info.encode())
    for number, (_, samples) in enumerate(streams, start=1):
        rows = b"".join(
            b"\x08" + struct.pack("<d", time_s) + b"".join(map(_value, values)) for values, time_s in samples
        )
        content += _chunk(
            SAMPLES, struct.pack("<I", number) + b"\x04" + struct.pack("<I", len(samples)) + rows
        )
        footer = f"<?xml version='1.0'?><info><sample_count>{len(samples)}</sample_count></info>"
        content += _chunk(STREAM_FOOTER, struct.pack("<I", number) + footer.encode())
    path.write_bytes(content)


def _value(value: Any) -> bytes:
    if isinstance(value, str):
        return b"\x04" + struct.pack("<I", len(value.encode())) + value.encode()
    return struct.pack("<d", value)


def _chunk(tag: int, content: bytes) -> bytes:
    return b"\x04" + struct.pack("<IH", len(content) + 2, tag) + content
