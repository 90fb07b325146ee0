"""Blocks of inferences on this computer, and what must be known of it: processor, clock governor, runtime."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tinytracker.costs.meters.pmic import Pmic
from tinytracker.costs.meters.protocol import Meter
from tinytracker.costs.meters.rapl import Rapl
from tinytracker.engines.litert import LiteRTEngine
from tinytracker.engines.protocol import TensorSpec
from tinytracker.files import sha256

SEED = 2307
CPU = Path("/sys/devices/system/cpu/cpu0/cpufreq")


@dataclass(slots=True)
class HostBoard:
    """A `costs.blocks.Board`: a .tflite by LiteRT on one thread of this computer."""

    path: Path
    name: str = "host"
    _engine: LiteRTEngine = field(init=False)
    _inputs: list[np.ndarray] = field(init=False)

    def __post_init__(self) -> None:
        self._engine = LiteRTEngine(self.path)
        self.load(0)

    def load(self, number: int) -> None:
        """A seeded random input, another for each number."""
        random = np.random.default_rng((SEED, number))
        self._inputs = [_random(spec, random) for spec in self._engine.inputs]

    def run(self, count: int, marked: bool) -> float:
        """marked means nothing here: there is no pin, and whoever meters has this computer's clock."""
        began_s = time.perf_counter()
        for _ in range(count):
            self._engine.invoke(self._inputs)
        return time.perf_counter() - began_s


def describe_host(root: Path = CPU, cpuinfo: Path = Path("/proc/cpuinfo")) -> dict[str, str]:
    """cpu, its clock in MHz and the governor that sets it, as far as the system tells."""
    told = _read(cpuinfo)
    names = [
        line.partition(":")[2].strip()
        for line in told.splitlines()
        if line.startswith(("model name", "Model"))
    ]
    clocks = [line.partition(":")[2].strip() for line in told.splitlines() if line.startswith("cpu MHz")]
    khz = _read(root / "scaling_cur_freq").strip()
    clock_mhz = f"{int(khz) / 1e3:g}" if khz.isdigit() else (clocks[0] if clocks else "")
    return {
        "cpu": names[0] if names else platform.processor() or platform.machine(),
        "clock_mhz": clock_mhz,
        "governor": _read(root / "scaling_governor").strip() or "not told",
        "cores": str(os.cpu_count()),
    }


def host_conditions(path: Path, meter: Meter | None) -> dict[str, str]:
    """What a row of this computer keeps: the system's word, and what its own meters feed."""
    conditions = {
        **describe_host(),
        "compiler": runtime_version(),
        "firmware_sha256": sha256(path),
        "model_sha256": sha256(path),
    }
    if meter is not None:
        conditions["meter"] = meter.name
    if isinstance(meter, Rapl):
        conditions |= {
            "supply_v": "on the chip",
            "regulator": "the main board's",
            "powered": "the processor's packages",
        }
    if isinstance(meter, Pmic):
        conditions |= {
            "supply_v": "5",
            "regulator": "the board's PMIC",
            "powered": "the whole board, without USB and hats",
        }
    return {name: value for name, value in conditions.items() if value}


def runtime_version() -> str:
    """What computes."""
    from importlib.metadata import version

    return f"LiteRT {version('ai-edge-litert')}, XNNPACK, one thread"


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _random(spec: TensorSpec, random: np.random.Generator) -> np.ndarray:
    if spec.dtype == "float32":
        return random.uniform(-1, 1, spec.shape).astype(np.float32)
    limits = np.iinfo(spec.dtype)
    return random.integers(limits.min, limits.max + 1, spec.shape, dtype=spec.dtype)
