"""Decoding a part of a JPEG: what lies outside the rows and columns wanted costs little, what lies below them nothing.

    picture = open_jpeg(content)  # None if it is of another kind than phones write
    pixels = picture.region(left, top, right, bottom)

The pixels are OpenCV's to the last bit, so it does not matter which of the two decoded a picture. For baseline JPEGs in
YCbCr with chroma at half the resolution both ways and no restart markers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from tinytracker.data.jpeg_kernels import END_OF_BLOCK, LOOKUP_BITS, SIXTEEN_ZEROS, count_markers, decode_units, to_rgb

UNIT_PX = 16
LEAST_SIDE_PX = 32  # libjpeg enlarges the chroma of tiny pictures in another way
_BASELINE, _HUFFMAN, _QUANTITIES, _START_OF_SCAN = 0xC0, 0xC4, 0xDB, 0xDA
_END = b"\xff\xd9"
# Applications' own segments but Adobe's, which may say that the colours are something else; and comments.
_WITHOUT_MEANING = {*range(0xE0, 0xF0), 0xFE} - {0xEE}
_PAD = bytes(8)  # the kernels look a few bytes ahead
# Places in a block, row * 8 + column, in the order of the file: along its diagonals, to and fro (ITU T.81, figure A.6).
_PLACES = np.array(sorted(range(64), key=lambda k: (k // 8 + k % 8, k // 8 if (k // 8 + k % 8) % 2 else k % 8)))


@dataclass(frozen=True, slots=True)
class Jpeg:
    """A JPEG whose header has been read. data: what follows the header, padded."""

    width_px: int
    height_px: int
    _data: np.ndarray
    _tables: tuple[np.ndarray, np.ndarray]
    _component_tables: np.ndarray
    _quantities: np.ndarray

    def region(self, left: int, top: int, right: int, bottom: int) -> np.ndarray | None:
        """The pixels of rows top to bottom and columns left to right, uint8 RGB, or None if the data is damaged.

        The region must lie in the picture and hold at least one pixel.
        """
        chroma_size = -(-self.width_px // 2), -(-self.height_px // 2)
        # The samples of one more column and row of chroma, on each side, have a part in the outermost pixels.
        ends = (min(right // 2 + 1, chroma_size[0]), min(bottom // 2 + 1, chroma_size[1]))
        first = max(left // 2 - 1, 0) * 2 // UNIT_PX, max(top // 2 - 1, 0) * 2 // UNIT_PX
        units = tuple(-(-end * 2 // UNIT_PX) for end in ends)
        wide, high = (units[0] - first[0]) * UNIT_PX, (units[1] - first[1]) * UNIT_PX
        planes = (
            np.empty((high, wide), np.uint8),
            np.empty((high // 2, wide // 2), np.uint8),
            np.empty((high // 2, wide // 2), np.uint8),
        )
        codes, lookups = self._tables
        columns = -(-self.width_px // UNIT_PX)
        if not decode_units(
            self._data, codes, lookups, self._component_tables, self._quantities, _PLACES, columns,
            first[0], units[0], first[1], units[1], planes,
        ):  # fmt: skip
            return None
        rgb = np.empty((3, bottom - top, right - left), np.uint8)
        to_rgb(planes, chroma_size, (first[0] * UNIT_PX, first[1] * UNIT_PX), left, top, rgb)
        return cv2.merge(tuple(rgb))


def open_jpeg(content: bytes) -> Jpeg | None:
    """Reads the header of a JPEG; None if it is of a kind that is not decoded here, or broken, or no JPEG at all."""
    quantities: dict[int, np.ndarray] = {}
    tables: dict[int, bytes] = {}
    frame = b""
    try:
        for marker, segment, end in _segments(content):
            if marker == _QUANTITIES:
                quantities |= _quantity_tables(segment)
            elif marker == _HUFFMAN:
                tables |= _huffman_tables(segment)
            elif marker == _BASELINE and not frame:
                frame = segment
            elif marker == _START_OF_SCAN:
                return _jpeg(frame, segment, quantities, tables, content[end:])
            elif marker not in _WITHOUT_MEANING:  # another kind of frame, restart intervals ...
                return None
    except (IndexError, KeyError, ValueError):  # something the header refers to is not there
        pass
    return None


def _segments(content: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Marker, content and end of each segment; those without content do not occur before the scan."""
    place = 2
    while content[place] == 0xFF:
        marker, length = content[place + 1], int.from_bytes(content[place + 2 : place + 4], "big")
        end = place + 2 + length
        yield marker, content[place + 4 : end], end
        place = end


def _quantity_tables(segment: bytes) -> dict[int, np.ndarray]:
    """Tables of 8-bit numbers, int32 (64,), by their number; raises ValueError if there are others."""
    found = {}
    for start in range(0, len(segment), 65):
        found[segment[start]] = np.frombuffer(segment[start + 1 : start + 65], np.uint8).astype(np.int32)
        if segment[start] > 3 or len(found[segment[start]]) != 64:
            raise ValueError
    return found


def _huffman_tables(segment: bytes) -> dict[int, bytes]:
    """Tables, 16 counts and the symbols, by their number, AC's from 16 on."""
    found, start = {}, 0
    while start < len(segment):
        end = start + 17 + sum(segment[start + 1 : start + 17])
        if segment[start] not in (0, 1, 16, 17) or end > len(segment):
            raise ValueError
        found[segment[start]] = segment[start + 1 : end]
        start = end
    return found


def _jpeg(frame: bytes, scan: bytes, quantities: dict[int, np.ndarray], tables: dict[int, bytes], data: bytes) -> Jpeg | None:
    """What header and data say, or None if they are not what is decoded here."""
    height, width = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
    is_known = (
        min(height, width) >= LEAST_SIDE_PX
        and (frame[0], frame[5:8], frame[9:11], frame[12:14]) == (8, b"\3\1\x22", b"\2\x11", b"\3\x11")
        and len(frame) == 15
        and (scan[0], scan[1], scan[3], scan[5], scan[7:]) == (3, 1, 2, 3, b"\0\x3f\0")
    )
    padded = np.frombuffer(data + _PAD, np.uint8)
    if not is_known or not data.endswith(_END) or count_markers(padded[: len(data)]) != 1:
        return None
    dc, ac = (tuple(number >> shift & 15 for number in scan[2:7:2]) for shift in (4, 0))
    used = tuple(tables.get(number, bytes(16)) for number in (0, 1, 16, 17))
    if max(dc + ac) > 1:
        return None
    numbers = np.stack([quantities[frame[place]] for place in (8, 11, 14)])
    return Jpeg(width, height, padded, _decoding_tables(used), np.array([dc, [2 + number for number in ac]]).T, numbers)


@lru_cache(maxsize=64)  # cameras write the same few tables into every picture, or tables of their own into each
def _decoding_tables(tables: tuple[bytes, ...]) -> tuple[np.ndarray, np.ndarray]:
    """`tables` and `lookups` of `decode_units` from what the file says (two tables for DC, two for AC).

    Raises ValueError if there is more of them than fits, or a DC symbol is no size.
    """
    if any(max(table[16:], default=0) > 15 for table in tables[:2]):
        raise ValueError
    codes = np.stack([_codes(table) for table in tables])
    return codes, np.stack([_lookup(table) for table in codes])


def _codes(table: bytes) -> np.ndarray:
    """By the next 16 bits: length of the code times 256 plus its symbol, uint16 (65536,); 0 for no code."""
    codes, first, place = np.zeros(1 << 16, np.uint16), 0, 16
    for length in range(1, 17):
        share = 1 << (16 - length)
        for symbol in table[place : place + table[length - 1]]:
            codes[first : first + share] = length << 8 | symbol
            first += share
        if first > 1 << 16 or (first == 1 << 16 and table[length - 1]):  # of ones alone there is no code
            raise ValueError
        place += table[length - 1]
    return codes


def _lookup(codes: np.ndarray) -> np.ndarray:
    """By the next LOOKUP_BITS bits of AC: number times 65536, run times 256 and length of both; 0 where it is longer."""
    bits = np.arange(1 << LOOKUP_BITS)
    code = codes[bits << (16 - LOOKUP_BITS)].astype(np.int32)
    run, size = code >> 4 & 15, code & 15
    length = (code >> 8) + size
    is_whole = (code > 0) & (length <= LOOKUP_BITS)
    number = bits >> np.maximum(LOOKUP_BITS - length, 0) & ((1 << size) - 1)
    number = np.where(number < 1 << np.maximum(size - 1, 0), number - (1 << size) + 1, number)
    number[size == 0] = 0
    run[(size == 0) & (code & 255 != SIXTEEN_ZEROS)] = END_OF_BLOCK
    return np.where(is_whole, number << 16 | run << 8 | length, 0).astype(np.int32)
