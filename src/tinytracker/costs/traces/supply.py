"""The supply voltage that a recording of current needs to become one of power."""

from __future__ import annotations

from tinytracker.errors import InputError


def need_supply(supply_v: float | None, what: str) -> float:
    """The supply voltage of a recording of current; raises InputError without one."""
    if supply_v is None:
        raise InputError(f"{what} records current only; give the supply voltage (--supply 3.3)")
    if not 0.5 <= supply_v <= 60:
        raise InputError(f"a supply voltage is from 0.5 to 60 V, not {supply_v:g}")
    return supply_v
