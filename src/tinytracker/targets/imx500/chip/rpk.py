"""Reading a packaged network (network.rpk): the text that says what the chip's input is, without the chip.

The file is a row of blocks, each "9464", size, flags ... "3695" (and 32 bytes more for a locked device), and
after them a CPIO archive ("newc") that holds network_info.txt; as picamera2 0.3.38 and the kernel's driver
read it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tinytracker.errors import ModelError
from tinytracker.targets.imx500.chip.isp import Registers, registers_of

INFO_FILE = "network_info.txt"
_HEADER_BYTES, _FRAME_BYTES, _FOOTER_BYTES, _LOCK_BYTES = 8, 60, 4, 32
_CPIO_HEADER_BYTES = 110
_CPIO_MAGIC = b"070701"
_CPIO_END = "TRAILER!!!"


@dataclass(frozen=True, slots=True)
class PackagedNetwork:
    """What a packaged network says of its input. info: the keys of its first network."""

    width_px: int
    height_px: int
    registers: Registers
    info: dict[str, str]


def read_rpk(path: Path) -> PackagedNetwork:
    """Reads a packaged network; raises ModelError, naming the file, if it is none."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"cannot read {path}: {error.strerror}; expected the network.rpk that imx500-package writes"
        ) from error
    text = dict(_archive(content[_archive_start(content, path) :], path)).get(INFO_FILE)
    if text is None:
        raise ModelError(f"{path} holds no {INFO_FILE}; expected the network.rpk that imx500-package writes")
    info = _first_network(text.decode("ascii", errors="replace"))
    try:
        width_px, height_px = int(info["inputTensorWidth"]), int(info["inputTensorHeight"])
    except (KeyError, ValueError) as error:
        raise ModelError(
            f"{path}: its {INFO_FILE} has no usable {error}; package the network again"
        ) from error
    return PackagedNetwork(width_px, height_px, registers_of(info, str(path)), info)


def _archive_start(content: bytes, path: Path) -> int:
    """Where the blocks of firmware end."""
    place = 0
    while content[place : place + 4] == b"9464":
        (size,) = struct.unpack_from(">I", content, place + 4)
        flags = content[place + _HEADER_BYTES : place + 2 * _HEADER_BYTES]
        footer = place + size + _FRAME_BYTES
        if content[footer : footer + _FOOTER_BYTES] != b"3695":
            raise ModelError(
                f"{path} is broken: a block of firmware does not end where it says; package the network again"
            )
        place = footer + _FOOTER_BYTES + (_LOCK_BYTES if len(flags) > 6 and flags[6] & 1 else 0)
    return place


def _archive(content: bytes, path: Path) -> Iterator[tuple[str, bytes]]:
    """The files of a CPIO archive by name."""
    place = 0
    while content[place : place + len(_CPIO_MAGIC)] == _CPIO_MAGIC:
        try:
            fields = [int(content[place + 6 + 8 * k : place + 14 + 8 * k], 16) for k in range(13)]
        except ValueError as error:
            raise ModelError(
                f"{path} is broken: {error} in its archive; package the network again"
            ) from error
        size, name_bytes = fields[6], fields[11]
        name_at = place + _CPIO_HEADER_BYTES
        name = content[name_at : name_at + name_bytes - 1].decode(errors="replace")
        if name == _CPIO_END:
            return
        data_at = _aligned(name_at + name_bytes)
        yield name, content[data_at : data_at + size]
        place = _aligned(data_at + size)


def _aligned(place: int) -> int:
    return place + -place % 4


def _first_network(text: str) -> dict[str, str]:
    """The keys of network 0: those after its networkOrdinal, up to the next one's."""
    networks = text.split("networkOrdinal=")[1:]
    lines = networks[0].splitlines()[1:] if networks else []
    return {
        key.strip(): value.strip()
        for key, separator, value in (line.partition("=") for line in lines)
        if separator
    }
