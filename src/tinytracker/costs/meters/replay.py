"""A recording in a meter's place: what another program records meanwhile, or recorded before."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from tinytracker.costs.trace import Trace
from tinytracker.costs.traces.read import read_trace


class Replay:
    """The file is read when the blocks are done, so that another program may write it meanwhile."""

    def __init__(self, path: Path, supply_v: float | None = None) -> None:
        self._path = path
        self.supply_v = supply_v
        self.rate_hz = 0.0
        self.name = f"recording {path.name}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None: ...

    def start(self) -> None: ...

    def poll(self) -> None: ...

    def stop(self) -> Trace:
        return read_trace(self._path, self.supply_v)
