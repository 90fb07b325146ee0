"""What both halves of `tinytracker measure`, recorded and live, know and say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import typer

from tinytracker.costs.figures import Figure, Figures
from tinytracker.costs.trace import Trace


@dataclass(frozen=True, slots=True)
class Known:
    """What must be known for a figure to be worth anything, as far as it was given."""

    supply_v: float | None
    regulator: str
    clock_mhz: float | None
    compiler: str
    firmware: Path | None
    powered: str

    def conditions(self, meter: str, supply_v: float | None, **more: str) -> dict[str, str]:
        """As a row keeps them; a meter that knows its supply says so itself."""
        from tinytracker.files import sha256

        volts = self.supply_v if self.supply_v is not None else supply_v
        return {
            "supply_v": "" if volts is None else f"{volts:g}",
            "regulator": self.regulator,
            "clock_mhz": "" if self.clock_mhz is None else f"{self.clock_mhz:g}",
            "compiler": self.compiler,
            "firmware_sha256": "" if self.firmware is None else sha256(self.firmware),
            "meter": meter,
            "powered": self.powered,
            **more,
        }


@dataclass(frozen=True, slots=True)
class Protocol:
    """How it is measured: see `tinytracker measure --help`. shortest_s: of a block that a board runs."""

    blocks: int
    shortest_s: float
    marker: int | None
    fps: float | None
    chain: bool


def show(found: Figures, title: str, fps: float | None = None, chain: bool = False) -> None:
    """Draws the figures, of an inference or of a whole `chain`."""
    from tinytracker.cli.caller import say
    from tinytracker.costs.figures import per_frame
    from tinytracker.results import Table

    one = "a chain, camera to gaze" if chain else "an inference"
    lines: list[tuple[str, Figure | None, str]] = [
        (f"time of {one}", found.time_ms, "ms"),
        (f"energy of {one}, gross", found.energy_mj, "mJ"),
        (f"energy of {one}, net of idle", found.net_mj, "mJ"),
        ("power meanwhile", found.power_mw, "mW"),
        ("power while idle", found.idle_mw, "mW"),
    ]
    if fps is not None:
        lines.append((f"energy of a frame at {fps:g}/s, gross", per_frame(found, fps), "mJ"))
        lines.append((f"energy of a frame at {fps:g}/s, net of idle", found.net_mj, "mJ"))
    drawn = [
        (what, f"{figure.value:.4g}", f"{figure.low:.4g} to {figure.high:.4g}", unit)
        for what, figure, unit in lines
        if figure
    ]
    if found.board_ms is not None:
        drawn.append(("time by the board's own clock", f"{found.board_ms:.4g}", "", "ms"))
    say(Table(title=title, columns=("", "median", "range", ""), rows=drawn, numbers=(1, 2)))
    for remark in found.remarks:
        typer.echo(f"note: {remark}")


def keep_if_asked(trace: Trace, path: Path | None) -> None:
    """Writes what was metered, if that was wanted."""
    if path is None:
        return
    from tinytracker.costs.traces import kept

    kept.write(trace, path)
    typer.echo(f"kept {len(trace.power_mw):,} samples in {path}")
