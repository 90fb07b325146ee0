"""`host`: this computer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

from tinytracker.costs.rows import CostRow
from tinytracker.targets.target import Caller, Option, Target, Work

if TYPE_CHECKING:
    from tinytracker.costs.meters.protocol import Meter


def bench(
    models: Sequence[str],
    caller: Caller,
    *,
    shortest_s: Annotated[float, Option("A block lasts as long at least.", metavar="S", min=0.01)] = 10.0,
) -> list[CostRow]:
    """Time, and energy where RAPL or a Pi 5's power chip tells it; of the released networks where none is
    named."""
    from contextlib import nullcontext
    from statistics import median

    from tinytracker.costs.blocks import IDLE_S, run_blocks
    from tinytracker.costs.figures import cost_rows, figures
    from tinytracker.costs.meters.protocol import Recording
    from tinytracker.costs.windows import BLOCKS, Expected, find_blocks
    from tinytracker.targets.host.run import HostBoard, host_conditions
    from tinytracker.zoo import find_tflite, list_released

    rows: list[CostRow] = []
    meter = own_meter()
    for model in models or list_released():
        path = find_tflite(model, "bench host").path
        board = HostBoard(path)
        conditions = host_conditions(path, meter)
        with meter or nullcontext(), caller.bar(f"Measuring {path.stem}") as update:
            recording = Recording(meter) if meter is not None else None
            with recording or nullcontext():
                run = run_blocks(board, recording, shortest_s=shortest_s, progress=update)
        each_ms = sorted(1e3 * spent_s / run.inferences for spent_s in run.board_s)
        caller.say(
            f"{path.stem}: {each_ms[BLOCKS // 2]:.3f} ms ({each_ms[0]:.3f} to {each_ms[-1]:.3f}), {BLOCKS} "
            f"blocks of {run.inferences}"
        )
        if recording is not None and recording.trace is not None and meter is not None:
            blocks = find_blocks(recording.trace, Expected(BLOCKS, median(run.board_s)))
            found = figures(recording.trace, blocks, run.inferences, run.board_s, IDLE_S, strict=False)
            for remark in found.remarks:
                caller.say(f"  note: {remark}")
            caller.say(f"  {found.energy_mj.value:.3g} mJ gross by {meter.name}")
            rows += cost_rows(found, "host", path.stem, meter.name, conditions)
        else:
            row = CostRow(
                "host",
                path.stem,
                "inference",
                each_ms[BLOCKS // 2],
                each_ms[0],
                each_ms[-1],
                "ms",
                "measured",
                "this computer's clock",
                conditions,
            )
            rows.append(row)
    return rows


def own_meter() -> Meter | None:
    """RAPL or the Pi 5's power chip, whichever this computer has; None without either."""
    from tinytracker.costs.meters.pmic import Pmic
    from tinytracker.costs.meters.rapl import Rapl
    from tinytracker.errors import DeviceError

    for kind in (Rapl, Pmic):
        try:
            with kind() as meter:
                meter.close()
            return kind()
        except DeviceError:
            continue
    return None


def targets() -> Iterator[Target]:
    yield Target(
        "host",
        "this computer",
        bench=Work(
            bench,
            "time of an inference in blocks of 10 s, and energy by RAPL or a Pi 5's power chip",
            ("tinytracker bench host tinytracker --csv host.csv",),
        ),
    )
