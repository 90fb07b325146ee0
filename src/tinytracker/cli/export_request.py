"""What `tinytracker export` hands to the target that was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tinytracker.errors import UsageError
from tinytracker.targets.tflite_model import find_tflite


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """One export. What is None was not asked for.

    model: what was given on the command line: a checkpoint, a .tflite, or a released network's name. out: folder to write
    to. cpu: the microcontroller's core, such as "m4". accelerator: Vela's name of an NPU. output_scale_cm: of a network
    without a card. The rest: as `tinytracker export
    --help` says.
    """

    model: Path
    out: Path
    target: str
    name: str | None = None
    data: tuple[Path, ...] | None = None
    float_only: bool = False
    calibration_samples: int | None = None
    qat_steps: int | None = None
    cpu: str | None = None
    accelerator: str | None = None
    roi: str | None = None
    output_scale_cm: float | None = None

    def tflite(self) -> Path:
        """The .tflite that `model` is or names; raises ModelError if it is no such thing."""
        return find_tflite(self.model, f"--target {self.target}")

    def refuse_options_but(self, taken: frozenset[str]) -> None:
        """Raises UsageError if an option was given that this target does not take."""
        optional = ("name", "data", "float_only", "calibration_samples", "qat_steps", "cpu", "accelerator", "roi",
                    "output_scale_cm")  # fmt: skip
        for option in optional:
            if getattr(self, option) not in (None, False) and option not in taken:
                raise UsageError(f"--{option.replace('_', '-')} means nothing to --target {self.target}; leave it out")
