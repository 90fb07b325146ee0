"""Arm's compiler Vela: what it makes of a .tflite, and what it estimates that it costs.

Vela states itself that its cycles are the compiler's own estimates; nothing here has run on an NPU. Clock and
memories are those of the system configuration that Vela takes by default for an accelerator, which it names.
"""

from __future__ import annotations

import csv
import importlib.util
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tinytracker.errors import MissingExtraError, TargetError, UsageError
from tinytracker.files import make_folder, write_bytes

ACCELERATORS = (
    "ethos-u55-32",
    "ethos-u55-64",
    "ethos-u55-128",
    "ethos-u55-256",
    "ethos-u65-256",
    "ethos-u65-512",
    "ethos-u85-128",
    "ethos-u85-256",
    "ethos-u85-512",
    "ethos-u85-1024",
    "ethos-u85-2048",
)
DEFAULT_ACCELERATOR = "ethos-u55-128"
TIMEOUT_S = 600


@dataclass(frozen=True, slots=True)
class Layer:
    """One of Vela's passes. name: the tensor it makes. cycles, macs: estimated; 0 where it is fused into
    the one before."""

    name: str
    kind: str
    cycles: int
    macs: int


@dataclass(frozen=True, slots=True)
class Fallback:
    """An operator that is left to the processor, and why, in Vela's words."""

    kind: str
    tensor: str
    reason: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """What Vela says of a network on an accelerator. path: the compiled .tflite. on_npu, on_cpu: operators
    after its own rewriting. sram_bytes: of activations; weight_bytes: encoded, in flash or DRAM, with
    constants. cycles, milliseconds: of the NPU's part, estimated."""

    path: Path
    accelerator: str
    system: str
    clock_hz: float
    on_npu: int
    on_cpu: int
    fallbacks: tuple[Fallback, ...]
    macs: int
    cycles: int
    milliseconds: float
    sram_bytes: int
    weight_bytes: int
    layers: tuple[Layer, ...]


def estimate(model: Path, accelerator: str, out: Path) -> Estimate:
    """Runs Vela; leaves NAME_vela.tflite and its tables in `out`, each whole or not at all.

    Raises UsageError for an unknown accelerator, MissingExtraError without Vela, TargetError if it fails on
    the network, OutputError if `out` cannot be written.
    """
    if accelerator not in ACCELERATORS:
        raise UsageError(
            f"there is no accelerator {accelerator!r}; expected one of {', '.join(ACCELERATORS)}"
        )
    if importlib.util.find_spec("ethosu") is None:
        raise MissingExtraError("ethosu", "ethos-u")
    with tempfile.TemporaryDirectory(prefix="tinytracker-vela-") as folder:
        said = _run(model, accelerator, Path(folder))
        make_folder(out)
        for made in sorted(path for path in Path(folder).iterdir() if path.is_file()):
            write_bytes(out / made.name, made.read_bytes())
    summaries = sorted(out.glob(f"{model.stem}_summary_*.csv"))
    compiled = out / f"{model.stem}_vela.tflite"
    if not summaries or not compiled.is_file():
        raise TargetError(f"Vela made nothing of {model}: {_last_line(said)}")
    with summaries[-1].open(newline="") as file:
        row = next(csv.DictReader(file))
    flash_kib = sum(
        float(row[f"{place}_memory_used"]) for place in ("dram", "on_chip_flash", "off_chip_flash")
    )
    return Estimate(
        path=compiled,
        accelerator=accelerator,
        system=row["system_config"],
        clock_hz=float(row["core_clock"]),
        on_npu=_count(said, "NPU"),
        on_cpu=_count(said, "CPU"),
        fallbacks=_fallbacks(said),
        macs=int(float(row["nn_macs"])),
        cycles=int(float(row["cycles_total"])),
        milliseconds=1000 * float(row["inference_time"]),
        sram_bytes=round(1024 * float(row["sram_memory_used"])),
        weight_bytes=round(1024 * flash_kib),
        layers=_layers(out / f"{model.stem}_per-layer.csv"),
    )


def _run(model: Path, accelerator: str, out: Path) -> str:
    command = [
        sys.executable,
        "-m",
        "ethosu.vela",
        str(model),
        "--accelerator-config",
        accelerator,
        "--output-dir",
        str(out),
        "--verbose-performance",
    ]
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT_S
        )
    except subprocess.TimeoutExpired as error:
        raise TargetError(f"Vela did not end within {TIMEOUT_S} s on {model}") from error
    if done.returncode != 0:
        raise TargetError(f"Vela cannot compile {model}: {_last_line(done.stdout)}")
    return done.stdout


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def _count(said: str, where: str) -> int:
    found = re.search(rf"^{where} operators = (\d+)", said, re.M)
    return int(found[1]) if found else 0


def _fallbacks(said: str) -> tuple[Fallback, ...]:
    found = re.findall(
        r"^Warning \(supported operators\) operator: (\w+), ofm: '(.*)'\nReason: (.*)$", said, re.M
    )
    return tuple(Fallback(*parts) for parts in found)


def _layers(path: Path) -> tuple[Layer, ...]:
    if not path.is_file():
        return ()
    with path.open(newline="") as file:
        return tuple(
            Layer(
                row["Name"],
                row["Original Operator"],
                int(float(row["Op Cycles"])),
                int(float(row["MAC Count"])),
            )
            for row in csv.DictReader(file)
            if row["Target"] == "NPU"
        )
