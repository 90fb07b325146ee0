"""From the blocks of a trace to figures: energy and time per inference, idle power, and what they are
worth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tinytracker.costs.rows import UNITS, CostRow
from tinytracker.costs.trace import Trace, Window
from tinytracker.errors import InputError

SHORTEST_BLOCK_S = 10.0
"""MLPerf Tiny's rule (10 inferences if that takes longer, which it then does)."""
IDLE_MARGIN = 0.1  # of a gap between blocks, left out at either end
IDLE_SPREAD = 0.1  # gaps whose powers differ by more are not all idle
CLOCKS_AGREE = 0.01


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its range: the median of the blocks, and the smallest and largest of them widened by what
    the meter may be wrong by (gain and rate, in quadrature; an error common to all blocks)."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What a trace says of one inference. energies_mj, times_ms: of each block, per inference. idle_mw,
    net_mj: None where the gaps between the blocks are not idle; `remarks` says why. board_ms: by the board's
    own clock, if it counted."""

    inferences: int
    energies_mj: tuple[float, ...]
    times_ms: tuple[float, ...]
    energy_mj: Figure
    time_ms: Figure
    power_mw: Figure
    idle_mw: Figure | None
    net_mj: Figure | None
    board_ms: float | None
    remarks: tuple[str, ...]


def figures(
    trace: Trace,
    blocks: Sequence[Window],
    inferences: int,
    board_s: Sequence[float] | None = None,
    idle_s: float | None = None,
    strict: bool = True,
) -> Figures:
    """Figures of the blocks of a trace.

    inferences: in each block. board_s: how long each block lasted by the board's own clock. idle_s: how long
    the board is known to have waited before each block; else idle is looked for between the blocks. strict:
    refuse blocks too short by MLPerf Tiny's rule; else a remark says so. Raises InputError for blocks that
    are too short, that lost samples, or whose length by the meter and by the board differ by more than 1 %.
    """
    if inferences < 1:
        raise InputError(f"a block holds at least one inference, not {inferences}")
    remarks = list(trace.remarks)
    lengths_s = [block.duration_s for block in blocks]
    if min(lengths_s) < SHORTEST_BLOCK_S * (1 - CLOCKS_AGREE):
        short = (
            f"the shortest block lasts {min(lengths_s):.3f} s ({inferences} inferences); "
            f"{SHORTEST_BLOCK_S:g} s are the rule"
        )
        if strict:
            raise InputError(f"{short}: run more inferences in a block")
        remarks.append(short)
    energies_mj = [trace.energy_mj(block) / inferences for block in blocks]
    times_ms = [1e3 * length / inferences for length in lengths_s]
    board_ms = None
    if board_s:
        board_ms = 1e3 * float(np.median(board_s)) / inferences
        off = float(np.median(times_ms)) / board_ms - 1
        if abs(off) > CLOCKS_AGREE:
            raise InputError(
                f"a block lasts {100 * abs(off):.1f} % {'longer' if off > 0 else 'less long'} by the meter "
                "than by the board's clock: one of the two is wrong, or the marker is not around the block"
            )
    wrong = math.hypot(trace.gain_error, trace.rate_error)
    powers_mw = [trace.mean_mw(block) for block in blocks]
    energy = _figure(energies_mj, wrong)
    time = _figure(times_ms, trace.rate_error)
    idle, idle_remark = _idle(trace, blocks, idle_s)
    if idle_remark:
        remarks.append(idle_remark)
    net = None
    if idle is not None:
        nets_mj = [mj - idle.value * ms / 1e3 for mj, ms in zip(energies_mj, times_ms, strict=True)]
        net = _figure(nets_mj, 0.0, wrong * energy.value)
    if trace.lost:
        remarks.append(f"the meter lost {trace.lost} of {len(trace.power_mw)} samples")
    return Figures(
        inferences=inferences,
        energies_mj=tuple(energies_mj),
        times_ms=tuple(times_ms),
        energy_mj=energy,
        time_ms=time,
        power_mw=_figure(powers_mw, trace.gain_error),
        idle_mw=idle,
        net_mj=net,
        board_ms=board_ms,
        remarks=tuple(remarks),
    )


def per_frame(found: Figures, frames_per_s: float) -> Figure:
    """Energy of a frame's interval at a frame rate, mJ: what was measured once, and idle for the rest. Raises
    InputError if it takes longer than the interval, or idle power is not known."""
    interval_ms = 1e3 / frames_per_s
    rest_ms = interval_ms - found.time_ms.value
    if rest_ms < -CLOCKS_AGREE * interval_ms:
        raise InputError(f"one takes {found.time_ms.value:.1f} ms: {frames_per_s:g} frames/s are not reached")
    if found.idle_mw is None:
        raise InputError(
            "energy per frame wants the idle power, and the gaps between the blocks are not idle"
        )
    rest_s = max(0.0, rest_ms) / 1e3
    gross, idle = found.energy_mj, found.idle_mw
    return Figure(
        gross.value + idle.value * rest_s, gross.low + idle.low * rest_s, gross.high + idle.high * rest_s
    )


def cost_rows(
    found: Figures,
    platform: str,
    network: str,
    source: str,
    conditions: Mapping[str, str],
    frames_per_s: float | None = None,
    chain: bool = False,
) -> list[CostRow]:
    """The figures as measured rows; `conditions` belong to each of them. chain: what the blocks repeat is the
    whole chain from camera to gaze, not the inference alone. How many blocks of how many seconds it were is
    added to the conditions."""
    block_s = found.time_ms.value * found.inferences / 1e3
    told = {**conditions, "blocks": f"{len(found.times_ms)} of {found.inferences} in {block_s:.3g} s"}

    def row(metric: str, figure: Figure, **more: str) -> CostRow:
        return CostRow(
            platform,
            network,
            metric,
            figure.value,
            figure.low,
            figure.high,
            UNITS[metric],
            "measured",
            source,
            {**told, **more},
        )

    time, energy = ("end_to_end", "energy_chain") if chain else ("inference", "energy_inference")
    rows = [row(time, found.time_ms), row(energy, found.energy_mj), row("power", found.power_mw)]
    if found.idle_mw is not None and found.net_mj is not None:
        rows += [row("idle_power", found.idle_mw), row(f"{energy}_net", found.net_mj)]
    if frames_per_s is not None:
        holds = {"frames_per_s": f"{frames_per_s:g}", "frame_holds": "chain" if chain else "inference alone"}
        rows.append(row("energy_frame", per_frame(found, frames_per_s), **holds))
        if found.net_mj is not None:  # idling the rest adds to gross and to what is subtracted alike
            rows.append(row("energy_frame_net", found.net_mj, **holds))
    return rows


def _figure(values: Sequence[float], relative: float, absolute: float = 0.0) -> Figure:
    low, high = min(values), max(values)
    return Figure(
        float(np.median(values)), low - relative * abs(low) - absolute, high + relative * abs(high) + absolute
    )


def _idle(trace: Trace, blocks: Sequence[Window], idle_s: float | None) -> tuple[Figure | None, str]:
    """Power before or between the blocks, or why it is not idle power."""
    if idle_s is not None:
        waits = [Window(block.begin_s - idle_s, block.begin_s) for block in blocks if block.begin_s >= idle_s]
    else:
        waits = [Window(first.end_s, second.begin_s) for first, second in pairwise(blocks)]
    inner = [_inner(wait) for wait in waits if wait.duration_s * trace.rate_hz >= 20]
    if not inner:
        return None, "no idle power: there is no gap between the blocks"
    halves = [half for gap in inner for half in _halves(gap)]
    powers_mw = [trace.mean_mw(half) for half in halves]
    spread = (max(powers_mw) - min(powers_mw)) / max(float(np.median(powers_mw)), 1e-9)
    if spread > IDLE_SPREAD:
        return None, (
            f"no idle power: between the blocks it varies from {min(powers_mw):.3g} to {max(powers_mw):.3g} "
            "mW, so the board does something there (loading an input, talking)"
        )
    return _figure([trace.mean_mw(gap) for gap in inner], trace.gain_error), ""


def _inner(window: Window) -> Window:
    """Without its ends, where the board still or already works."""
    margin_s = IDLE_MARGIN * window.duration_s
    return Window(window.begin_s + margin_s, window.end_s - margin_s)


def _halves(window: Window) -> tuple[Window, Window]:
    middle_s = (window.begin_s + window.end_s) / 2
    return Window(window.begin_s, middle_s), Window(middle_s, window.end_s)
