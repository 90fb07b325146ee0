"""Float .tflite and ranges -> int8 .tflite, by ai-edge-quantizer."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinytracker.extras import need
from tinytracker.quantization.calibration import Ranges
from tinytracker.quiet import silence
from tinytracker.tflite.read import read_graph


def quantize(float_tflite: bytes, ranges: Ranges) -> bytes:
    """A fully integer copy: int8 activations of these ranges, int8 weights (per channel; of FULLY_CONNECTED
    per tensor, which the Edge TPU and TFLM ask for), int32 biases.

    ranges: for every activation, as `ranges.settle` makes them: they replace the quantizer's own calibration,
    whose moving average cuts extremes off. The result keeps its weights outside the flatbuffer: hand it to
    `repack`. Raises MissingExtraError without ai-edge-quantizer.
    """
    with silence():
        need("ai_edge_quantizer", "export")
        from ai_edge_quantizer import qtyping, quantizer, recipe

        worker = quantizer.Quantizer(bytearray(float_tflite), recipe.static_wi8_ai8())
        worker.add_static_config(
            regex=".*",
            operation_name=qtyping.TFLOperationName.FULLY_CONNECTED,
            activation_num_bits=8,
            weight_num_bits=8,
            weight_granularity=qtyping.QuantGranularity.TENSORWISE,
        )
        return bytes(
            worker.quantize(_statistics(float_tflite, ranges), enable_progress_report=False).quantized_model
        )


def _statistics(float_tflite: bytes, ranges: Ranges) -> dict[str, dict[str, Any]]:
    """The ranges as the quantizer's "QSVs": arrays with one element and as many dimensions as their
    tensor."""
    statistics = {}
    graph = read_graph(float_tflite)
    for index in graph.activations:
        tensor = graph[index]
        low, high = ranges[tensor.name]
        shape = (1,) * len(tensor.shape)
        statistics[tensor.name] = {
            "min": np.full(shape, low, np.float32),
            "max": np.full(shape, high, np.float32),
        }
    return statistics
