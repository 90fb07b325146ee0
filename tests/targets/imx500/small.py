"""A folder as `tinytracker export --target imx500` leaves it, round a network that needs no training."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests.targets.imx500.fake import card
from tinytracker.cards import write_card


def write_small_export(folder: Path) -> Path:
    """A little network (mean of each half of the picture), channels first, and its card; gives the folder."""
    import onnx
    from onnx import TensorProto, helper

    folder.mkdir()
    weight = np.zeros((2, 3 * 64 * 64), np.float32).reshape(2, 3, 64, 64)
    weight[0, :, :, :32] = weight[1, :, :32] = 1 / (3 * 64 * 32)
    nodes = [helper.make_node("Flatten", ["x"], ["f"]), helper.make_node("Gemm", ["f", "w"], ["y"], transB=1)]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 64, 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 2])],
        [helper.make_tensor("w", TensorProto.FLOAT, (2, 3 * 64 * 64), weight.reshape(-1))],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, folder / "small.onnx")
    write_card(card(counts={"macs": 24_576}), folder / "small.json")
    (folder / "network_intrinsics.json").write_text(json.dumps({"inference_rate": 30.0}))
    return folder
