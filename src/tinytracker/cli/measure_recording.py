"""The recorded half of `tinytracker measure`: blocks are found in what a meter recorded before."""

from __future__ import annotations

from pathlib import Path

from tinytracker.cli.measure_known import Known, Protocol, show
from tinytracker.costs.figures import cost_rows, figures
from tinytracker.costs.rows import MODEL_HASH, CostRow
from tinytracker.costs.traces.read import read_trace
from tinytracker.costs.windows import Expected, find_blocks
from tinytracker.errors import ModelError, UsageError
from tinytracker.zoo import find

NOT_SAID = "?"


def analyse(
    path: Path,
    meter: str | None,
    model: str,
    platform: str,
    known: Known,
    protocol: Protocol,
    inferences: int | None,
    block_s: float | None,
) -> list[CostRow]:
    """The rows of a recording. inferences: of a block, None if the recording says it itself. block_s: how
    long one lasted by the board's clock. Raises InputError, UsageError."""
    trace = read_trace(path, known.supply_v)
    found_at = find_blocks(trace, Expected(protocol.blocks, block_s), protocol.marker)
    count = inferences or trace.inferences
    if count is None:
        raise UsageError(f"{path.name} does not say how many inferences a block holds; give --inferences")
    found = figures(trace, found_at, count, None if block_s is None else [block_s] * len(found_at))
    what = "chains" if protocol.chain else "inferences"
    show(found, f"{path.name}: {len(found_at)} blocks of {count} {what}", protocol.fps, protocol.chain)
    conditions = known.conditions(meter or trace.meter, None, recording=path.name) | _hash_of(model)
    return cost_rows(
        found,
        platform or NOT_SAID,
        Path(model).stem or NOT_SAID,
        f"recording {path.name}",
        conditions,
        protocol.fps,
        protocol.chain,
    )


def _hash_of(model: str) -> dict[str, str]:
    """Which file a recording's network is, so that its error joins; nothing for a mere name, or none."""
    try:
        return {MODEL_HASH: find(model).sha256} if model else {}
    except ModelError:
        return {}
