"""A meter by its name, as the command line writes it."""

from __future__ import annotations

from tinytracker.costs.meters.protocol import Meter
from tinytracker.errors import DeviceError, UsageError

METERS = {
    "ppk2": "ppk2[:PORT]",
    "ppk2-ampere": "ppk2-ampere[:PORT]",
    "lpm01a": "lpm01a:PORT[:RATE_HZ]",
    "joulescope": "joulescope",
    "ina219": "ina219[:BUS[:ADDRESS[:SHUNT_OHM]]]",
    "ina226": "ina226[:BUS[:ADDRESS[:SHUNT_OHM]]]",
    "ina228": "ina228[:BUS[:ADDRESS[:SHUNT_OHM]]]",
    "rapl": "rapl",
    "pmic": "pmic",
    "csv": "csv:FILE",
}
"""Name -> how it is written."""


def open_meter(spec: str, supply_v: float | None = None) -> Meter:
    """The meter that `spec` names (METERS), not yet entered. supply_v: of meters that supply or cannot tell.

    Raises UsageError for a name or argument that is none, DeviceError if it is to be found and is not.
    """
    name, *arguments = spec.split(":")
    try:
        if name in ("ppk2", "ppk2-ampere"):
            from tinytracker.costs.meters.ppk2 import Ppk2

            return Ppk2(":".join(arguments) or _only_ppk2(name), supply_v, source=name == "ppk2")
        if name == "lpm01a" and arguments:
            from tinytracker.costs.meters.lpm01a import ASCII_MAX_HZ, Lpm01a

            rate_hz = float(arguments.pop()) if len(arguments) > 1 and arguments[-1].isdigit() else 1000.0
            return Lpm01a(":".join(arguments), supply_v, rate_hz, binary=rate_hz > ASCII_MAX_HZ)
        if name == "joulescope" and not arguments:
            from tinytracker.costs.meters.joulescope import Joulescope

            return Joulescope()
        if name in ("ina219", "ina226", "ina228") and len(arguments) <= 3:
            from tinytracker.costs.meters.ina import ADDRESS, SHUNT_OHM, Ina

            bus, address, shunt_ohm = (*arguments, *("1", hex(ADDRESS), str(SHUNT_OHM))[len(arguments) :])
            return Ina(name, int(bus), int(address, 0), float(shunt_ohm))
        if name == "rapl" and not arguments:
            from tinytracker.costs.meters.rapl import Rapl

            return Rapl()
        if name == "pmic" and not arguments:
            from tinytracker.costs.meters.pmic import Pmic

            return Pmic()
    except ValueError as error:
        raise UsageError(f"{spec!r} is not written as {METERS[name]}: {error}") from error
    if name in METERS:
        raise UsageError(f"{spec!r} is not written as {METERS[name]}")
    raise UsageError(f"there is no meter {spec!r}; expected one of {', '.join(METERS.values())}")


def _only_ppk2(name: str) -> str:
    """The first port of the one PPK2 that is plugged in; it has two, and answers on the first."""
    from tinytracker.costs.meters.ppk2 import find_ports

    ports = find_ports()
    if not ports:
        raise DeviceError(f"no PPK2 is plugged in; name its port if it is: --meter {name}:/dev/ttyACM0")
    if len(ports) > 2:
        raise DeviceError(
            f"several PPK2s are plugged in ({', '.join(ports)}); name the port: --meter {name}:{ports[0]}"
        )
    return ports[0]
