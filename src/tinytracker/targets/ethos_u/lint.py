"""Will an Ethos-U run this network whole? Vela is asked; the layers it leaves to the processor are named."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tinytracker.findings import Finding, Severity
from tinytracker.targets.ethos_u.vela import DEFAULT_ACCELERATOR, Estimate, estimate
from tinytracker.tflite.file import read_tflite
from tinytracker.tflite.graph import Graph
from tinytracker.tflite.read import read_graph
from tinytracker.zoo import find_tflite

# Operator -> what to use instead. Vela's own list of supported operators: vela --supported-ops-report.
REPLACEMENTS = {
    "DEQUANTIZE": "end the network in int8, as tinytracker's exports do, and let the host multiply by the "
    "scale",
    "QUANTIZE": "begin the network in int8, as tinytracker's exports do",
    "GELU": "train with ReLU or HARD_SWISH in its place",
}
SLOW_SHARE = 0.25  # of all cycles


def lint(path: Path) -> list[Finding]:
    """Findings on an int8 .tflite or a released network; raises ModelError if it is none,
    MissingExtraError without Vela."""
    found = find_tflite(path, "lint --target ethos-u").path
    graph = read_graph(read_tflite(found), found.stem)
    with tempfile.TemporaryDirectory() as folder:
        return findings(graph, estimate(found, DEFAULT_ACCELERATOR, Path(folder)))


def findings(graph: Graph, made: Estimate) -> list[Finding]:
    """What Vela's answer means, layer by layer, then for the whole."""
    layer_of = {graph[number].name: op.layer for op in graph.ops for number in op.outputs}
    told = []
    if made.on_npu == 0:
        told.append(
            Finding(
                "model", Severity.ERROR, "no layer runs on the NPU", "quantise the network to int8 throughout"
            )
        )
    for fallback in made.fallbacks:
        remedy = REPLACEMENTS.get(
            fallback.kind, "replace it by supported layers (vela --supported-ops-report lists them)"
        )
        told.append(
            Finding(
                layer_of.get(fallback.tensor, fallback.kind),
                Severity.WARNING,
                f"falls to the processor: {fallback.reason}",
                remedy,
            )
        )
    for layer in made.layers:
        if layer.cycles > SLOW_SHARE * made.cycles:
            told.append(
                Finding(
                    layer_of.get(layer.name, layer.name),
                    Severity.NOTE,
                    f"takes {layer.cycles:,} of {made.cycles:,} cycles (estimated by Vela) for "
                    f"{layer.macs:,} multiply-accumulates",
                )
            )
    told.append(Finding("model", Severity.NOTE, f"{made.accelerator}: {describe(made)}"))
    return told


def describe(made: Estimate) -> str:
    """One line of figures."""
    return (
        f"{made.on_npu} operators on the NPU, {made.on_cpu} on the processor; {made.cycles:,} cycles, "
        f"{made.milliseconds:.2f} ms at {made.clock_hz / 1e6:.0f} MHz ({made.system}, estimated by Vela); "
        f"{made.sram_bytes:,} bytes of SRAM, {made.weight_bytes:,} of weights and constants"
    )
