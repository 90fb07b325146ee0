"""Loading an export for simulation: what is missing or does not fit is named; the converter's own files
are read."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from tinytracker.cards import write_card
from tinytracker.errors import InputError, MissingExtraError, ModelError
from tinytracker.targets.imx500.chip.isp import tensor_of
from tinytracker.targets.imx500.chip.sensor import Roi
from tinytracker.targets.imx500.deploy import fixed_region
from tinytracker.targets.imx500.running.network import load_exported

from .fake import card

onnx = pytest.importorskip("onnx")

PARAMETERS = """<?xml version="1.0"?><dnnParams><networks><network name="small" ordinal="0" type=""><inputTensors>
<inputTensor ordinal="0" name="x" bitsPerElement="8" shift="0" scale="{scale}" format="{format}"><dimensions>
<dimension size="3" serializationOrder="2" ordinal="0" padding="0"/><dimension size="64" serializationOrder="1" ordinal="1"
padding="0"/><dimension size="64" serializationOrder="0" ordinal="2" padding="0"/></dimensions></inputTensor></inputTensors>
<outputTensors><outputTensor ordinal="0" name="y" bitsPerElement="8" shift="0" scale="0.001" format="signed"><dimensions>
<dimension size="2" serializationOrder="0" ordinal="0" padding="0"/></dimensions></outputTensor></outputTensors></network>
</networks></dnnParams>"""  # noqa: E501


def network(
    folder: Path, shape: tuple[int, ...] = (3, 64, 64), domain: str = "", name: str = "small"
) -> Path:
    """One number for each of two colours' means: red and blue, channels first or last."""
    from onnx import TensorProto, helper

    axes = [1, 2] if shape[-1] == 3 else [2, 3]
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["m"], axes=axes, keepdims=0),
        helper.make_node("Gather", ["m", "which"], ["y"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", *shape])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 2])],
        [helper.make_tensor("which", TensorProto.INT64, (2,), [0, 2])],
        doc_string=domain,
    )
    path = folder / f"{name}.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    network(tmp_path)
    write_card(card(), tmp_path / "small.json")
    return tmp_path


@pytest.mark.parametrize("shape", [(3, 64, 64), (64, 64, 3)])
def test_runs_channels_first_and_last(tmp_path: Path, shape: tuple[int, ...]) -> None:
    path = network(tmp_path, shape)
    write_card(card(), tmp_path / "small.json")
    loaded = load_exported(path)
    picture = np.full((64, 64, 3), (200, 10, 64), np.uint8)
    red, blue = loaded.run(tensor_of(picture, loaded.registers))[0]
    assert (red, blue) == pytest.approx((72 / 128, -0.5))


def test_reads_the_converters_quantiser(folder: Path) -> None:
    """A step of 1 / 64 halves the registers; what the network sees stays the same to a step."""
    with zipfile.ZipFile(folder / "packerOut.zip", "w") as archive:
        archive.writestr("dnnParams.xml", PARAMETERS.format(scale=1 / 64, format="signed"))
        archive.writestr("manifest.json", "{}")
        archive.writestr("l2staticData.bin", b"")
    loaded = load_exported(folder)
    assert loaded.step == 1 / 64
    assert loaded.registers.div_val == (512,) * 3
    red, _ = loaded.run(tensor_of(np.full((64, 64, 3), 200, np.uint8), loaded.registers))[0]
    assert red == pytest.approx(72 / 128, abs=1 / 64)


def test_folders_that_are_no_export(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="neither a folder nor"):
        load_exported(tmp_path / "nothing")
    network(folder, name="second")
    with pytest.raises(InputError, match=r"second\.onnx, small\.onnx"):
        load_exported(folder)


def test_network_that_is_not_its_cards(folder: Path) -> None:
    network(folder, (3, 32, 64))
    with pytest.raises(ModelError, match="64 x 64 px in 3 channels"):
        load_exported(folder)


def test_network_that_the_sensor_cannot_feed(folder: Path) -> None:
    write_card(card("face_grid", (0, 0)), folder / "small.json")
    with pytest.raises(ModelError, match="one picture of three channels"):
        load_exported(folder)


def test_broken_onnx(folder: Path) -> None:
    (folder / "small.onnx").write_bytes(b"not this")
    with pytest.raises(ModelError, match="expected an ONNX file"):
        load_exported(folder)


def test_quantised_network_without_its_operators(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "mct_quantizers", None)
    network(folder, domain="mct_quantizers")
    with pytest.raises(MissingExtraError, match=r"tinytracker\[imx500\]"):
        load_exported(folder)


class TestFixedRegion:
    def test_shares_of_the_sensor(self, tmp_path: Path) -> None:
        (tmp_path / "network_intrinsics.json").write_text(
            '{"tinytracker": {"fixed_region": [0.25, 0.25, 0.5, 0.5]}}'
        )
        assert fixed_region(tmp_path / "network.rpk") == Roi(1014, 760, 2028, 1520)

    def test_none_where_it_may_move(self, tmp_path: Path) -> None:
        assert fixed_region(tmp_path / "network.rpk") is None
        (tmp_path / "network_intrinsics.json").write_text('{"inference_rate": 30}')
        assert fixed_region(tmp_path / "network.rpk") is None

    @pytest.mark.parametrize(
        "text",
        ['{"tinytracker": {"fixed_region": [0.9, 0, 0.5, 1]}}', "{", '{"tinytracker": {"fixed_region": 3}}'],
    )
    def test_broken(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "network_intrinsics.json").write_text(text)
        with pytest.raises(ModelError, match="export the network again"):
            fixed_region(tmp_path / "network.rpk")
