"""From blocks to figures, rows and their refusals; and the protocol that makes the blocks."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tinytracker.costs.blocks import inferences_per_block, run_blocks
from tinytracker.costs.figures import cost_rows, figures, per_frame
from tinytracker.costs.resistor import check_on_resistor
from tinytracker.costs.rows import CostRow, check, read_cost_rows, write_cost_rows
from tinytracker.costs.trace import Trace, Window
from tinytracker.errors import DeviceError, InputError

CONDITIONS = {
    "supply_v": "3.3",
    "regulator": "LDO",
    "clock_mhz": "120",
    "compiler": "gcc 12.2 -O2",
    "firmware_sha256": "ab" * 32,
    "meter": "PPK2",
    "powered": "the chip alone",
}


def five_blocks(gain: float = 0.0, rate: float = 0.0, idle_mw: float = 5.0) -> tuple[Trace, list[Window]]:
    """Blocks of 10 s at 40, 41, 39, 40 and 40 mW, a second of idling between them."""
    power, blocks = [np.full(1000, idle_mw)], []
    for number, level in enumerate((40, 41, 39, 40, 40)):
        blocks.append(Window(1 + 11 * number, 11 + 11 * number))
        power += [np.full(10_000, float(level)), np.full(1000, idle_mw)]
    return Trace(np.concatenate(power).astype(np.float32), 1000.0, gain_error=gain, rate_error=rate), blocks


def test_energy_time_and_idle() -> None:
    trace, blocks = five_blocks(gain=0.03, rate=0.04)
    found = figures(trace, blocks, inferences=100, board_s=[10.0] * 5, idle_s=1.0)
    assert found.energy_mj.value == pytest.approx(4.0)
    assert (found.energy_mj.low, found.energy_mj.high) == pytest.approx((3.9 * 0.95, 4.1 * 1.05))
    assert (found.time_ms.value, found.time_ms.high, found.board_ms) == pytest.approx((100, 104, 100))
    assert found.idle_mw is not None
    assert found.net_mj is not None
    assert (found.idle_mw.value, found.net_mj.value) == pytest.approx((5, 3.5))
    assert per_frame(found, 5).value == pytest.approx(4 + 5 * 0.1)
    with pytest.raises(InputError, match="15 frames/s are not reached"):
        per_frame(found, 15)


def test_gaps_in_which_the_board_works_are_no_idle() -> None:
    trace, blocks = five_blocks()
    busy = trace.power_mw.copy()
    busy[11_000:11_500] = 60
    found = figures(Trace(busy, 1000.0), blocks, 100)
    assert found.net_mj is None
    assert "no idle power: between the blocks it varies from 5 to" in found.remarks[0]
    assert {row.metric for row in cost_rows(found, "b", "n", "s", CONDITIONS)} == {
        "inference",
        "energy_inference",
        "power",
    }
    with pytest.raises(InputError, match="idle power"):
        per_frame(found, 1)


def test_refusals() -> None:
    trace, blocks = five_blocks()
    with pytest.raises(InputError, match=r"lasts 4\.000 s"):
        figures(trace, [Window(1, 5)], 100)
    assert "4.000 s" in figures(trace, [Window(1, 5)], 100, strict=False).remarks[0]
    with pytest.raises(InputError, match=r"2\.0 % less long by the meter"):
        figures(trace, blocks, 100, board_s=[10 / 0.98] * 5)
    lossy = trace.power_mw.copy()
    lossy[5000:5020] = np.nan
    with pytest.raises(InputError, match=r"lost 0\.20 %"):
        figures(Trace(lossy, 1000.0), blocks, 100)
    lossy[5005:5020] = 40
    assert figures(Trace(lossy, 1000.0), blocks, 100).energies_mj[0] == pytest.approx(4)


@pytest.mark.parametrize("missing", list(CONDITIONS))
def test_a_measured_energy_without_its_conditions_is_refused(missing: str) -> None:
    conditions = {name: value for name, value in CONDITIONS.items() if name != missing}
    with pytest.raises(InputError, match=missing):
        check(CostRow("b", "n", "energy_inference", 1.0, unit="mJ", source="s", conditions=conditions))
    check(CostRow("b", "n", "inference", 1.0, unit="ms", source="s", conditions=conditions))


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"metric": "joy"}, "no such metric"),
        ({"unit": "s"}, "the unit is ms"),
        ({"how": "guessed"}, "obtained how"),
        ({"source": ""}, "its source"),
        ({"value": math.nan}, "leave the row out"),
        ({"low": 1.0}, "two ends"),
        ({"low": 3.0, "high": 4.0}, "outside its range"),
    ],
)
def test_rows_nobody_could_use(changed: dict, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        check(
            CostRow(
                **{
                    "platform": "b",
                    "network": "n",
                    "metric": "inference",
                    "value": 2.0,
                    "unit": "ms",
                    "source": "s",
                    **changed,
                }
            )
        )


def test_rows_through_a_file(tmp_path: Path) -> None:
    trace, blocks = five_blocks()
    rows = cost_rows(
        figures(trace, blocks, 100), "a board", "a network", "a meter", CONDITIONS, frames_per_s=5
    )
    assert len(rows) == 7
    assert {row.conditions["blocks"] for row in rows} == {"5 of 100 in 10 s"}
    write_cost_rows(rows, tmp_path / "rows.csv")
    again = read_cost_rows(tmp_path / "rows.csv")
    assert [row.value for row in again] == pytest.approx([row.value for row in rows], rel=1e-5)
    assert [(row.metric, row.unit, row.how, row.conditions) for row in again] == [
        (row.metric, row.unit, row.how, row.conditions) for row in rows
    ]
    text = (tmp_path / "rows.csv").read_text()
    (tmp_path / "rows.csv").write_text(text.replace("energy_frame,4.5", "energy_frame,x"))
    with pytest.raises(InputError, match="line 7"):
        read_cost_rows(tmp_path / "rows.csv")


def test_a_chain_has_its_own_rows_and_a_frame_holds_it() -> None:
    """Per frame at 5/s: 100 ms of chain at 40 mW and 100 ms of idling at 5 mW; net, the idling goes out."""
    trace, blocks = five_blocks()
    rows = cost_rows(figures(trace, blocks, 100), "b", "n", "s", CONDITIONS, frames_per_s=5, chain=True)
    values = {row.metric: row.value for row in rows}
    assert values == pytest.approx(
        {
            "end_to_end": 100,
            "energy_chain": 4,
            "energy_chain_net": 3.5,
            "power": 40,
            "idle_power": 5,
            "energy_frame": 4.5,
            "energy_frame_net": 3.5,
        }
    )
    frame = next(row for row in rows if row.metric == "energy_frame")
    assert (frame.low, frame.high) == pytest.approx((4.4, 4.6))
    assert frame.conditions["frame_holds"] == "chain"
    with pytest.raises(InputError, match="without supply_v"):
        check(replace(frame, conditions={}))


class PacedBoard:
    """0.25 s an inference, by a clock of its own that needs no waiting."""

    name = "paced"

    def __init__(self) -> None:
        self.calls: list[tuple[str, int, bool]] = []

    def load(self, number: int) -> None:
        self.calls.append(("load", number, False))

    def run(self, count: int, marked: bool) -> float:
        self.calls.append(("run", count, marked))
        return 0.25 * count


def test_protocol() -> None:
    board, waits = PacedBoard(), []
    run = run_blocks(board, wait=waits.append)
    assert run.inferences == 44  # 10 s and a tenth at 0.25 s
    assert run.board_s == (11.0,) * 5
    assert [call[0] for call in board.calls[:5]] == ["load", "run", "run", "run", "load"]
    assert [call for call in board.calls if call[2]] == [("run", 44, True)] * 5
    assert [call[1] for call in board.calls if call[0] == "load"] == [0, 0, 1, 2, 3, 4]
    assert waits == [1.0] * 6


def test_a_board_without_a_clock_is_refused() -> None:
    board = PacedBoard()
    board.run = lambda count, marked: 0.0  # type: ignore[method-assign]
    with pytest.raises(DeviceError, match="counts no time"):
        inferences_per_block(board)


def test_resistor() -> None:
    rng = np.random.default_rng(1)
    power = (10.89 * 1.02 * (1 + 1e-3 * rng.standard_normal(100_000))).astype(np.float32)
    found = check_on_resistor(Trace(power, 20_000.0), 1000, 3.3, lasted_s=4.99)
    assert found.gain_error == pytest.approx(0.02, abs=1e-4)
    assert found.rate_error == pytest.approx(0.002, abs=1e-4)
    power[::2000] = 500
    with pytest.raises(InputError, match="not steady"):
        check_on_resistor(Trace(power, 20_000.0), 1000, 3.3)
