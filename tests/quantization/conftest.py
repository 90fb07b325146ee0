"""Every network once, small, through the whole export: conversions take seconds, so the tests of a session
share them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.tiny import make_dataset
from tinytracker.data.dataset import Dataset
from tinytracker.models import Network, create_model, example_inputs
from tinytracker.quantization.ground import FaceGround
from tinytracker.quantization.samples import FloatSamples
from tinytracker.targets.litert.package import Exported, Int8Options, export_float, export_int8
from tinytracker.targets.onnx.package import export_onnx

NETWORKS = {
    "tinytracker": ("tinytracker", {"size_px": 48}),
    "tinytracker-grey-baked": (
        "tinytracker",
        {"size_px": (32, 48), "padding": "same", "colour": "grey", "position": "baked"},
    ),
    "tinytracker-s-excite": ("tinytracker_s", {"size_px": 32, "squeeze_excite": True}),
    "itracker": ("itracker", {"size_px": 67}),
    "tinytracker-eyes": ("tinytracker_eyes", {"eye_px": 24, "face_px": 24}),
    "eye-locator": ("eye_locator", {"size_px": 48}),
}


@dataclass(frozen=True, slots=True)
class Everything:
    """A network and what its export wrote."""

    network: Network
    dataset: Dataset
    float_file: Exported
    int8_file: Exported
    onnx_file: Exported

    def samples(self, count: int) -> list[list[np.ndarray]]:
        """Real-valued samples, one by one: noise, which drives a network harder than faces do."""
        rng = np.random.default_rng(5)
        samples = []
        for _ in range(count):
            sample = []
            for spec in self.network.spec.inputs:
                if spec.kind == "face_grid":
                    sample.append((rng.random((1, 625)) < 0.2).astype(np.float32))
                elif spec.kind == "face_box":
                    sample.append(rng.uniform(-1, 1, (1, 4)).astype(np.float32))
                else:
                    sample.append((rng.integers(0, 256, (1, *spec.shape)) / 128 - 1).astype(np.float32))
            samples.append(sample)
        return samples


def network_with_statistics(name: str) -> Network:
    """A network with batch-norm statistics of its own inputs and a last layer that uses the output's
    range."""
    torch.manual_seed(1)
    model, options = NETWORKS[name]
    network = create_model(model, **options).train()
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = 0.5
        for _ in range(4):
            network(*example_inputs(network, 16, generator))
        last = [module for module in network.modules() if isinstance(module, torch.nn.Linear)][-1]
        spread = network.eval()(*example_inputs(network, 64, generator)).std().clamp(min=1e-6)
        last.weight.mul_(0.4 / spread)
    return network.eval()


@pytest.fixture(scope="session")
def tiny_dataset() -> Dataset:
    dataset = make_dataset()
    rng = np.random.default_rng(3)
    for key, low, high in (("x", 3, 12), ("y", 3, 12), ("w", 8, 13), ("h", 8, 13)):
        dataset.labels[f"grid_{key}"] = rng.integers(low, high, len(dataset.labels["frame"]))
    return dataset


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory, tiny_dataset: Dataset) -> Callable[[str], Everything]:
    """Exports a network of NETWORKS by its name, once."""
    done: dict[str, Everything] = {}

    def export(name: str) -> Everything:
        if name not in done:
            folder: Path = tmp_path_factory.mktemp(name)
            network = network_with_statistics(name)
            card = network.card(name, results={"val": {"error_cm": 2.5}}, data={"people": 3})
            options = Int8Options(calibration_samples=24, check_samples=8, qat_steps=0)
            float_file = export_float(network, card, folder)
            int8_file = export_int8(
                network, card, float_file.path, FaceGround(tiny_dataset, card), folder, options
            )
            done[name] = Everything(
                network, tiny_dataset, float_file, int8_file, export_onnx(network, card, folder)
            )
        return done[name]

    return export


@pytest.fixture
def samples_of(tiny_dataset: Dataset) -> Callable[[Network], FloatSamples]:
    return lambda network: FloatSamples(tiny_dataset, network.spec.inputs)
