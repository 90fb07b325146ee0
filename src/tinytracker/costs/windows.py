"""Where the blocks of inferences lie in a trace: by its own time stamps, by the marker's edges, or, with
checks, by its level.

An edge is certain. A level is a guess: on a board whose waiting for the serial port takes more power than its
inferences, the blocks found are the waits. So a segmentation by level is believed only if the number of
blocks is the one asked for, all are equally long, and as long as the board's own clock says they lasted; else
it is refused with what was found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinytracker.costs.trace import Trace, Window
from tinytracker.errors import InputError

BLOCKS = 5
LENGTH_TOLERANCE = (
    0.01  # blocks differ by less than this, from each other and from what the board's clock says
)
LONGEST_PULSE_S = 0.1  # a marker held no longer marks an instant, one held longer the whole block
SMOOTHING_S = 0.01
CLOSED_GAP_S = 0.02
SHORTEST_BLOCK_S = 2.0
HISTOGRAM_BINS = 256
STAMPS = "time stamps"  # are certain: blocks of a computer that is busy with other things differ


@dataclass(frozen=True, slots=True)
class Expected:
    """What is known of the blocks before they are looked for. count: how many; duration_s: of one, by the
    board's own clock or by inferences times latency; None where it is not known, and then nothing can be
    segmented by level."""

    count: int = BLOCKS
    duration_s: float | None = None


def find_blocks(trace: Trace, expected: Expected | None = None, bit: int | None = None) -> tuple[Window, ...]:
    """The blocks of a trace: those it names itself, else by edges of the marks, else by level.

    expected: the number and length to insist on (5 blocks by default). bit: which logic input carries the
    marker, None for the one that moves. Raises InputError, saying what was found, if the blocks are not what
    was expected.
    """
    expected = expected or Expected()
    if trace.blocks:
        return _checked(trace.blocks, expected, STAMPS)
    if trace.marks is not None and trace.marks.min() != trace.marks.max():
        return _checked(by_edges(trace, bit), expected, "the marker's edges")
    if expected.duration_s is None:
        raise InputError(
            "the trace has no marker, and without knowing how long a block lasts its level says nothing "
            "certain; give the block's length (inferences times latency, or the board's own clock), or wire "
            "the marker to the meter"
        )
    return _checked(by_level(trace), expected, "the level of power")


def by_edges(trace: Trace, bit: int | None = None) -> tuple[Window, ...]:
    """Blocks by the marker: a pulse of 10 us or more at the beginning and at the end of a block, or a level
    held through it.

    A trace begins with the marker at rest, high or low. A window runs from the begin of one pulse to the
    begin of the next, or over the held level. Raises InputError for no edge or an odd number of pulses.
    """
    assert trace.marks is not None
    level = _moving_bit(trace.marks, bit)
    changes = np.flatnonzero(np.diff(level)) + 1
    begins = np.concatenate(([0], changes))
    ends = np.concatenate((changes, [len(level)]))
    active = level[begins] != level[0]
    runs_s = (ends - begins)[active] / trace.rate_hz
    starts_s = begins[active] / trace.rate_hz
    if np.max(runs_s) > LONGEST_PULSE_S:
        if np.min(runs_s) <= LONGEST_PULSE_S:
            raise InputError(
                f"the marker is held {np.min(runs_s):.6f} s at least and {np.max(runs_s):.3f} s at most: "
                f"neither pulses (shorter than {LONGEST_PULSE_S} s) nor blocks; is it the right input, and "
                "does it have a pull-up?"
            )
        return tuple(
            Window(float(start), float(start + run)) for start, run in zip(starts_s, runs_s, strict=True)
        )
    if len(starts_s) % 2:
        raise InputError(
            f"{len(starts_s)} pulses of the marker: a block has one at its beginning and one at its end, so "
            "their number is even; the recording may have begun or ended inside a block"
        )
    return tuple(
        Window(float(begin), float(end)) for begin, end in zip(starts_s[::2], starts_s[1::2], strict=True)
    )


def by_level(trace: Trace) -> tuple[Window, ...]:
    """Candidates for blocks: stretches of 2 s and more whose power, smoothed over 10 ms, lies above Otsu's
    threshold on its logarithm; gaps below 20 ms are closed. What they are is for the caller to check."""
    step = max(1, round(trace.rate_hz * SMOOTHING_S / 10))
    count = len(trace.power_mw) // step
    with np.errstate(invalid="ignore"):
        coarse: NDArray[np.float64] = np.mean(
            trace.power_mw[: count * step].reshape(count, step), axis=1, dtype=np.float64
        )
    rate_hz = trace.rate_hz / step
    lost = np.isnan(coarse)
    if lost.all():
        return ()
    coarse[lost] = np.interp(np.flatnonzero(lost), np.flatnonzero(~lost), coarse[~lost])
    width = max(1, round(SMOOTHING_S * rate_hz))
    smooth = np.convolve(coarse, np.ones(width) / width, "same")
    level = np.log(np.maximum(smooth, 1e-6))
    runs = _closed(_runs(level > _otsu(level)), CLOSED_GAP_S * rate_hz)
    return tuple(
        Window(begin / rate_hz, end / rate_hz)
        for begin, end in runs
        if (end - begin) / rate_hz >= SHORTEST_BLOCK_S
    )


def _checked(blocks: Sequence[Window], expected: Expected, by: str) -> tuple[Window, ...]:
    """The blocks, or InputError with what was found."""
    lengths_s = np.array([block.duration_s for block in blocks])
    found = f"by {by} {len(blocks)} blocks were found" + (
        f", {lengths_s.min():.3f} to {lengths_s.max():.3f} s long, at "
        + ", ".join(f"{block.begin_s:.2f}" for block in blocks[:12])
        + f"{' ...' if len(blocks) > 12 else ''} s"
        if len(blocks)
        else ""
    )
    if len(blocks) != expected.count:
        raise InputError(f"{found}; expected {expected.count}")
    spread = float((lengths_s.max() - lengths_s.min()) / np.median(lengths_s))
    if spread > LENGTH_TOLERANCE and by != STAMPS:
        raise InputError(
            f"{found}; they differ by {100 * spread:.1f} %, more than the {100 * LENGTH_TOLERANCE:.0f} % of "
            "equal work"
        )
    if expected.duration_s is not None:
        off = float(np.median(lengths_s)) / expected.duration_s - 1
        if abs(off) > LENGTH_TOLERANCE:
            raise InputError(
                f"{found}; the board's clock says {expected.duration_s:.3f} s a block, {100 * abs(off):.1f} "
                "% off: these are not the blocks, or the meter's rate is wrong (measure --resistor tells)"
            )
    return tuple(blocks)


def _moving_bit(marks: NDArray[np.uint8], bit: int | None) -> NDArray[np.uint8]:
    """The one logic input that moves, as 0 and 1."""
    moving = int(np.bitwise_or.reduce(marks) & ~np.bitwise_and.reduce(marks))
    bits = [number for number in range(8) if moving >> number & 1]
    if bit is not None and bit not in bits:
        raise InputError(
            f"logic input {bit} does not move; those that do: {', '.join(map(str, bits)) or 'none'}"
        )
    if bit is None and len(bits) > 1:
        raise InputError(
            f"logic inputs {', '.join(map(str, bits))} move; say which one carries the marker (--marker)"
        )
    level: NDArray[np.uint8] = (marks >> np.uint8(bits[0] if bit is None else bit)) & np.uint8(1)
    return level


def _otsu(values: NDArray[np.float64]) -> float:
    """Otsu's threshold: the one that parts a histogram into two classes of the largest variance between
    them."""
    histogram, edges = np.histogram(values, HISTOGRAM_BINS)
    middles = (edges[1:] + edges[:-1]) / 2
    share = histogram / histogram.sum()
    below, moment = np.cumsum(share), np.cumsum(share * middles)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = (moment[-1] * below - moment) ** 2 / (below * (1 - below))
    return float(middles[np.nanargmax(variance)]) if np.isfinite(variance).any() else float(middles[-1])


def _runs(on: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """(first, behind last) of every stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], on.astype(np.int8), [0]))))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _closed(runs: list[tuple[int, int]], gap: float) -> list[tuple[int, int]]:
    """Stretches less than `gap` apart become one."""
    closed: list[tuple[int, int]] = []
    for begin, end in runs:
        if closed and begin - closed[-1][1] < gap:
            closed[-1] = (closed[-1][0], end)
        else:
            closed.append((begin, end))
    return closed
