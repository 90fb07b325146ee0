"""The bytes of a .tflite file, checked before any engine sees them."""

from __future__ import annotations

from pathlib import Path

from tinytracker.errors import ModelError

IDENTIFIER = b"TFL3"  # at byte 4 of every .tflite file (TensorFlow's schema.fbs, file_identifier)


def read_tflite(path: Path) -> bytes:
    """The file's bytes; raises ModelError if it cannot be read or does not begin as a .tflite file does."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}; expected a .tflite file") from error
    if content[4:8] != IDENTIFIER:
        what = "an empty file" if not content else f"{len(content)} bytes that begin with {content[:8]!r}"
        raise ModelError(f"{path} is not a .tflite file: expected 'TFL3' at byte 4, found {what}; give a network, not its card")
    return content
