"""The account of time and energy against the paper's figures and by hand."""

from __future__ import annotations

import pytest

from tinytracker.targets.imx500.chip.accounting import PAPER_MACS, PUBLISHED, estimate, inference_ms
from tinytracker.targets.imx500.chip.sensor import MODES


def by_part(costs) -> dict[str, object]:
    return {(cost.part, cost.unit): cost for cost in costs}


def test_gives_back_the_papers_figures_within_a_tenth() -> None:
    """For the paper's network at full resolution; the upper end of the range is its own rate of 52 MAC per
    cycle."""
    ours, theirs = by_part(estimate(PAPER_MACS, MODES["full"])), by_part(PUBLISHED)
    for part in (
        ("inference", "ms"),
        ("end to end", "ms"),
        ("result retrieval", "ms"),
        ("inference energy", "mJ"),
        ("energy, end to end", "mJ"),
    ):
        assert ours[part].high == pytest.approx(theirs[part].high, rel=0.1)
    assert ours["read-out", "ms"].high + ours["transfer", "ms"].high == pytest.approx(
        theirs["read-out and transfer", "ms"].high, rel=0.1
    )


def test_inference_by_hand() -> None:
    """262.5 M MAC at 52 per cycle of 262.5 MHz: 1 / 52 s."""
    low, high = inference_ms(262_500_000)
    assert (low, high) == pytest.approx((1000 / 86, 1000 / 52))


def test_binned_saves_read_out_time_and_energy() -> None:
    full, binned = (by_part(estimate(44_000_000, MODES[name])) for name in ("full", "binned"))
    saved_ms = full["end to end", "ms"].high - binned["end to end", "ms"].high
    assert saved_ms == pytest.approx(11.0)
    assert binned["energy, end to end", "mJ"].high < 0.6 * full["energy, end to end", "mJ"].high


def test_every_line_says_how_and_whence() -> None:
    for cost in (*estimate(PAPER_MACS, MODES["binned"]), *PUBLISHED):
        assert cost.how in ("estimated", "published")
        assert cost.source
        assert 0 < cost.low <= cost.high


def test_a_frame_costs_more_than_its_chain() -> None:
    """The sensor goes on between two chains: 267 to 279 mW at 30 frames/s, where the paper counts 19 ms of
    33."""
    costs = by_part(estimate(PAPER_MACS, MODES["full"]))
    assert costs["energy per frame", "mJ"].low == pytest.approx(8.9, abs=0.05)
    assert costs["energy per frame", "mJ"].high == pytest.approx(9.29, abs=0.01)


def test_totals_are_sums() -> None:
    costs = estimate(16_700_000, MODES["full"])
    for unit, total in (("ms", "end to end"), ("mJ", "energy, end to end")):
        parts = [
            cost
            for cost in costs
            if cost.unit == unit and cost.part not in ("end to end", "energy, end to end", "energy per frame")
        ]
        whole = next(cost for cost in costs if cost.part == total)
        assert whole.low == pytest.approx(sum(part.low for part in parts))
        assert whole.high == pytest.approx(sum(part.high for part in parts))
