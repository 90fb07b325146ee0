"""Which file each row of cost is of: what joins costs with errors, whatever the network is called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from tinytracker.costs.rows import MODEL_HASH, CostRow
from tinytracker.errors import ModelError
from tinytracker.zoo import find, list_released


def with_hashes(rows: Iterable[CostRow], models: Sequence[str]) -> list[CostRow]:
    """The rows, each whose network is one of `models` (files or released names; none: the released ones)
    with the SHA-256 of its weights among the conditions, where it is not there yet."""
    known: dict[str, str] = {}
    for model in models or list_released():
        try:
            weights = find(model)
        except ModelError:  # a board's folder, a card alone: no weights to tell apart
            continue
        known[weights.path.stem] = known[Path(model).name] = weights.sha256
        if weights.card is not None:
            known[weights.card.name] = weights.sha256
    return [
        replace(row, conditions={**row.conditions, MODEL_HASH: known[row.network]})
        if row.network in known and MODEL_HASH not in row.conditions
        else row
        for row in rows
    ]
