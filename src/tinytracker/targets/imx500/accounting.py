"""What a gaze from the sensor costs in time and energy: estimated from constants with their sources, or measured on a board.

Latency = read-out + transfer to the network's processor + inference + fetching the result (+ the host's own part).
Energy = sensor power x (read-out + transfer + fetching) + inference power x inference.

The paper (arXiv 2307.07813) publishes 17.9 ms for read-out and transfer, 0.86 ms for inference, 0.24 ms for fetching the
result; 4.9 mJ from end to end, 0.06 mJ of it for inference. The transfer time and both powers below are taken from these
figures, so that the estimate gives them back for the paper's network is no proof of it; what it predicts is other networks
and the other read-out mode. Inference: multiply-accumulates over what published networks reached per cycle of 262.5 MHz: the
paper's 52, and 86 of another network (PicoSAM2, 336 M MAC), as a range.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tinytracker.targets.imx500.sensor import MODES, SensorMode

How = Literal["measured", "emulated", "estimated", "published"]
Unit = Literal["ms", "mJ"]

CLOCK_HZ = 262.5e6
MACS_PER_CYCLE = (86.0, 52.0)  # best, worst published
PAPER_MACS = 11_839_208
PAPER_READOUT_TRANSFER_MS, PAPER_INFERENCE_MS, PAPER_RESULT_MS = 17.9, 0.86, 0.24
PAPER_TOTAL_MJ, PAPER_INFERENCE_MJ = 4.9, 0.06

TRANSFER_MS = PAPER_READOUT_TRANSFER_MS - MODES["full"].fastest_readout_ms
RESULT_MS = PAPER_RESULT_MS
SENSOR_POWER_MW = 1e3 * (PAPER_TOTAL_MJ - PAPER_INFERENCE_MJ) / (PAPER_READOUT_TRANSFER_MS + PAPER_RESULT_MS)
INFERENCE_POWER_MW = 1e3 * PAPER_INFERENCE_MJ / PAPER_INFERENCE_MS


@dataclass(frozen=True, slots=True)
class Cost:
    """One line of the account: low and high are equal where there is no range. unit: "ms" or "mJ"."""

    part: str
    low: float
    high: float
    unit: Unit
    how: How
    source: str


def inference_ms(macs: int) -> tuple[float, float]:
    """Shortest and longest time of a network on the chip, estimated."""
    low, high = (1e3 * macs / (rate * CLOCK_HZ) for rate in MACS_PER_CYCLE)
    return low, high


def estimate(macs: int, mode: SensorMode) -> list[Cost]:
    """The chain of a network of `macs` multiply-accumulates at the sensor's full speed, the totals last of each unit."""
    rate = f"{macs / 1e6:.1f} M MAC at 86 to 52 per cycle of 262.5 MHz"
    low, high = inference_ms(macs)
    around_ms = mode.fastest_readout_ms + TRANSFER_MS + RESULT_MS
    around_mj = SENSOR_POWER_MW * around_ms / 1e3
    low_mj, high_mj = (INFERENCE_POWER_MW * time_ms / 1e3 for time_ms in (low, high))
    readout = mode.fastest_readout_ms

    def line(part: str, low: float, high: float, unit: Unit, source: str) -> Cost:
        return Cost(part, low, high, unit, "estimated", source)

    return [
        line("read-out", readout, readout, "ms", f"{mode.height_px} lines at the sensor's full speed"),
        line("transfer", TRANSFER_MS, TRANSFER_MS, "ms", "the paper's 17.9 ms less the read-out"),
        line("inference", low, high, "ms", rate),
        line("result retrieval", RESULT_MS, RESULT_MS, "ms", "the paper"),
        line("end to end", around_ms + low, around_ms + high, "ms", "sum"),
        line("sensor energy", around_mj, around_mj, "mJ", f"{SENSOR_POWER_MW:.0f} mW, from the paper"),
        line("inference energy", low_mj, high_mj, "mJ", f"{INFERENCE_POWER_MW:.0f} mW, from the paper"),
        line("energy, end to end", around_mj + low_mj, around_mj + high_mj, "mJ", "sum"),
    ]


def _published(part: str, value: float, unit: Unit) -> Cost:
    return Cost(part, value, value, unit, "published", "arXiv 2307.07813, its 112 x 112 network")


PUBLISHED = (
    _published("read-out and transfer", PAPER_READOUT_TRANSFER_MS, "ms"),
    _published("inference", PAPER_INFERENCE_MS, "ms"),
    _published("result retrieval", PAPER_RESULT_MS, "ms"),
    _published("end to end", PAPER_READOUT_TRANSFER_MS + PAPER_INFERENCE_MS + PAPER_RESULT_MS, "ms"),
    _published("inference energy", PAPER_INFERENCE_MJ, "mJ"),
    _published("energy, end to end", PAPER_TOTAL_MJ, "mJ"),
)
