"""Texas Instruments' INA219, INA226 and INA228 on an I2C bus: a shunt resistor's voltage and the supply's.

INA228 adds up energy in the chip, so that nothing between two readings is missed; the others give instants,
and only an average over many readings is worth something: blocks of 10 s, as `measure` runs them. Registers
are big-endian. Sources: TI SBOS448 (INA219), SBOS547 (INA226), SLYS021 (INA228).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Protocol

from tinytracker.costs.meters.polled import Polled
from tinytracker.errors import DeviceError, UsageError
from tinytracker.extras import need

SHUNT_OHM = 0.1  # on most modules
ADDRESS = 0x40


class Bus(Protocol):
    """What is used of smbus2.SMBus."""

    def read_i2c_block_data(self, i2c_addr: int, register: int, length: int) -> list[int]: ...

    def write_i2c_block_data(self, i2c_addr: int, register: int, data: list[int]) -> None: ...

    def close(self) -> None: ...


def open_bus(number: int) -> Bus:
    """/dev/i2c-NUMBER; raises DeviceError, MissingExtraError."""
    need("smbus2")
    from smbus2 import SMBus

    try:
        bus: Bus = SMBus(number)
    except OSError as error:
        raise DeviceError(
            f"cannot open /dev/i2c-{number}: {os.strerror(error.errno or 0)}; is I2C enabled, and may you "
            "use it?"
        ) from error
    return bus


@dataclass(frozen=True, slots=True)
class Chip:
    """What differs: config: (register, value) pairs for conversions of about a millisecond. shunt_v: volts a
    step of the shunt register, full_scale: its largest value; bus_v: volts a step of the bus register after
    `bus_shift`. gain_error: by the data sheet, over temperature, without the shunt's own."""

    config: tuple[tuple[int, int], ...]
    shunt_v: float
    full_scale: int
    bus_v: float
    bus_shift: int
    gain_error: float
    identity: tuple[tuple[int, int, int], ...] = ()  # register, value, mask


CHIPS = {
    "ina219": Chip(((0x00, 0x399F),), 10e-6, 32000, 4e-3, 3, 0.01),  # 32 V, 320 mV, 12 bit: 532 us each
    "ina226": Chip(
        ((0x00, 0x40DF),), 2.5e-6, 32767, 1.25e-3, 0, 0.002, ((0xFE, 0x5449, 0xFFFF), (0xFF, 0x2260, 0xFFF0))
    ),
    "ina228": Chip(
        (), 312.5e-9, (1 << 19) - 1, 195.3125e-6, 0, 0.001, ((0x3E, 0x5449, 0xFFFF), (0x3F, 0x2280, 0xFFF0))
    ),
}
FULL_SCALE_V = 0.16384  # INA228's shunt at its wider range


class Ina(Polled):
    """chip: "ina219", "ina226" or "ina228". shunt_ohm: of the resistor between IN+ and IN-."""

    def __init__(
        self, chip: str, bus: int | Bus = 1, address: int = ADDRESS, shunt_ohm: float = SHUNT_OHM
    ) -> None:
        if chip not in CHIPS:
            raise UsageError(f"there is no {chip!r}; expected one of {', '.join(CHIPS)}")
        if not 1e-5 <= shunt_ohm <= 10:
            raise UsageError(f"a shunt has 0.00001 to 10 ohm, not {shunt_ohm:g}")
        self._kind, self._chip = chip, CHIPS[chip]
        self._where, self._address, self._shunt_ohm = bus, address, shunt_ohm
        self.name = f"TI {chip.upper()} (shunt {shunt_ohm:g} ohm)"
        self.rate_hz = 500.0
        self.supply_v: float | None = None
        self.gain_error = self._chip.gain_error + 0.01  # the usual shunt's 1 %
        self._last: tuple[float, float] | None = None
        self._energy_mj = 0.0
        self._turns, self._counter = 0, 0

    def open(self) -> None:
        self._bus: Any = open_bus(self._where) if isinstance(self._where, int) else self._where
        for register, value, mask in self._chip.identity:
            found = self._read(register, 2)
            if found & mask != value & mask:
                raise DeviceError(
                    f"at address {self._address:#x} is no {self._kind.upper()}: register {register:#x} "
                    f"holds {found:#06x}"
                )
        for register, value in self._chip.config:
            self._write(register, value)
        if self._kind == "ina228":
            self._write(0x00, 0x4000)  # accumulators to zero, shunt +-163.84 mV
            self._write(0x01, 0xF000 | 2 << 9 | 2 << 6 | 2 << 3)  # continuous, 150 us each, no averaging
            self._current_lsb_a = FULL_SCALE_V / self._shunt_ohm / (1 << 19)
            self._write(0x02, round(13107.2e6 * self._current_lsb_a * self._shunt_ohm))
        self.supply_v = self._bus_v()

    def close(self) -> None:
        self._bus.close()

    def energy_mj(self, now_s: float) -> float:
        if self._kind == "ina228":
            return self._accumulated_mj()
        power_mw = 1e3 * self._shunt_v() / self._shunt_ohm * self._bus_v()
        if self._last is not None:
            self._energy_mj += (power_mw + self._last[1]) / 2 * (now_s - self._last[0])
        self._last = now_s, power_mw
        return self._energy_mj

    def _accumulated_mj(self) -> float:
        """INA228's ENERGY, 40 bits that wrap around: 16 x 3.2 x the current's step, in joule."""
        flags = self._read(0x0B, 2)
        if flags & 1 << 9:
            raise DeviceError(
                "the INA228's arithmetic overflowed: the current is beyond what its shunt allows"
            )
        if not flags & 1:
            raise DeviceError("the INA228's memory is damaged; power it off and on")
        now = self._read(0x09, 5)
        self._turns += now < self._counter
        self._counter = now
        return (now + (self._turns << 40)) * 16 * 3.2 * self._current_lsb_a * 1e3

    def _shunt_v(self) -> float:
        raw = self._read(0x01, 2)
        signed = raw - (raw >> 15 << 16)
        if abs(signed) >= self._chip.full_scale:
            raise DeviceError(
                f"the {self._kind.upper()}'s shunt is at its full scale "
                f"({self._chip.full_scale * self._chip.shunt_v * 1e3:.0f} mV): more current than "
                f"{self._shunt_ohm:g} ohm allows; take a smaller shunt"
            )
        return signed * self._chip.shunt_v

    def _bus_v(self) -> float:
        if self._kind == "ina228":
            return (self._read(0x05, 3) >> 4) * self._chip.bus_v
        return (self._read(0x02, 2) >> self._chip.bus_shift) * self._chip.bus_v

    def _read(self, register: int, length: int) -> int:
        try:
            return int.from_bytes(
                bytes(self._bus.read_i2c_block_data(self._address, register, length)), "big"
            )
        except OSError as error:
            raise DeviceError(
                f"nothing answers at I2C address {self._address:#x} ({error}); check the wires and the "
                "address"
            ) from error

    def _write(self, register: int, value: int) -> None:
        try:
            self._bus.write_i2c_block_data(self._address, register, list(value.to_bytes(2, "big")))
        except OSError as error:
            raise DeviceError(
                f"nothing answers at I2C address {self._address:#x} ({error}); check the wires and the "
                "address"
            ) from error
