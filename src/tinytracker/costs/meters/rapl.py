"""Linux's energy counters of x86 processors (RAPL): /sys/class/powercap/intel-rapl:*/energy_uj, microjoules
that wrap around.

The counters move about every millisecond. They are readable by root alone since CVE-2020-8694. They are a
model of the processor in the processor, no meter; the memory and the rest of the computer are not in
`package`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tinytracker.costs.meters.polled import Polled
from tinytracker.errors import DeviceError

ROOT = Path("/sys/class/powercap")


@dataclass(slots=True)
class _Zone:
    """One counter. last_uj, turns: the last reading and how often it has wrapped."""

    path: Path
    name: str
    range_uj: int
    last_uj: int = -1
    turns: int = 0

    def read_uj(self) -> int:
        """Since some beginning, wraps undone; a wrap between two readings shows as a fall."""
        try:
            now_uj = int((self.path / "energy_uj").read_text())
        except PermissionError as error:
            raise DeviceError(
                f"{self.path}/energy_uj is readable by root alone; run as root, or: sudo chmod a+r it"
            ) from error
        except (OSError, ValueError) as error:
            raise DeviceError(f"the energy counter {self.path} cannot be read: {error}") from error
        self.turns += now_uj < self.last_uj
        self.last_uj = now_uj
        return now_uj + self.turns * self.range_uj


class Rapl(Polled):
    """All processor packages together. root: where the kernel's tree is."""

    rate_hz = 500.0
    supply_v: float | None = None

    def __init__(self, root: Path = ROOT) -> None:
        self._root = root
        self._zones: list[_Zone] = []
        self.name = "RAPL"

    def open(self) -> None:
        for path in sorted(self._root.glob("*:*")):
            try:
                name = (path / "name").read_text().strip()
                if name.startswith("package"):
                    self._zones.append(_Zone(path, name, int((path / "max_energy_range_uj").read_text())))
            except (OSError, ValueError) as error:
                raise DeviceError(f"the energy counter {path} cannot be read: {error}") from error
        if not self._zones:
            raise DeviceError(
                f"no RAPL counter of a processor package under {self._root}: a virtual machine, or no x86 "
                "processor"
            )
        self.name = f"RAPL ({', '.join(zone.name for zone in self._zones)})"
        self.energy_mj(0.0)

    def energy_mj(self, now_s: float) -> float:
        return sum(zone.read_uj() for zone in self._zones) / 1e3
