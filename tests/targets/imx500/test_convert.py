"""The real quantiser and the real converter on one small network, once; everything they write is read
back."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.targets.imx500.tools import need_tools
from tests.training.tiny import add_eye_bands, make_dataset
from tinytracker.cards import card_path, read_card
from tinytracker.data.dataset import Dataset
from tinytracker.engines.model import GazeModel
from tinytracker.engines.torch import TorchEngine
from tinytracker.errors import DatasetError, TargetError, UsageError
from tinytracker.models import Network, create_model
from tinytracker.models.sensor import correction, sensor_part
from tinytracker.quantization.samples import FloatSamples
from tinytracker.targets.imx500.chip.memory import read_packed, read_report
from tinytracker.targets.imx500.lint import estimated_memory
from tinytracker.targets.imx500.making.bake import bake, parse_region
from tinytracker.targets.imx500.making.convert import Converted, ConvertOptions, _Samples, convert
from tinytracker.targets.imx500.making.quantise import QuantiseOptions, quantise, write_onnx


def pictures_of(dataset: Dataset, network: Network) -> torch.Tensor:
    arrays = FloatSamples(dataset, network.spec.inputs).read(np.arange(40))
    return torch.from_numpy(arrays[0].transpose(0, 3, 1, 2).copy())


def band_network(dataset: Dataset) -> Network:
    """An eye-band network of batch-norm statistics of these bands, an output that uses its range, and a
    correction."""
    torch.manual_seed(4)
    network = create_model("tinytracker_imx_band", size_px=(64, 128), width=0.5)
    pictures = pictures_of(dataset, network)
    with torch.no_grad():
        network.train()
        for _ in range(60):
            network(pictures, torch.zeros(len(pictures), 4))
        gaze = network.eval().head.gaze
        gaze.weight.mul_(0.3 / sensor_part(network)(pictures).std())
        for layer in (network.head.correct.scale, network.head.correct.offset):
            layer.weight.add_(0.1 * torch.randn_like(layer.weight))
    return network


@dataclass(frozen=True, slots=True)
class Case:
    network: Network
    dataset: Dataset
    folder: Path
    made: Converted
    stages: list[tuple[str, int, int]]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    need_tools()
    dataset = add_eye_bands(make_dataset())
    network = band_network(dataset)
    folder, stages = tmp_path_factory.mktemp("imx500"), []
    made = convert(
        network,
        network.card("band", results={"val": {"error_cm": 9.9}}),
        dataset,
        folder,
        ConvertOptions(quantise=QuantiseOptions(gptq_epochs=0, qat_steps=0)),
        lambda *stage: stages.append(stage),
    )
    return Case(network, dataset, folder, made, stages)


def test_everything_is_written(case):
    names = {
        "band_imx500.onnx",
        "band_imx500.json",
        "packerOut.zip",
        "dnnParams.xml",
        "network_intrinsics.json",
    }
    assert {path.name for path in case.folder.iterdir()} == names | {"band_imx500_MemoryReport.json"}
    for what in ("Quantising", "Converting", "Measuring"):
        done = [done for name, done, total in case.stages if name == what and done == total]
        assert done, f"{what} never came to its end"


def test_the_packed_network_is_the_cards(case):
    packed = read_packed(case.folder / "packerOut.zip")
    (picture,), (output,) = packed.inputs, packed.outputs
    assert (picture.size, picture.bits, picture.is_signed, picture.scale) == ((128, 64, 3), 8, True, 1 / 128)
    assert (output.size, output.bits) == ((2,), 8)
    assert np.log2(output.scale) == round(np.log2(output.scale))  # thresholds are powers of two
    assert packed.weights_bytes == pytest.approx(case.made.memory.weights_bytes, abs=1024)
    assert {"manifest.json", "dnnParams.xml", "l2staticData.bin"} <= set(packed.files)


def test_the_memory_is_what_the_converter_reports(case):
    memory = read_report(case.folder)
    assert memory == case.made.memory
    assert memory.fits
    assert memory.available_bytes == 8_388_480
    folded = case.made.card.counts["parameters"]
    assert folded * 0.9 < memory.weights_bytes < folded * 1.5
    figures = case.made.card.results["imx500"]["memory"]
    assert figures["share"] == pytest.approx(memory.used_bytes / 8_388_480, abs=1e-4)
    weights, working = estimated_memory(case.network)
    assert 0.8 < memory.weights_bytes / weights < 1.5
    assert 0.4 < memory.working_bytes / working < 2.5


def test_the_card_travels_with_the_network(case):
    card = read_card(card_path(case.made.onnx))
    assert card == case.made.card
    assert card.number_format == "int8"
    assert card.correction == correction(case.network)
    assert card.results["val"] == {"error_cm": 9.9}
    figures = card.results["imx500"]
    assert figures["route"] == "MCT PTQ, 48 training samples"
    assert figures["tools"] == {"model-compression-toolkit": "2.5.1", "imx500-converter": "3.19.2"}
    assert {"error_float_cm", "error_tflite_int8_cm", "error_imx500_cm", "loss_cm"} <= set(figures["test"])
    assert figures["inference_ms"]["how"].startswith("estimated")
    intrinsics = json.loads((case.folder / "network_intrinsics.json").read_text())
    assert intrinsics["input_aspect_ratio"] == {"width": 128, "height": 64}
    assert "task" not in intrinsics  # picamera2's schema knows none for us
    assert intrinsics["tinytracker"]["correction"] == card.correction


def test_the_quantised_network_runs_here_like_the_float_one(case):
    model = GazeModel.load(case.made.onnx)
    assert model.engine.name == "imx500"
    every = np.arange(64)
    ours = model.predict_batch(case.dataset, every)
    float_model = GazeModel(case.network.card("float"), TorchEngine(case.network))
    wanted = float_model.predict_batch(case.dataset, every)
    spread = wanted.std(axis=0).mean()
    assert np.abs(ours - wanted).mean() < 0.1 * spread
    assert not np.array_equal(ours, wanted)
    on_test = float_model.predict_batch(case.dataset, case.dataset.split("test"))
    truth = np.stack([case.dataset.labels[f"gaze_{axis}_cm"][case.dataset.split("test")] for axis in "xy"], 1)
    assert case.made.errors_cm["float"] == pytest.approx(
        np.linalg.norm(on_test - truth, axis=1).mean(), abs=1e-3
    )
    for name in ("tflite_int8", "imx500"):
        assert abs(case.made.errors_cm[name] - case.made.errors_cm["float"]) < 0.1 * spread


def test_each_way_of_quantising_gives_a_network_that_exports(tmp_path):
    """Nothing meets an impossible limit, so every way is tried; each must be made of Sony's quantisers."""
    need_tools()
    import onnx

    dataset = add_eye_bands(make_dataset())
    network = band_network(dataset)
    part, pictures = sensor_part(network), pictures_of(dataset, network)
    batches = [pictures[:20], pictures[20:]]
    seen: list[torch.nn.Module] = []

    def error(module: torch.nn.Module) -> float:
        seen.append(module)
        return float(len(seen) == 1) - len(seen)  # the float network 0, then ever better

    options = QuantiseOptions(limit_cm=-100, gptq_epochs=1, qat_steps=2)
    best = quantise(part, batches, error, options)
    assert best.route == "MCT QAT, 2 steps, 40 training samples"
    assert len(seen) == 4
    with torch.no_grad():
        wanted = part(pictures)
        for made in seen[1:]:
            assert (made(pictures) - wanted).abs().mean() < 0.15 * wanted.std()
    for number, made in enumerate(seen[2:]):
        write_onnx(made, batches, tmp_path / f"{number}.onnx")
        kinds = {node.op_type for node in onnx.load(tmp_path / f"{number}.onnx").graph.node}
        assert {"WeightsSymmetricQuantizer", "ActivationPOTQuantizer"} <= kinds


def test_a_fixed_region_is_measured_on_the_faces_that_lie_there():
    """Half of the faces lie in the left half of a picture 480 x 640, half beside it; one is half as large."""
    dataset = make_dataset()
    for name, value in zip("xywh", (0, 160, 240, 240), strict=True):
        dataset.labels[f"face_{name}_px"] = np.full(64, float(value))
    test = dataset.split("test")
    dataset.labels["face_x_px"][test[::2]] = 240.0
    for side in "wh":
        dataset.labels[f"face_{side}_px"][test[1]] = 120.0
    network = create_model("tinytracker_imx", size_px=64, position="channels")
    region = (0.0, 0.25, 0.5, 0.375)
    _, card = bake(network, network.card("grid"), region)
    samples = _Samples(dataset, card, ConvertOptions(region=region))
    assert samples.test_indices.tolist() == test[3::2].tolist()
    with pytest.raises(
        DatasetError, match=r"no face of tiny's val split lies about the region 0\.9,0"
    ) as told:
        _Samples(dataset, card, ConvertOptions(region=(0.9, 0.9, 0.1, 0.1)))
    proposed, count = re.search(r"(\d) of 8, with --roi (\S+)$", str(told.value)).group(2, 1)
    found = _Samples(dataset, card, ConvertOptions(region=parse_region(proposed)))
    assert len(found._choosing_indices) == int(count) > 0


def test_what_cannot_run_is_refused_before_it_is_quantised(tmp_path):
    need_tools()
    eyes, channels = (
        create_model("tinytracker_eyes"),
        create_model("tinytracker_imx", size_px=64, position="channels"),
    )
    with pytest.raises(TargetError, match=r"sees 3 pictures; use tinytracker_imx"):
        convert(eyes, eyes.card("eyes"), make_dataset(), tmp_path / "out")
    with pytest.raises(UsageError, match="--roi"):
        convert(channels, channels.card("grid"), make_dataset(), tmp_path / "out")
    assert not (tmp_path / "out").exists()
