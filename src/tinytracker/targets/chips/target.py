"""`chips`: GAP9, STM32N6 and MAX78000, by what others published of their own networks there."""

from __future__ import annotations

from collections.abc import Sequence

from tinytracker.costs.rows import CostRow
from tinytracker.results import Table
from tinytracker.targets.target import Caller, Target, Work

CONDITIONS = {
    "powered": "as the sources have it: the chip, without a camera",
    "note": "no compiler of the chip has seen the network; whether its layers map is not known",
}


def bench(models: Sequence[str], caller: Caller) -> list[CostRow]:
    """Time and energy by multiply-accumulates, estimated; of the released networks where none is named."""
    from tinytracker.costs.models import accelerator_mj, accelerator_ms, accelerators
    from tinytracker.tflite.file import read_tflite
    from tinytracker.tflite.graph import macs
    from tinytracker.tflite.read import read_graph
    from tinytracker.zoo import find_tflite, list_released

    rows: list[CostRow] = []
    for model in models or list_released():
        path = find_tflite(model, "bench chips").path
        graph = read_graph(read_tflite(path), path.stem)
        count = sum(macs(graph, op) for op in graph.ops)
        for chip in accelerators():
            rows.append(CostRow(chip, path.stem, "macs", count, source="the network's graph"))
            for metric, unit, model_of in (
                ("inference", "ms", accelerator_ms),
                ("energy_inference", "mJ", accelerator_mj),
            ):
                made = model_of(chip, count)
                rows.append(
                    CostRow(
                        chip,
                        path.stem,
                        metric,
                        made.value,
                        made.low,
                        made.high,
                        unit,
                        "estimated",
                        made.source,
                        CONDITIONS,
                    )
                )
    caller.say(_table(rows))
    return rows


def _table(rows: Sequence[CostRow]) -> Table:
    shown = [
        (row.platform, row.network, f"{row.value:.3g} {row.unit}", f"{row.low:.3g} to {row.high:.3g}")
        for row in rows
        if row.unit in ("ms", "mJ")
    ]
    title = "an inference, estimated from what other networks took on the chip"
    return Table(title, ("chip", "network", "", "range"), shown, (2, 3))


def targets() -> tuple[Target, ...]:
    return (
        Target(
            "chips",
            "GAP9, STM32N6 and MAX78000",
            bench=Work(
                bench,
                "time and energy, estimated from what others' networks took there",
                ("tinytracker bench chips tinytracker",),
            ),
        ),
    )
