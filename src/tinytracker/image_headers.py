"""What a picture's header announces, read without decoding it: its kind and its size.

A few thousand bytes may announce gigabytes of pixels, so the size is asked for first. Each kind's header is
described in its own standard: JPEG in ITU T.81 (annex B), PNG in ISO 15948, TIFF in its revision 6.0, WebP in
RFC 9649, AVIF and HEIC in ISO 23008-12.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

JPEG_START, JPEG_END = b"\xff\xd8", b"\xff\xd9"
JPEG_START_OF_SCAN = 0xDA
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {
    0xC4,
    0xC8,
    0xCC,
}  # starts of frames; those left out are tables
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx")
_SEARCHED_BYTES = 1 << 20  # of an AVIF file: its sizes stand in front of the pixels
_MOST_PAGES = 10_000
_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257


def kind_of_picture(content: bytes) -> str | None:
    """ "JPEG", "PNG", "GIF", "BMP", "WebP", "TIFF", "AVIF" or "HEIC", by the first bytes; None for
    anything else."""
    starts = {
        JPEG_START: "JPEG",
        b"\x89PNG\r\n\x1a\n": "PNG",
        b"GIF8": "GIF",
        b"BM": "BMP",
        b"II*\0": "TIFF",
        b"MM\0*": "TIFF",
    }
    for start, kind in starts.items():
        if content.startswith(start):
            return kind
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WebP"
    if content[4:8] == b"ftyp":
        length = int.from_bytes(content[:4], "big")
        brands = [content[place : place + 4] for place in range(8, min(length, 256), 4)]
        if b"avif" in brands or b"avis" in brands:
            return "AVIF"
        if any(brand in _HEIC_BRANDS for brand in brands):
            return "HEIC"
    return None


def announced_size_px(content: bytes) -> tuple[int, int] | None:
    """(width, height) in pixels of the largest picture in a file; None where the header does not say it.

    >>> announced_size_px(b"GIF89a" + bytes([64, 0, 48, 0]))
    (64, 48)
    """
    try:
        match kind_of_picture(content):
            case "JPEG":
                return _largest(_jpeg_sizes(content))
            case "PNG":
                return struct.unpack_from(">II", content, 16)
            case "GIF":
                return struct.unpack_from("<HH", content, 6)
            case "BMP":
                return _bmp_size(content)
            case "WebP":
                return _webp_size(content)
            case "TIFF":
                return _largest(_tiff_sizes(content))
            case "AVIF" | "HEIC":
                return _largest(_spatial_extents(content[:_SEARCHED_BYTES]))
    except (struct.error, IndexError):  # the header breaks off
        return None
    return None


def jpeg_segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, start, end) of each segment of a JPEG's header, with the start of the first scan as the last
    one.

    start and end are those of what the segment holds (ITU T.81, annex B).
    """
    place = len(JPEG_START)
    while place + 4 <= len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if marker == 0xFF:  # a marker may be preceded by any number of fill bytes
            place += 1
            continue
        end = place + 2 + int.from_bytes(content[place + 2 : place + 4], "big")
        yield marker, place + 4, end
        if marker == JPEG_START_OF_SCAN:
            return
        place = end


def is_whole_jpeg(content: bytes) -> bool:
    """Whether the end marker comes after the start of the picture's data.

    The segments before it are walked over, as they may hold a whole JPEG themselves (a thumbnail); in the
    data the marker cannot occur by chance, and what cameras append behind it does no harm.
    """
    return any(
        marker == JPEG_START_OF_SCAN and content.rfind(JPEG_END, end) >= 0
        for marker, _, end in jpeg_segments(content)
    )


def _largest(sizes: Iterator[tuple[int, int]]) -> tuple[int, int] | None:
    return max(sizes, key=lambda size: size[0] * size[1], default=None)


def _jpeg_sizes(content: bytes) -> Iterator[tuple[int, int]]:
    for marker, start, _ in jpeg_segments(content):
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", content, start + 1)
            yield width, height


def _bmp_size(content: bytes) -> tuple[int, int]:
    if struct.unpack_from("<I", content, 14)[0] == 12:  # the header of OS/2
        return struct.unpack_from("<HH", content, 18)
    width, height = struct.unpack_from("<ii", content, 18)
    return abs(width), abs(height)  # a negative height: stored from the top


def _webp_size(content: bytes) -> tuple[int, int] | None:
    chunk, start = content[12:16], 20
    if chunk == b"VP8X":  # three bytes each, less one
        return tuple(int.from_bytes(content[at : at + 3], "little") + 1 for at in (start + 4, start + 7))  # type: ignore[return-value]
    if chunk == b"VP8L":  # 14 bits each, less one, after a signature
        bits = int.from_bytes(content[start + 1 : start + 5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 ":  # 14 bits each, after a frame tag and a start code of three bytes each
        width, height = struct.unpack_from("<HH", content, start + 6)
        return width & 0x3FFF, height & 0x3FFF
    return None


def _tiff_sizes(content: bytes) -> Iterator[tuple[int, int]]:
    """Of every page: each directory says where the next one is. Raises struct.error where directories lie
    over each other or in a circle, so that they have more entries than there are bytes for."""
    order = "<" if content.startswith(b"II") else ">"
    (place,) = struct.unpack_from(order + "I", content, 4)
    entries_left = len(content) // 12
    for _ in range(_MOST_PAGES):
        if place == 0:
            return
        (count,) = struct.unpack_from(order + "H", content, place)
        entries_left -= count
        if entries_left < 0:
            raise struct.error("more entries than bytes")
        size = {}
        for entry in range(place + 2, place + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(order + "HH", content, entry)
            if tag in (_TIFF_WIDTH, _TIFF_HEIGHT):
                (size[tag],) = struct.unpack_from(order + ("H" if kind == 3 else "I"), content, entry + 8)
        if len(size) == 2:
            yield size[_TIFF_WIDTH], size[_TIFF_HEIGHT]
        (place,) = struct.unpack_from(order + "I", content, place + 2 + 12 * count)


def _spatial_extents(content: bytes) -> Iterator[tuple[int, int]]:
    """Of every picture of an AVIF or HEIC file: property boxes "ispe" hold four bytes, then width and
    height."""
    place = content.find(b"ispe")
    while place >= 0:
        yield struct.unpack_from(">II", content, place + 8)
        place = content.find(b"ispe", place + 4)
