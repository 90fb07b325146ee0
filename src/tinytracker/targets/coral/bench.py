"""What a gaze costs on a Coral Dev Micro with its Edge TPU: estimated from the one figure that is published
for a gaze network there.

The paper's chain (arXiv 2307.07813) takes 34.4 ms and 34.2 mJ for its 112 x 112 network, the camera's share
not said. The chip itself takes a small part of it (`operators`); the rest, USB transfer above all, does not
depend on the network as long as its weights stay on the chip. Users measured 83 ms of transfer where 7.6 were
documented (coralmicro issue 40): that is the upper end. Energy follows the time at the paper's mean power.
That the paper's network gets the paper's figures is so by construction, no proof of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinytracker.costs.rows import CostRow
from tinytracker.findings import has_errors
from tinytracker.targets.coral.lint import lint
from tinytracker.targets.coral.operators import network_ms
from tinytracker.targets.coral.rewrite import rewrite
from tinytracker.tflite.file import read_tflite
from tinytracker.tflite.graph import macs
from tinytracker.tflite.read import read_graph
from tinytracker.zoo import find_tflite

PLATFORM = "coral-dev-micro"
PAPER_MS, PAPER_MJ = 34.4, 34.2
PAPER_NETWORK = "tinytracker"  # of the paper's architecture: the same 11.8 M multiply-accumulates
DOCUMENTED_TRANSFER_MS, MEASURED_TRANSFER_MS = 7.6, 83.0
CACHE_BYTES = 8 << 20  # of weights that stay on the TPU; more are sent again with every inference
CONDITIONS = {
    "transfer_ms_documented": f"{DOCUMENTED_TRANSFER_MS:g}",
    "transfer_ms_measured_by_users": f"{MEASURED_TRANSFER_MS:g}",
    "note": "whether the camera is in the paper's figure is not said",
}


@dataclass(frozen=True, slots=True)
class Demand:
    """What a network asks of the chip. roof_ms, filled_ms: time of its operators (`operators.network_ms`)."""

    macs: int
    weight_bytes: int
    fits: bool
    roof_ms: float
    filled_ms: float


def estimate(name: str, demand: Demand, paper: Demand) -> list[CostRow]:
    """Rows of a network whose layers the Edge TPU maps; of one that it does not, only that. paper: what the
    paper's network asks, whose chain is known."""

    def row(
        metric: str, value: float, low: float, high: float, unit: str, source: str, **more: str
    ) -> CostRow:
        return CostRow(PLATFORM, name, metric, value, low, high, unit, "estimated", source, more)

    limits = "the Edge TPU compiler's documented limits, after our rewriting"
    rows = [
        CostRow(PLATFORM, name, "fits", float(demand.fits), how="estimated", source=limits),
        CostRow(PLATFORM, name, "macs", demand.macs, how="measured", source="the network's graph"),
    ]
    if not demand.fits or demand.weight_bytes > CACHE_BYTES:
        return rows
    documented, seen = DOCUMENTED_TRANSFER_MS, MEASURED_TRANSFER_MS
    low_ms = PAPER_MS + demand.filled_ms - paper.filled_ms
    high_ms = low_ms + seen - documented
    power_mw = PAPER_MJ / PAPER_MS * 1e3
    chain = "the paper's 34.4 ms and 34.2 mJ on this board, and users' transfer times (coralmicro issue 40)"
    usb = f"documented {documented:g} ms, {seen:g} ms seen by users (coralmicro issue 40)"
    array = "its operators on an array of 64 x 64 multiply-accumulates at 480 MHz"
    filled = max(demand.filled_ms, demand.roof_ms)
    return [
        *rows,
        row("transfer", documented, documented, seen, "ms", usb),
        row("inference", filled, demand.roof_ms, filled, "ms", array),
        row("end_to_end", low_ms, low_ms, high_ms, "ms", chain, **CONDITIONS),
        row(
            "energy_chain",
            low_ms * power_mw / 1e3,
            low_ms * power_mw / 1e3,
            high_ms * power_mw / 1e3,
            "mJ",
            chain,
            **CONDITIONS,
        ),
    ]


def bench(models: Sequence[str]) -> list[CostRow]:
    """Of .tflite files or released names. Raises ModelError for what is no network."""
    paper = demand_of(PAPER_NETWORK)
    rows: list[CostRow] = []
    for model in models:
        rows += estimate(find_tflite(model, "bench coral").path.stem, demand_of(model), paper)
    return rows


def demand_of(model: str) -> Demand:
    """What a network asks of the chip, as the export rewrites it."""
    path = find_tflite(model, "bench coral").path
    rewritten = read_graph(rewrite(read_tflite(path), path.stem).content, path.stem)
    roof_ms, filled_ms = network_ms(rewritten)
    fits = not has_errors(lint(path))
    graph = read_graph(read_tflite(path), path.stem)
    return Demand(sum(macs(graph, op) for op in graph.ops), path.stat().st_size, fits, roof_ms, filled_ms)
