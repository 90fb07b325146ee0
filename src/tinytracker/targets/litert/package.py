"""A trained network -> NAME_float.tflite and NAME_int8.tflite, each with its card."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tinytracker.cards import ModelCard, card_path, write_card
from tinytracker.files import sha256, write_bytes
from tinytracker.models import Network, count
from tinytracker.progress import Stages, no_stages
from tinytracker.quantization import fake_quant
from tinytracker.quantization.calibration import Ranges, observe
from tinytracker.quantization.compare import Comparison, compare
from tinytracker.quantization.convert import to_float_tflite
from tinytracker.quantization.fit import Fitted, fit
from tinytracker.quantization.fold import fold
from tinytracker.quantization.ground import Ground, training_of
from tinytracker.quantization.int8 import quantize
from tinytracker.quantization.ranges import settle
from tinytracker.quantization.samples import evenly
from tinytracker.tflite.integer import check_integer
from tinytracker.tflite.read import read_graph
from tinytracker.tflite.repack import repack

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Int8Options:
    """How to quantise.

    calibration_samples: of training people. qat_steps: of fake-quant training; 0: never; None:
    `steps_if_needed`, if calibration alone costs more than the limit on the validation split
    (`Ground.limit`).
    check_samples: at most, of the validation split for choosing and of the test split for the card; of 1000
    frames the loss is known to 0.02 cm only.
    """

    calibration_samples: int = 1024
    qat_steps: int | None = None
    steps_if_needed: int = 300
    learning_rate: float = 1e-4
    check_samples: int = 5000
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Exported:
    """A written file and its card. comparison: of an int8 file with the float one, on the test split if
    there is one."""

    path: Path
    card: ModelCard
    comparison: Comparison | None = None


def export_float(network: Network, card: ModelCard, folder: Path) -> Exported:
    """Writes NAME_float.tflite and its card; NAME is the card's name. Raises MissingExtraError without
    litert-torch."""
    content = repack(to_float_tflite(fold(network)), _names(network), integer=False)
    path = folder / f"{card.name}_float.tflite"
    write_bytes(path, content)
    return Exported(path, file_card(network, card, path, "float32", {}))


def export_int8(
    network: Network,
    card: ModelCard,
    float_path: Path,
    ground: Ground,
    folder: Path,
    options: Int8Options | None = None,
    progress: Stages = no_stages,
) -> Exported:
    """Writes NAME_int8.tflite and its card.

    Calibrates on the training split, chooses the route on the validation split (the training split where
    there is none) and measures it on the test split. float_path: what `export_float` wrote. progress: of
    calibrating, of each measurement, of fake-quant training. Raises DatasetError without training samples,
    TargetError if the result is not fully integer.
    """
    options = options or Int8Options()
    trial = _Trial(network, float_path.read_bytes(), ground, options, progress)
    best = min(trial.calibrated(), key=_drift)
    _log.info(
        "%s: %s costs %.4f (drift %.4f)", card.name, best.route, best.comparison.cost, best.comparison.drift
    )
    steps = options.qat_steps
    if steps is None:
        steps = options.steps_if_needed if best.comparison.cost > ground.limit else 0
    if steps:
        best = min(best, trial.trained(steps), key=_drift)
        _log.info(
            "%s: %s costs %.4f (drift %.4f)",
            card.name,
            best.route,
            best.comparison.cost,
            best.comparison.drift,
        )
    path = folder / f"{card.name}_int8.tflite"
    check_integer(best.content, path.name)
    on_test = trial.compare(best.content, "test", "the chosen one")
    figures: dict[str, Any] = {"route": best.route, trial.choosing: best.comparison.as_card()}
    if on_test is not None:
        figures["test"] = on_test.as_card()
    write_bytes(path, best.content)
    return Exported(path, file_card(network, card, path, "int8", figures), on_test or best.comparison)


def file_card(
    network: Network,
    card: ModelCard,
    path: Path,
    number_format: Literal["float32", "int8"],
    quantization: dict[str, Any],
) -> ModelCard:
    """Writes the card of an exported file beside it: the checkpoint's, with this file's counts, sha256 and
    quantisation."""
    counts = {**count(network).as_card(), "bytes": path.stat().st_size}
    results = {**card.results, "quantization": quantization} if quantization else dict(card.results)
    written = replace(card, number_format=number_format, counts=counts, results=results, sha256=sha256(path))
    write_card(written, card_path(path))
    return written


@dataclass(frozen=True, slots=True)
class _Candidate:
    content: bytes
    route: str
    comparison: Comparison


def _drift(candidate: _Candidate) -> float:
    return candidate.comparison.drift


class _Trial:
    """Makes int8 candidates of the network and compares each with the float network, which sees every sample
    once only."""

    def __init__(
        self,
        network: Network,
        float_tflite: bytes,
        ground: Ground,
        options: Int8Options,
        progress: Stages,
    ) -> None:
        self._ground, self._options, self._progress = ground, options, progress
        self._float_tflite = float_tflite
        self._training = training_of(ground)
        self._calibration = evenly(self._training, options.calibration_samples)
        self._inputs = fake_quant.to_tensors(ground.samples.read(self._calibration))
        self._network = fold(network)
        self._fitted: Fitted | None = None
        self.choosing = "val" if len(ground.split("val")) else "train"
        self._float_outputs: dict[str, np.ndarray] = {}

    def calibrated(self) -> list[_Candidate]:
        """By training samples alone: fitted, and with the ranges of what was seen."""
        samples = f"{len(self._calibration)} training samples"
        fitted = self._fit()
        ranges = observe(
            self._float_tflite,
            self._ground.samples.one_by_one(self._calibration),
            partial(self._progress, "Calibrating"),
            len(self._calibration),
        )
        return [
            self._of_graph(fitted.network, fitted.ranges, f"post-training, fitted to {samples}"),
            self._candidate(self._float_tflite, ranges, f"post-training, min/max over {samples}"),
        ]

    def trained(self, steps: int) -> _Candidate:
        """By fake-quant training, from the fitted network."""
        options, fitted = self._options, self._fit()
        simulation = fake_quant.train(
            self._network,
            self._ground.samples,
            self._training,
            start=fitted.network,
            ranges=fitted.ranges,
            steps=steps,
            learning_rate=options.learning_rate,
            seed=options.seed,
            progress=partial(self._progress, "Fake-quant training"),
        )
        ranges = {name: rounding.range for name, rounding in simulation.roundings.items()}
        return self._of_graph(
            simulation.finish(),
            ranges,
            f"fake-quant training, {steps} steps, distilled from the float network",
        )

    def _fit(self) -> Fitted:
        if self._fitted is None:
            self._fitted = fit(self._network, self._inputs, self._progress)
        return self._fitted

    def _of_graph(self, network: Network, ranges: dict[str, tuple[float, float]], route: str) -> _Candidate:
        """A candidate of a folded network and the ranges of its graph's nodes."""
        converted = to_float_tflite(network)
        sample = self._ground.samples.read(self._calibration[:1])
        return self._candidate(converted, fake_quant.ranges_for(converted, network, ranges, sample), route)

    def compare(self, int8_tflite: bytes, split: str, route: str) -> Comparison | None:
        """Compares a candidate with the float network on a split; None if the split is empty. route: its
        name, in a word."""
        indices = evenly(self._ground.split(split), self._options.check_samples)
        if not len(indices):
            return None
        if split not in self._float_outputs:
            self._float_outputs[split] = self._outputs(
                self._float_tflite, indices, f"Running float on {split}"
            )
        return compare(
            self._float_outputs[split],
            self._outputs(int8_tflite, indices, f"Running {route} on {split}"),
            self._ground.truth(indices),
            self._ground.unit,
        )

    def _candidate(self, float_tflite: bytes, observed: Ranges, route: str) -> _Candidate:
        ranges = settle(read_graph(float_tflite), observed, self._network.spec.inputs)
        content = repack(quantize(float_tflite, ranges), _names(self._network))
        comparison = self.compare(content, self.choosing, route.partition(" over ")[0].partition(" to ")[0])
        assert comparison is not None  # the split chosen for choosing is not empty
        return _Candidate(content, route, comparison)

    def _outputs(self, content: bytes, indices: np.ndarray, what: str) -> np.ndarray:
        return self._ground.outputs(content, indices, partial(self._progress, what))


def _names(network: Network) -> list[str]:
    return [spec.name for spec in network.spec.inputs]
