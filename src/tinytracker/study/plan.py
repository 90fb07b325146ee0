"""A study's plan: whom it renders, how much of everything it takes, and where its files lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tinytracker.data.recording import Split


@dataclass(frozen=True, slots=True)
class Rendered:
    """Some of a study's people, as `synth` renders them. seed: what the study's own seed is added to. frames:
    per person. splits: only the people of these, of all if none is named."""

    seed: int
    people: int
    frames: int
    splits: tuple[Split, ...] = ()


@dataclass(frozen=True, slots=True)
class Budget:
    """How much of everything: the one place to tune.

    rendered: the people. steps: of training per network; one that is not named takes its recipe's own.
    validation_samples: at most, at each of training's validations; a training whose steps are named here
    validates once, at its end. calibration_samples, check_samples: of quantisation. qat_steps: of fake-quant
    training where calibration alone costs more than 0.05 cm. latency_runs: timed runs per network.
    """

    rendered: tuple[Rendered, ...]
    steps: Mapping[str, int]
    validation_samples: int
    calibration_samples: int
    check_samples: int
    qat_steps: int
    latency_runs: int


# Seconds per step (batch 64; teacher and observer asked) on two idle cores, without AVX-512 and with it: eyes
# 0.26, 0.09; TinyTracker 0.49, 0.22; TinyTracker-S 0.25, 0.13; iTracker 11, 4.5. The first core trains eyes,
# then TinyTracker; the second iTracker, then TinyTracker-S.
QUICK = Budget(
    rendered=(Rendered(0, 240, 20),),
    steps={"tinytracker-eyes": 1000, "itracker": 15, "tinytracker": 600, "tinytracker-s": 900},
    validation_samples=200,
    calibration_samples=150,
    check_samples=150,
    qat_steps=0,
    latency_runs=200,
)
# The people whom the released networks were trained on last, and those whom the cards' figures are of
# (evaluation.again). Weights are fresh ones here; the released ones went on from those before them
# (docs/training.md).
FULL = Budget(
    rendered=(
        Rendered(7411, 13000, 4, ("train", "val")),
        Rendered(22, 4100, 12, ("test",)),
    ),
    steps={},
    validation_samples=2000,
    calibration_samples=500,
    check_samples=2000,
    qat_steps=300,
    latency_runs=1000,
)


@dataclass(frozen=True, slots=True)
class Plan:
    """A study: its folder, how much of everything, and the seed of its people and trainings."""

    out: Path
    budget: Budget
    seed: int = 0

    def checkpoint(self, name: str) -> Path:
        """The best weights of a network's training."""
        return self.out / "train" / name / "best.safetensors"

    def exported(self, name: str) -> tuple[Path, Path]:
        """A network's float and int8 file."""
        return self.out / "export" / f"{name}_float.tflite", self.out / "export" / f"{name}_int8.tflite"
