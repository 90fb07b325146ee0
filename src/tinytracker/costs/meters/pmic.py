"""A Raspberry Pi 5's own power chip: `vcgencmd pmic_read_adc` gives volts and amperes of twelve rails.

What comes in at the plug is more than their sum: 1.1451 x sum + 0.5879 W fits an external meter (a published
community fit; the error is our guess of its scatter). USB devices and hats at 5 V are not on these rails. A
Pi 4 or Zero 2 has no such currents.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable

from tinytracker.costs.meters.polled import Polled
from tinytracker.errors import DeviceError

COMMAND = ("vcgencmd", "pmic_read_adc")
PLUG_FACTOR, PLUG_OFFSET_MW = 1.1451, 587.9
TIMEOUT_S = 2.0
_READING = re.compile(r"(\w+)_([AV]) (?:current|volt)\(\d+\)=([-\d.]+)[AV]")


def read_adc() -> str:
    """The command's text; raises DeviceError where it is not there or fails."""
    try:
        return subprocess.run(COMMAND, capture_output=True, text=True, check=True, timeout=TIMEOUT_S).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise DeviceError(
            f"`{' '.join(COMMAND)}` gives nothing ({error}); this wants a Raspberry Pi 5"
        ) from error


def rails_mw(text: str) -> dict[str, float]:
    """Power of each rail that has both a current and a voltage. Raises DeviceError for text without any."""
    values: dict[str, dict[str, float]] = {}
    for rail, quantity, number in _READING.findall(text):
        values.setdefault(rail, {})[quantity] = float(number)
    rails = {rail: 1e3 * both["A"] * both["V"] for rail, both in values.items() if both.keys() == {"A", "V"}}
    if not rails:
        raise DeviceError(
            f"no currents in what the power chip says ({text.strip()[:60]!r}); only a Raspberry Pi 5 tells "
            "them"
        )
    return rails


class Pmic(Polled):
    """The whole board at its plug, by the fit above. read: gives the command's text."""

    rate_hz = 20.0
    gain_error = 0.05

    def __init__(self, read: Callable[[], str] = read_adc) -> None:
        self._read = read
        self.name = "Raspberry Pi 5 PMIC"
        self.supply_v = 5.0
        self._last: tuple[float, float] | None = None
        self._energy_mj = 0.0

    def open(self) -> None:
        rails = rails_mw(self._read())
        self.name = f"Raspberry Pi 5 PMIC ({len(rails)} rails, plug by fit)"

    def energy_mj(self, now_s: float) -> float:
        """Powers between readings are taken as straight lines."""
        power_mw = PLUG_FACTOR * sum(rails_mw(self._read()).values()) + PLUG_OFFSET_MW
        if self._last is not None:
            self._energy_mj += (power_mw + self._last[1]) / 2 * (now_s - self._last[0])
        self._last = now_s, power_mw
        return self._energy_mj
