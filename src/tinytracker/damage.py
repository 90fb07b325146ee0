"""What is wrong with a file that its reader could not read, in a user's words: readers speak of magic strings
and buffers, where the file is empty or was not copied to its end."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import BinaryIO

LARGEST_HEAD_BYTES = 1 << 20
EMPTY, CUT_OFF = "it is empty", "it is cut off"


def damage_of(path: Path, error: BaseException) -> str:
    """ "it is empty"; "it is cut off", where a file's kind tells (.npy, .npz and other zips, Parquet,
    safetensors, MP4); else what the reader said.

    >>> from tempfile import NamedTemporaryFile
    >>> with NamedTemporaryFile() as file:
    ...     damage_of(Path(file.name), EOFError("No data left in file"))
    'it is empty'
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            if size == 0:
                return EMPTY
            if _is_cut_off(file, size):
                return CUT_OFF
    except OSError as unreadable:
        return unreadable.strerror or str(error)
    return str(error)


def is_cut_json(text: str, error: json.JSONDecodeError) -> bool:
    """Whether JSON that cannot be read ends in the middle.

    >>> def wrong(text):
    ...     try:
    ...         json.loads(text)
    ...     except json.JSONDecodeError as error:
    ...         return is_cut_json(text, error)
    >>> [wrong(text) for text in ('{"a": [1, 2', '{"a": "b', '{"a": tru', '{"a": 1]', '{"a" 1}')]
    [True, True, True, False, False]
    """
    rest = text[error.pos :].strip()
    if error.msg == "Extra data":
        return False
    if error.msg.startswith("Invalid \\u"):
        return '"' not in rest
    if error.msg.startswith("Unterminated string"):
        return "\n" not in rest
    return any(word.startswith(rest) for word in ("true", "false", "null", "-"))


def _is_cut_off(file: BinaryIO, size: int) -> bool:
    file.seek(0)
    head = file.read(8)
    if head.startswith(b"PK\x03\x04"):
        return not zipfile.is_zipfile(file)  # its table of contents stands at the end
    if head.startswith(b"PAR1"):
        file.seek(-4, 2)
        return file.read() != b"PAR1"
    if head.startswith(b"\x93NUMPY"):
        return size < _npy_bytes(file, head)
    if head[4:] == b"ftyp":
        return size < _mp4_bytes(file, size)
    return size < _safetensors_bytes(file, head)


def _npy_bytes(file: BinaryIO, head: bytes) -> float:
    """How long a .npy must be; without end where its head is cut."""
    import numpy as np

    file.seek(0)
    try:
        version = np.lib.format.read_magic(file)
        read = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = read(file)
    except Exception:  # a head is text that NumPy evaluates: it may raise whatever Python can
        return float("inf") if len(head) < 8 or not file.read(1) else 0
    if dtype.hasobject:
        return 0  # they are pickled, however long that is
    return file.tell() + dtype.itemsize * int(np.prod(shape, dtype=object))


def _mp4_bytes(file: BinaryIO, size: int) -> int:
    """How long an MP4 must be: where its last box that begins in the file ends."""
    place = 0
    while place < size:
        file.seek(place)
        box = file.read(16)
        length = int.from_bytes(box[:4], "big")
        if length == 1:
            length = int.from_bytes(box[8:], "big")
        if length < 8:  # 0: to the end of the file
            return place if length == 0 else 0
        place += length
    return place


def _safetensors_bytes(file: BinaryIO, head: bytes) -> float:
    """How long a safetensors file must be; 0 for what is none."""
    length = int.from_bytes(head, "little")
    if len(head) < 8 or not 2 <= length <= LARGEST_HEAD_BYTES:
        return 0
    header = file.read(length)
    if not header.startswith(b"{"):
        return 0
    if len(header) < length:
        return float("inf")
    try:
        ends = [
            entry["data_offsets"][1] for name, entry in json.loads(header).items() if name != "__metadata__"
        ]
        return 8 + length + max(ends, default=0)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        return 0
