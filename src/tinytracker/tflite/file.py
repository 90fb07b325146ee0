"""The bytes of a .tflite file, checked before any engine sees them."""

from __future__ import annotations

from pathlib import Path

from tinytracker.errors import ModelError
from tinytracker.tflite.verify import verify


def read_tflite(source: Path | bytes) -> bytes:
    """A file's bytes, or those given, looked through; raises ModelError if they cannot be read or are no
    whole .tflite (`verify.verify`)."""
    if isinstance(source, bytes):
        content = source
    else:
        try:
            content = source.read_bytes()
        except OSError as error:
            raise ModelError(f"cannot read {source}: {error.strerror}; expected a .tflite file") from error
    verify(content, name_of(source))
    return content


def name_of(source: Path | bytes) -> str:
    """What messages call a file, or bytes that never were one."""
    return "the network" if isinstance(source, bytes) else str(source)
