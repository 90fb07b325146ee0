"""A checkpoint -> what the IMX500 runs: NAME_imx500.onnx (quantised) with its card, packerOut.zip, memory
report, intrinsics.

Calibrates on training people, chooses the way to quantise on validation people, and measures float, int8
TFLite and the network quantised for the sensor on the same test people.
"""

from __future__ import annotations

import json
import logging
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tinytracker.cards import ModelCard, card_path, write_card
from tinytracker.data.dataset import Dataset
from tinytracker.engines.correction import Correction
from tinytracker.engines.imx500 import Imx500Engine
from tinytracker.engines.model import GazeModel
from tinytracker.errors import DatasetError, TargetError
from tinytracker.files import sha256, write_bytes, write_text
from tinytracker.findings import refuse
from tinytracker.models import Network, count
from tinytracker.models.sensor import SensorNetwork, correction, sensor_part
from tinytracker.progress import Stages, no_stages
from tinytracker.quantization.equalise import equalise
from tinytracker.quantization.fold import fold
from tinytracker.quantization.samples import FloatSamples, evenly
from tinytracker.targets.imx500.chip.accounting import inference_ms
from tinytracker.targets.imx500.chip.memory import (
    INTRINSICS_FILE,
    PACKER_OUT,
    PARAMETERS,
    REPORT_SUFFIX,
    MemoryReport,
    read_packed,
    read_report,
)
from tinytracker.targets.imx500.lint import lint_network
from tinytracker.targets.imx500.making import toolchain
from tinytracker.targets.imx500.making.bake import Region, bake
from tinytracker.targets.imx500.making.intrinsics import intrinsics
from tinytracker.targets.imx500.making.quantise import QuantiseOptions, quantise, write_onnx

_log = logging.getLogger(__name__)
BATCH = 20
LEAST_OVERLAP = (
    0.5  # of a face and a fixed region, intersection over union, for the one to be seen through the other
)
MOST_PLACES = 200  # that are tried, to say where faces lie
FACE_COLUMNS = tuple(f"face_{key}_px" for key in "xywh")


@dataclass(frozen=True, slots=True)
class ConvertOptions:
    """calibration_samples: of training people. check_samples: at most, of the validation split for choosing
    and of the test split for the card. region: see `bake`; where there is one, errors are those of the faces
    that lie about there. tflite: measure the int8 .tflite too (it is not kept)."""

    calibration_samples: int = 200
    check_samples: int = 1000
    region: Region | None = None
    tflite: bool = True
    quantise: QuantiseOptions = field(default_factory=QuantiseOptions)


@dataclass(frozen=True, slots=True)
class Converted:
    """What was written, and what is known of it. errors_cm: "float", "tflite_int8", "imx500" on `split`."""

    onnx: Path
    packed: Path
    card: ModelCard
    memory: MemoryReport
    route: str
    split: str
    errors_cm: dict[str, float]
    estimated_ms: tuple[float, float]


def convert(
    network: Network,
    card: ModelCard,
    dataset: Dataset,
    folder: Path,
    options: ConvertOptions | None = None,
    progress: Stages = no_stages,
) -> Converted:
    """Quantises and converts a checkpoint's network into `folder`, which then is whole or as it was.

    Raises MissingExtraError without Sony's tools, TargetError without Java, for a network that the sensor
    cannot run, and if the converter fails; DatasetError without training samples; UsageError for a region
    that is missing or means nothing.
    """
    options = options or ConvertOptions()
    toolchain.require()
    baked, card = bake(network.eval().cpu(), card, options.region)
    refuse(lint_network(baked), f"{card.name} cannot run in the IMX500")
    part: nn.Module = sensor_part(baked) if isinstance(baked, SensorNetwork) else baked
    card = replace(card, correction=correction(baked) if isinstance(baked, SensorNetwork) else {})
    samples = _Samples(dataset, card, options)
    part = equalise(fold(part.eval()), (torch.cat(samples.calibration),))
    with tempfile.TemporaryDirectory(prefix="tinytracker-imx500-") as aside:
        work = Path(aside)
        quantised = quantise(
            part,
            samples.calibration,
            samples.error_on_choosing,
            options.quantise,
            lambda done, total: progress("Quantising", done, total),
        )
        onnx = work / f"{card.name}_imx500.onnx"
        write_onnx(quantised.network, samples.calibration, onnx)
        made = work / "converted"
        toolchain.convert(onnx, made, lambda done, total: progress("Converting", done, total))
        memory = read_report(made)
        _check_packed(made / PACKER_OUT, card, memory)
        counts = {**count(baked).as_card(), "bytes": onnx.stat().st_size}
        card = replace(card, number_format="int8", counts=counts, sha256=sha256(onnx))
        write_card(card, card_path(onnx))  # the engine wants it beside the file
        errors_cm = _errors(baked, card, onnx, dataset, samples, options, progress)
        estimated_ms = inference_ms(counts["macs"])
        card = _with_results(card, samples, errors_cm, memory, quantised.route, estimated_ms, options.region)
        final = _keep(onnx, made, folder, card, options.region)
    return Converted(
        final, folder / PACKER_OUT, card, memory, quantised.route, samples.test_split, errors_cm, estimated_ms
    )


class _Samples:
    """A dataset's samples as the network takes them, read once."""

    def __init__(self, dataset: Dataset, card: ModelCard, options: ConvertOptions) -> None:
        training = dataset.split("train")
        if not len(training):
            raise DatasetError(
                f"{dataset.name} has no training people to calibrate on; prepare a dataset with a train split"
            )
        self._dataset, self._card = dataset, card
        self._source = FloatSamples(dataset, card.inputs)
        self._correction = Correction(card.correction)
        chosen = evenly(training, options.calibration_samples)
        pictures = _channels_first(self._source.read(chosen)[0])
        self.calibration = [pictures[start : start + BATCH] for start in range(0, len(pictures), BATCH)]
        self.choosing = "val" if len(dataset.split("val")) else "train"
        self.test_split = "test" if len(dataset.split("test")) else self.choosing
        self._choosing_indices = evenly(self._within(options.region, self.choosing), options.check_samples)
        self._choosing_arrays = self._source.read(self._choosing_indices)
        self.test_indices = evenly(self._within(options.region, self.test_split), options.check_samples)

    def _within(self, region: Region | None, split: str) -> np.ndarray:
        """A split's samples; of those, where the region is fixed, the ones whose face lies about there."""
        indices = self._dataset.split(split)
        if region is None:
            return indices
        labels = {
            name: self._dataset.labels[name][indices]
            for name in (*FACE_COLUMNS, "frame_width_px", "frame_height_px")
        }
        frame = np.stack([labels["frame_width_px"], labels["frame_height_px"]] * 2, axis=1)
        boxes = np.stack([labels[name] for name in FACE_COLUMNS], axis=1) / frame
        kept = indices[_overlap(boxes, np.array(region)) >= LEAST_OVERLAP]
        if not len(kept):
            there, count = _busiest(boxes)
            raise DatasetError(
                f"no face of {self._dataset.name}'s {split} split lies about the region {_words(region)} "
                f"(shares {LEAST_OVERLAP:.0%} with it); most do about {_words(there)}: {count} of "
                f"{len(boxes)}, with --roi {_words(there)}"
            )
        return kept

    def error_on_choosing(self, part: nn.Module) -> float:
        """Mean error in cm, on the validation split, of what would run in the sensor."""
        pictures = _channels_first(self._choosing_arrays[0])
        with torch.no_grad():
            outputs = [
                part(pictures[start : start + BATCH]).cpu().numpy()
                for start in range(0, len(pictures), BATCH)
            ]
        boxes = self._choosing_arrays[1] if len(self._choosing_arrays) > 1 else None
        return self._error(self._correction.apply(np.concatenate(outputs), boxes), self._choosing_indices)

    def error_on_test(self, model: GazeModel) -> float:
        """Mean error in cm of a whole network on the test split."""
        predicted = model.predict_batch(self._dataset, self.test_indices)
        return self._error(predicted / self._card.output_scale_cm, self.test_indices)

    def _error(self, outputs: np.ndarray, indices: np.ndarray) -> float:
        truth = np.stack([self._dataset.labels[f"gaze_{axis}_cm"][indices] for axis in "xy"], axis=1)
        return float(np.linalg.norm(outputs * self._card.output_scale_cm - truth, axis=1).mean())


def _overlap(boxes: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes (n, 4), x, y, width, height, with one (4,)."""
    ends = np.minimum(boxes[:, :2] + boxes[:, 2:], box[:2] + box[2:])
    shared = np.clip(ends - np.maximum(boxes[:, :2], box[:2]), 0, None).prod(axis=1)
    return shared / (boxes[:, 2:].prod(axis=1) + box[2:].prod() - shared)


def _busiest(boxes: np.ndarray) -> tuple[Region, int]:
    """Of the places where faces (n, 4) lie, within the picture, one about which most do, and how many."""
    places = boxes[evenly(np.arange(len(boxes)), MOST_PLACES)]
    first = np.clip(places[:, :2], 0, 1)
    places = np.concatenate([first, np.clip(places[:, :2] + places[:, 2:], 0, 1) - first], axis=1)
    places = np.floor(100 * places[(places[:, 2:] > 0.01).all(axis=1)]) / 100  # as a user would write them
    counts = [int((_overlap(boxes, place) >= LEAST_OVERLAP).sum()) for place in places]
    best = int(np.argmax(counts))
    x, y, width, height = map(float, places[best])
    return (x, y, width, height), counts[best]


def _words(region: Region) -> str:
    return ",".join(f"{number:g}" for number in region)


def _channels_first(pictures: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2)))


def _errors(
    baked: Network,
    card: ModelCard,
    onnx: Path,
    dataset: Dataset,
    samples: _Samples,
    options: ConvertOptions,
    progress: Stages,
) -> dict[str, float]:
    """Float, int8 TFLite and the sensor's network on the same samples, with the same region baked in."""
    from tinytracker.engines.torch import TorchEngine

    total = 3 if options.tflite else 2
    progress("Measuring", 0, total)
    errors = {
        "float": samples.error_on_test(GazeModel(replace(card, inputs=baked.spec.inputs), TorchEngine(baked)))
    }
    progress("Measuring", 1, total)
    if options.tflite:
        from tinytracker.quantization.ground import FaceGround
        from tinytracker.targets.litert.package import Int8Options, export_float, export_int8

        int8_options = Int8Options(
            calibration_samples=options.calibration_samples,
            qat_steps=0,
            check_samples=1,  # the errors that count are measured below, on the same samples as the others
        )
        with tempfile.TemporaryDirectory() as folder:
            plain = replace(card, correction={})
            float_file = export_float(baked, plain, Path(folder))
            ground = FaceGround(dataset, plain)
            int8_file = export_int8(baked, plain, float_file.path, ground, Path(folder), int8_options)
            errors["tflite_int8"] = samples.error_on_test(GazeModel.load(int8_file.path))
        progress("Measuring", 2, total)
    errors["imx500"] = samples.error_on_test(GazeModel(card, Imx500Engine(onnx)))
    progress("Measuring", total, total)
    return errors


def _check_packed(path: Path, card: ModelCard, memory: MemoryReport) -> None:
    """Raises TargetError unless the converted network takes and gives what the card says, and fits."""
    packed = read_packed(path)
    picture = next(spec for spec in card.inputs if spec.height_px)
    wanted = (picture.width_px, picture.height_px, 3)
    if [one.size for one in packed.inputs] != [wanted] or [
        int(np.prod(one.size)) for one in packed.outputs
    ] != [2]:
        sizes = [one.size for one in (*packed.inputs, *packed.outputs)]
        raise TargetError(
            f"the converted network has tensors {sizes}; expected an input {wanted} and two numbers"
        )
    if not memory.fits:
        raise TargetError(
            f"{card.name} needs {memory.used_bytes:,} bytes on the chip, which has "
            f"{memory.available_bytes:,}; use smaller "
            "pictures or fewer channels"
        )


def _with_results(
    card: ModelCard,
    samples: _Samples,
    errors_cm: dict[str, float],
    memory: MemoryReport,
    route: str,
    estimated_ms: tuple[float, float],
    region: Region | None,
) -> ModelCard:
    low, high = estimated_ms
    figures: dict[str, Any] = {
        "route": route,
        "tools": toolchain.versions(),
        samples.test_split: {
            "samples": len(samples.test_indices),
            **(
                {"region": list(region), "of_them": f"faces that share {LEAST_OVERLAP:.0%} with the region"}
                if region
                else {}
            ),
            **{f"error_{name}_cm": round(error, 4) for name, error in errors_cm.items()},
            "loss_cm": round(errors_cm["imx500"] - errors_cm["float"], 4),
            "how": "emulated: the quantised ONNX in ONNX Runtime, not on the chip",
        },
        "memory": memory.as_card(),
        "inference_ms": {
            "low": round(low, 2),
            "high": round(high, 2),
            "how": "estimated: 86 to 52 MAC per cycle at 262.5 MHz",
        },
    }
    return replace(card, results={**card.results, "imx500": figures})


def _keep(onnx: Path, made: Path, folder: Path, card: ModelCard, region: Region | None) -> Path:
    """Puts everything into its place, the card last: an .onnx with its card is whole."""
    final = folder / onnx.name
    card_path(final).unlink(missing_ok=True)
    for name in (PACKER_OUT, PARAMETERS, next(made.glob(f"*{REPORT_SUFFIX}")).name):
        write_bytes(folder / name, (made / name).read_bytes())
    write_text(folder / INTRINSICS_FILE, json.dumps(intrinsics(card, region), indent=2) + "\n")
    write_bytes(final, onnx.read_bytes())
    write_card(card, card_path(final))
    return final
