"""The compiled half of `jpeg.py`: entropy decoding, inverse DCT, chroma upsampling and colour of part of a JPEG.

Integer arithmetic as in libjpeg's accurate integer DCT and its smooth ("fancy") upsampling, so that the pixels are the same
to the last bit. numba widens sums of int32 to int64, which no SIMD unit shifts well, hence the casts.
"""

from __future__ import annotations

import numpy as np

from tinytracker.errors import MissingExtraError

try:
    from numba import njit
except ImportError as error:  # pragma: no cover - exercised by an environment without the extra
    raise MissingExtraError("numba", "data") from error

LOOKUP_BITS = 11  # of a code and the number behind it together: nearly all are shorter, and the table fits the cache
LANES = 16  # blocks transformed at once: what SIMD units hold, as there are no loops between them
END_OF_BLOCK = 128  # as a run: past the 64 coefficients of a block, and not to be mistaken for a run that is too long
SIXTEEN_ZEROS = 0xF0  # the only other symbol without a number
BLOCKS_OF_COMPONENT = np.array([4, 1, 1])  # in a unit of 16 x 16 pixels: 2 x 2 of luma, one each of blue and red
_CODE_SHIFT, _LOOKUP_SHIFT = np.uint64(48), np.uint64(64 - LOOKUP_BITS)
_ONE, _FOUR = np.uint64(1), np.uint64(4)

i32 = np.int32


@njit(cache=True, inline="always")
def _refill(data, at, held, bits):
    """At least 32 bits into `held` (uint64, the next bit on top); returns at, held, bits, and how many are made up.

    Behind a byte 0xFF there is either a 0, which does not count, or the end of the data: from there on zeros are made up.
    """
    word = (
        np.uint64(data[at]) << np.uint64(24)
        | np.uint64(data[at + _ONE]) << np.uint64(16)
        | np.uint64(data[at + _ONE + _ONE]) << np.uint64(8)
        | np.uint64(data[at + _ONE + _ONE + _ONE])
    )
    made_up = 0
    if (((word ^ np.uint64(0xFFFFFFFF)) - np.uint64(0x01010101)) & word & np.uint64(0x80808080)) == 0:
        at += _FOUR  # no byte is 0xFF
    else:
        word = np.uint64(0)
        for _ in range(4):
            byte = data[at]
            if byte != 0xFF:
                at += _ONE
            elif data[at + _ONE] == 0:
                at += _ONE + _ONE
            else:
                byte = np.uint8(0)
                made_up += 8
            word = word << np.uint64(8) | np.uint64(byte)
    return at, held | word << np.uint64(32 - bits), bits + 32, made_up


@njit(cache=True)
def _number(held, size):
    """The number that `size` bits stand for (ITU T.81, table F.1 and figure F.12)."""
    if size == 0:
        return 0
    value = np.int64(held >> np.uint64(64 - size))
    return value - (1 << size) + 1 if value < 1 << (size - 1) else value


@njit(cache=True)
def decode_units(data, tables, lookups, component_tables, quantities, places, columns, left, right, top, bottom, planes):
    """Decodes the units (16 x 16 pixels) from column `left` to `right` and row `top` to `bottom` into planes of samples.

    data: uint8, the picture's data from behind the start-of-scan segment on. tables: uint16 (n, 65536), by the next 16 bits
    the length of the code times 256 plus its symbol, 0 for no code. lookups: int32 (n, 2 ** LOOKUP_BITS), by the next bits
    number times 65536 plus run times 256 plus length of both, 0 where that is too short. component_tables: (3, 2), which of
    them serve DC and AC. quantities: int32 (3, 64) in the file's order. places: (64,), file's order to row * 8 + column.
    columns: units in a row of the whole picture. planes: uint8 luma, blue, red, of the units wanted.
    Returns whether the data is sound.
    """
    at, held, bits, made_up = np.uint64(0), np.uint64(0), np.int64(0), 0
    wide = right - left
    # Of a row of units: luma above, luma below, blue, red; batches of LANES blocks, coefficient by coefficient.
    coefficients = np.zeros((4, (2 * wide + LANES - 1) // LANES * 64 * LANES), np.int32)
    last = np.zeros(3, np.int64)
    for row in range(bottom):
        for column in range(columns):
            wanted = row >= top and left <= column < right
            for component in range(3):
                quantity = quantities[component]
                dc_table, ac_table = component_tables[component, 0], component_tables[component, 1]
                lookup = lookups[ac_table]
                for block in range(BLOCKS_OF_COMPONENT[component]):
                    if bits <= 32:
                        at, held, bits, more = _refill(data, at, held, bits)
                        made_up += more
                    code = tables[dc_table, held >> _CODE_SHIFT]
                    size = np.int64(code & 255)
                    if code == 0 or size > 11:
                        return False
                    held <<= np.uint64(code >> 8)
                    last[component] += _number(held, size)
                    held <<= np.uint64(size)
                    bits -= np.int64(code >> 8) + size
                    which = block >> 1 if component == 0 else component + 1
                    place = 2 * (column - left) + (block & 1) if component == 0 else column - left
                    target = coefficients[which]
                    lane = place // LANES * 64 * LANES + place % LANES
                    if wanted:
                        target[lane] = last[component] * quantity[0]
                    index = np.int64(1)
                    while index < 64:
                        if bits <= 32:
                            at, held, bits, more = _refill(data, at, held, bits)
                            made_up += more
                        found = lookup[held >> _LOOKUP_SHIFT]
                        if found != 0:
                            index += found >> 8 & 255
                            value = np.int64(found >> 16)
                            length = np.int64(found & 255)
                            held <<= np.uint64(length)
                        else:
                            code = tables[ac_table, held >> _CODE_SHIFT]
                            if code == 0:
                                return False
                            symbol, size = np.int64(code & 255), np.int64(code & 15)
                            index += END_OF_BLOCK if size == 0 and symbol != SIXTEEN_ZEROS else symbol >> 4
                            held <<= np.uint64(code >> 8)
                            value = _number(held, size)
                            held <<= np.uint64(size)
                            length = np.int64(code >> 8) + size
                        bits -= length
                        if wanted and index < 64:
                            target[lane + places[index] * LANES] = value * quantity[index]
                        index += 1
                    if 64 < index < END_OF_BLOCK:
                        return False
            if bits < made_up:
                return False
        if row >= top:
            y = row - top
            is_sound = _transform(coefficients[0], planes[0], 16 * y, 2 * wide)
            is_sound &= _transform(coefficients[1], planes[0], 16 * y + 8, 2 * wide)
            is_sound &= _transform(coefficients[2], planes[1], 8 * y, wide)
            is_sound &= _transform(coefficients[3], planes[2], 8 * y, wide)
            if not is_sound:
                return False
            coefficients[:] = 0
    return True


@njit(cache=True)
def count_markers(data):
    """How many bytes 0xFF in uint8 data are not followed by 0."""
    count = 0
    for i in range(len(data) - 1):
        count += (data[i] == 0xFF) & (data[i + 1] != 0)
    return count


@njit(cache=True)
def _transform(coefficients, plane, y, blocks):
    """Inverse DCT of a row of blocks into 8 rows of a plane of samples; see `decode_units` for the order.

    Returns whether sums of any two numbers on the way fit 16 bits, as they do unless the data is damaged; else what libjpeg
    makes of them depends on the processor.
    """
    beyond = i32(0)
    columns_done, rows_done = np.empty(64 * LANES, np.int32), np.empty(64 * LANES, np.int32)
    samples = np.empty(64 * LANES, np.uint8)
    for batch in range((blocks + LANES - 1) // LANES):
        for column in range(8):
            _eight(coefficients, columns_done, batch * 64 * LANES, column * LANES, 8 * LANES, 11)
        for k in range(64 * LANES):
            beyond |= i32(coefficients[batch * 64 * LANES + k] + 16384) >> 15 | i32(columns_done[k] + 16384) >> 15
        for row in range(8):
            _eight(columns_done, rows_done, 0, 8 * row * LANES, LANES, 18)
        for k in range(64 * LANES):
            samples[k] = min(max(rows_done[k] + 128, 0), 255)
        for row in range(8):
            for lane in range(min(LANES, blocks - batch * LANES)):
                x = 8 * (batch * LANES + lane)
                for column in range(8):
                    plane[y + row, x + column] = samples[(8 * row + column) * LANES + lane]
    return beyond == 0


@njit(cache=True, inline="always")
def _eight(source, target, start, first, step, shift):
    """Eight-point inverse DCT (Loeffler, Ligtenberg, Moschytz 1989; constants times 2 ** 13) for each lane.

    The numbers lie at first, first + step, ... 7 of both arrays, counted from `start` in the source.
    """
    half = i32(1 << (shift - 1))
    for lane in range(LANES):
        t = first + lane
        s = start + t
        a, b, c, d = source[s], source[s + step], source[s + 2 * step], source[s + 3 * step]
        e, f, g, h = source[s + 4 * step], source[s + 5 * step], source[s + 6 * step], source[s + 7 * step]
        even = i32((c + g) * 4433)
        lower, upper = i32(even - g * 15137), i32(even + c * 6270)
        total, difference = i32(((a + e) << 13) + half), i32(((a - e) << 13) + half)
        even0, even3, even1, even2 = i32(total + upper), i32(total - upper), i32(difference + lower), i32(difference - lower)
        odd = i32((b + d + f + h) * 9633)
        outer, inner = i32((h + b) * -7373), i32((f + d) * -20995)
        third, fourth = i32((h + d) * -16069 + odd), i32((f + b) * -3196 + odd)
        odd0, odd1 = i32(h * 2446 + outer + third), i32(f * 16819 + inner + fourth)
        odd2, odd3 = i32(d * 25172 + inner + third), i32(b * 12299 + outer + fourth)
        target[t], target[t + 7 * step] = i32(even0 + odd3) >> shift, i32(even0 - odd3) >> shift
        target[t + step], target[t + 6 * step] = i32(even1 + odd2) >> shift, i32(even1 - odd2) >> shift
        target[t + 2 * step], target[t + 5 * step] = i32(even2 + odd1) >> shift, i32(even2 - odd1) >> shift
        target[t + 3 * step], target[t + 4 * step] = i32(even3 + odd0) >> shift, i32(even3 - odd0) >> shift


@njit(cache=True)
def to_rgb(planes, chroma_size, corner, left, top, out):
    """Samples to red, green and blue planes, uint8 (3, height, width), of which pixel 0 is (left, top) of the picture.

    planes: as `decode_units` left them; corner: (x, y) of their first luma sample in the picture. chroma_size: width and
    height in samples of the whole picture's chroma, at whose edges the outermost samples count twice.
    """
    height, width = out.shape[1:]
    luma_x, luma_y = left - corner[0], top - corner[1]
    chroma_x, chroma_y = corner[0] // 2, corner[1] // 2
    begin, end = max(left // 2 - 1, 0), min((left + width - 1) // 2 + 2, chroma_size[0])
    sums = np.empty(end - begin + 2, np.int16)
    wide = np.empty((2, 2 * (end - begin)), np.int16)
    skipped = left - 2 * begin
    for row in range(height):
        near = (top + row) // 2
        far = min(near + 1, chroma_size[1] - 1) if (top + row) % 2 else max(near - 1, 0)
        for k in range(2):
            plane = planes[k + 1][:, begin - chroma_x : end - chroma_x]
            _widen(plane[near - chroma_y], plane[far - chroma_y], sums, wide[k])
        luma = planes[0][luma_y + row, luma_x : luma_x + width]
        _mix(luma, wide[0, skipped : skipped + width], wide[1, skipped : skipped + width], out[0, row], out[1, row], out[2, row])


@njit(cache=True)
def _widen(near, far, sums, out):
    """A row of chroma at twice the resolution, less 128: three parts of the nearer sample and one of the farther, each way."""
    count = len(near)
    for i in range(count):
        sums[i + 1] = np.int16(3 * np.int16(near[i]) + np.int16(far[i]))
    sums[0], sums[count + 1] = sums[1], sums[count]
    for i in range(count):
        out[2 * i] = (np.int16(3 * sums[i + 1] + sums[i] + 8) >> 4) - 128
        out[2 * i + 1] = (np.int16(3 * sums[i + 1] + sums[i + 2] + 7) >> 4) - 128


@njit(cache=True)
def _mix(luma, blue, red, r, g, b):
    """A row of pixels, JFIF's YCbCr to RGB in 16-bit fixed point."""
    for i in range(len(luma)):
        y, u, v = i32(luma[i]), i32(blue[i]), i32(red[i])
        r[i] = min(max(i32(y + (i32(v * 91881 + 32768) >> 16)), 0), 255)
        g[i] = min(max(i32(y + (i32(u * -22554 + v * -46802 + 32768) >> 16)), 0), 255)
        b[i] = min(max(i32(y + (i32(u * 116130 + 32768) >> 16)), 0), 255)
