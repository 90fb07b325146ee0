"""What a gaze from the sensor costs in time and energy: estimated from constants with their sources, or
measured on a board.

Latency = read-out + transfer to the network's processor + inference + fetching the result (+ the host's own
part). Energy = sensor power x (read-out + transfer + fetching) + inference power x inference.

The paper (arXiv 2307.07813) publishes 17.9 ms for read-out and transfer, 0.86 ms for inference, 0.24 ms for
fetching the result; 4.9 mJ from end to end, 0.06 mJ of it for inference. The transfer time and both powers
below are taken from these figures, so that the estimate gives them back for the paper's network is no proof
of it; what it predicts is other networks and the other read-out mode. Inference: multiply-accumulates over
what published networks reached per cycle of 262.5 MHz: the paper's 52 of 11.8 M MAC, and 86 of another
network (PicoSAM2, 336 M MAC), as a range; the value lies between them as the network's size does,
logarithmically, and is the nearer one's beyond. The sensor's power: the paper's 267 mW, and the chip's own
paper's 278.8 mW at 30 frames/s (Eki et al., ISSCC 2021, as quoted by Tan et al., TCSI 2025), as a range.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from tinytracker.results import How
from tinytracker.targets.imx500.chip.sensor import MODES, SensorMode

Unit = Literal["ms", "mJ"]

CLOCK_HZ = 262.5e6
MACS_PER_CYCLE = (86.0, 52.0)  # best, worst published
PAPER_MACS = 11_839_208
PICOSAM2_MACS = 336_000_000
PAPER_READOUT_TRANSFER_MS, PAPER_INFERENCE_MS, PAPER_RESULT_MS = 17.9, 0.86, 0.24
PAPER_TOTAL_MJ, PAPER_INFERENCE_MJ = 4.9, 0.06

TRANSFER_MS = PAPER_READOUT_TRANSFER_MS - MODES["full"].fastest_readout_ms
RESULT_MS = PAPER_RESULT_MS
SENSOR_POWER_MW = 1e3 * (PAPER_TOTAL_MJ - PAPER_INFERENCE_MJ) / (PAPER_READOUT_TRANSFER_MS + PAPER_RESULT_MS)
CHIP_PAPER_POWER_MW = 278.8
FRAMES_PER_S = 30.0
INFERENCE_POWER_MW = 1e3 * PAPER_INFERENCE_MJ / PAPER_INFERENCE_MS


@dataclass(frozen=True, slots=True)
class PartCost:
    """One line of the account: low and high are equal where there is no range. unit: "ms" or "mJ". value: the
    most likely; NaN: the middle."""

    part: str
    low: float
    high: float
    unit: Unit
    how: How
    source: str
    value: float = math.nan

    @property
    def likely(self) -> float:
        """The value, or the middle of the range."""
        return (self.low + self.high) / 2 if math.isnan(self.value) else self.value


def inference_ms(macs: int) -> tuple[float, float]:
    """Shortest and longest time of a network on the chip, estimated."""
    low, high = (1e3 * macs / (rate * CLOCK_HZ) for rate in MACS_PER_CYCLE)
    return low, high


def likely_inference_ms(macs: int) -> float:
    """Time of a network on the chip: what share of its units it keeps busy grows with its size, from the
    paper's network to PicoSAM2."""
    best, worst = MACS_PER_CYCLE
    share = math.log(max(macs, 1) / PAPER_MACS) / math.log(PICOSAM2_MACS / PAPER_MACS)
    rate = worst + (best - worst) * min(max(share, 0.0), 1.0)
    return 1e3 * macs / (rate * CLOCK_HZ)


def most_macs(limit_ms: float, mode: SensorMode) -> tuple[int, int]:
    """The most multiply-accumulates with which the chain ends within `limit_ms`: at the worst and at the best
    rate published; 0 where read-out and transfer alone take longer."""
    left_ms = limit_ms - (mode.fastest_readout_ms + TRANSFER_MS + RESULT_MS)
    worst, best = (max(0, int(left_ms / 1e3 * rate * CLOCK_HZ)) for rate in sorted(MACS_PER_CYCLE))
    return worst, best


def estimate(macs: int, mode: SensorMode) -> list[PartCost]:
    """The chain of a network of `macs` multiply-accumulates at the sensor's full speed, the totals last of
    each unit."""
    rate = f"{macs / 1e6:.1f} M MAC at 86 to 52 per cycle of 262.5 MHz"
    low, high = inference_ms(macs)
    around_ms = mode.fastest_readout_ms + TRANSFER_MS + RESULT_MS
    powers_mw = (SENSOR_POWER_MW, CHIP_PAPER_POWER_MW)
    powers_from = f"{powers_mw[0]:.0f} mW from the paper, {powers_mw[1]} mW from the chip's"
    around_low_mj, around_high_mj = (power * around_ms / 1e3 for power in powers_mw)
    frame_low_mj, frame_high_mj = (power / FRAMES_PER_S for power in powers_mw)
    low_mj, high_mj = (INFERENCE_POWER_MW * time_ms / 1e3 for time_ms in (low, high))
    readout = mode.fastest_readout_ms
    likely_ms = likely_inference_ms(macs)
    likely_mj = INFERENCE_POWER_MW * likely_ms / 1e3

    def line(
        part: str, low: float, high: float, unit: Unit, source: str, value: float = math.nan
    ) -> PartCost:
        return PartCost(part, low, high, unit, "estimated", source, value)

    return [
        line("read-out", readout, readout, "ms", f"{mode.height_px} lines at the sensor's full speed"),
        line("transfer", TRANSFER_MS, TRANSFER_MS, "ms", "the paper's 17.9 ms less the read-out"),
        line("inference", low, high, "ms", rate, likely_ms),
        line("result retrieval", RESULT_MS, RESULT_MS, "ms", "the paper"),
        line("end to end", around_ms + low, around_ms + high, "ms", "sum", around_ms + likely_ms),
        line("sensor energy", around_low_mj, around_high_mj, "mJ", powers_from),
        line(
            "inference energy",
            low_mj,
            high_mj,
            "mJ",
            f"{INFERENCE_POWER_MW:.0f} mW, from the paper",
            likely_mj,
        ),
        line(
            "energy, end to end",
            around_low_mj + low_mj,
            around_high_mj + high_mj,
            "mJ",
            "sum",
            (around_low_mj + around_high_mj) / 2 + likely_mj,
        ),
        line(
            "energy per frame",
            frame_low_mj,
            frame_high_mj,
            "mJ",
            f"{powers_from}, at {FRAMES_PER_S:.0f} frames/s",
        ),
    ]


def _published(part: str, value: float, unit: Unit) -> PartCost:
    return PartCost(part, value, value, unit, "published", "arXiv 2307.07813, its 112 x 112 network")


PUBLISHED = (
    _published("read-out and transfer", PAPER_READOUT_TRANSFER_MS, "ms"),
    _published("inference", PAPER_INFERENCE_MS, "ms"),
    _published("result retrieval", PAPER_RESULT_MS, "ms"),
    _published("end to end", PAPER_READOUT_TRANSFER_MS + PAPER_INFERENCE_MS + PAPER_RESULT_MS, "ms"),
    _published("inference energy", PAPER_INFERENCE_MJ, "mJ"),
    _published("energy, end to end", PAPER_TOTAL_MJ, "mJ"),
)
