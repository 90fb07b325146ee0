"""Models of cost, for boards nobody metered: always a range between two published points, never one number.

A core: energy of an inference = cycles x energy per cycle (data/cores.csv). An accelerator: time and energy
of an inference = multiply-accumulates x time and energy per multiply-accumulate of networks that others ran
there (data/accelerators.csv); how well another network's layers fill it is not known, and the range says how
far two of them lie apart. Where one point is published alone, the range is what two laboratories measured on
one chip with the same software: 1.66 times apart (STM32L4R5, MLPerf Tiny v1.0 and v1.1). Values are the
middle (geometric) of the range, unless a board's own chip is published. What else a board powers (camera,
regulators, memory outside the chip) is not in it.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

LABORATORIES = 78 / 47
"""Krai's over ST's power of the same chip and software, in mW."""


@dataclass(frozen=True, slots=True)
class Core:
    """A published chip. board: the one of ours that has it, if any."""

    core: str
    chip: str
    board: str
    pj_per_cycle: float
    source: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value in mJ or ms, with the range and what it follows from."""

    value: float
    low: float
    high: float
    source: str


@dataclass(frozen=True, slots=True)
class Point:
    """A network that somebody ran on an accelerator. ms, mj: of an inference, NaN where not published."""

    chip: str
    network: str
    macs: float
    ms: float
    mj: float
    source: str


@cache
def published_cores() -> tuple[Core, ...]:
    """The table of chips."""
    return tuple(
        Core(row["core"], row["chip"], row["board"], float(row["pj_per_cycle"]), row["source"])
        for row in _table("cores")
    )


@cache
def published_points() -> tuple[Point, ...]:
    """The table of networks on accelerators."""
    return tuple(
        Point(
            row["chip"],
            row["network"],
            float(row["macs"]),
            float(row["ms"] or "nan"),
            float(row["mj"] or "nan"),
            row["source"],
        )
        for row in _table("accelerators")
    )


def accelerators() -> tuple[str, ...]:
    """The chips of `published_points`, each once."""
    return tuple(dict.fromkeys(point.chip for point in published_points()))


def accelerator_ms(chip: str, macs: float) -> Estimate:
    """Time of a network of `macs` multiply-accumulates on a chip of `accelerators`, estimated.

    accelerator_ms("gap9", 11.8e6)  # 1.56 ms, 0.90 to 2.73
    """
    return _scaled(chip, macs, "ms")


def accelerator_mj(chip: str, macs: float) -> Estimate:
    """Energy of it, likewise."""
    return _scaled(chip, macs, "mj")


def _scaled(chip: str, macs: float, what: Literal["ms", "mj"]) -> Estimate:
    points = [
        point for point in published_points() if point.chip == chip and not math.isnan(getattr(point, what))
    ]
    each = [getattr(point, what) * macs / point.macs for point in points]
    named = " and ".join(f"{point.network} ({point.source})" for point in points)
    low, high, remark = _between(each)
    return Estimate(math.sqrt(low * high), low, high, f"per multiply-accumulate of {named}{remark}")


def _between(each: Sequence[float]) -> tuple[float, float, str]:
    """The least and largest of published figures; of one alone, what two laboratories may make of it."""
    low, high = min(each), max(each)
    if len(each) > 1:
        return low, high, ""
    remark = f", times and over {LABORATORIES:.2f} as between laboratories"
    return low / LABORATORIES, high * LABORATORIES, remark


def _table(name: str) -> Iterator[dict[str, str]]:
    text = (resources.files("tinytracker.costs") / "data" / f"{name}.csv").read_text()
    return iter(csv.DictReader(text.splitlines()))


def core_energy_mj(core: str, cycles: float, board: str = "") -> Estimate | None:
    """Energy of so many cycles of a core, estimated; None where no chip with it is published.

    The value is that of the board's own chip where it is published, else the middle (geometric) of the range.

        core_energy_mj("cortex-m4", 8.1e6, "spresense")  # 1.04 mJ, 1.04 to 2.84
    """
    chips = [chip for chip in published_cores() if chip.core == core]
    if not chips:
        return None
    low, high, remark = _between([chip.pj_per_cycle for chip in chips])
    named = " and ".join(f"{chip.pj_per_cycle:g} pJ/cycle of {chip.chip} ({chip.source})" for chip in chips)
    own = next(
        (chip.pj_per_cycle for chip in chips if chip.board and chip.board == board), math.sqrt(low * high)
    )
    value, low, high = (pj * cycles * 1e-9 for pj in (own, low, high))
    return Estimate(value, low, high, f"estimated cycles x {named}{remark}")
