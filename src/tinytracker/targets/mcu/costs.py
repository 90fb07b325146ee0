"""What `bench` found, as tables for a reader and as rows of results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tinytracker.costs.models import core_energy_mj
from tinytracker.costs.rows import CostRow
from tinytracker.results import How, Table
from tinytracker.targets.mcu.bench import CHANNEL_BYTES, BoardCost, CoreCost
from tinytracker.targets.mcu.board import KB

SOURCES: dict[How, str] = {
    "measured": "the linker's map of the compiled network",
    "emulated": "QEMU, -icount shift=0",
    "estimated": "emulated instructions x cycles per instruction of the core",
}


def costs_table(costs: Sequence[CoreCost]) -> Table:
    """A line per network and emulated core; fits 80 columns."""
    title = (
        "per inference; instructions emulated, bytes by the linker, stack measured;\n"
        f"beyond: flash beyond int8 weights and {CHANNEL_BYTES} bytes per channel of parameters;\n"
        "as TFLM: inputs that gave the same bytes"
    )
    columns = (
        "network",
        "core",
        "M MAC",
        "M instr",
        "/MAC",
        "flash B",
        "beyond",
        "RAM B",
        "stack",
        "as TFLM",
    )
    rows = [
        (
            cost.model,
            cost.machine.cpu.removeprefix("cortex-"),
            f"{cost.macs / 1e6:.2f}",
            f"{cost.instructions / 1e6:.2f}",
            f"{cost.instructions_per_mac:.2f}",
            f"{cost.model_flash_bytes:,}",
            f"{cost.model_flash_bytes - cost.parameters_bytes:,}",
            f"{cost.ram_bytes:,}",
            str(cost.stack_bytes),
            "?" if cost.same_bytes is None else f"{cost.same_bytes} of {cost.samples}",
        )
        for cost in costs
    ]
    return Table(title, columns, rows, range(2, len(columns)), compact=True)


def boards_table(entries: Sequence[BoardCost]) -> Table:
    """A line per board and network; fits 80 columns."""
    title = (
        "bytes by the linker, instructions emulated; cycles, ms and memory\n"
        "(share of the board's, with its runtime) estimated; !: does not fit"
    )
    rows = []
    for entry in entries:
        cost, board = entry.cost, entry.board
        share = max(entry.fit.flash_share, entry.fit.ram_share)
        row = (
            board.name,
            cost.model,
            f"{cost.model_flash_bytes:,}",
            f"{cost.ram_bytes:,}",
            f"{cost.instructions / 1e6:.1f}",
            f"{board.cycles(cost.instructions) / 1e6:.1f}",
            f"{entry.milliseconds:.0f}",
            f"{100 * share:.0f} %" + ("" if entry.fit.fits else " !"),
        )
        rows.append(row)
    columns = ("board", "network", "flash B", "RAM B", "M instr.", "M cycles", "ms", "memory")
    return Table(title, columns, rows, range(2, len(columns)), compact=True)


def cost_rows(cost: CoreCost) -> list[CostRow]:
    """One network on one emulated core."""
    figures: tuple[tuple[str, float, str, How], ...] = (
        ("instructions", cost.instructions, "", "emulated"),
        ("instructions_per_mac", round(cost.instructions_per_mac, 4), "", "emulated"),
        ("flash", cost.model_flash_bytes, "bytes", "measured"),
        ("ram", cost.ram_bytes, "bytes", "measured"),
        ("stack", cost.stack_bytes, "bytes", "emulated"),
    )
    return [_row(cost.model, cost.machine.name, *figure) for figure in figures]


def board_rows(entry: BoardCost) -> list[CostRow]:
    """One network on one board."""
    cost, board = entry.cost, entry.board
    share = max(entry.fit.flash_share, entry.fit.ram_share)
    most = ""
    if board.most_ram_bytes:
        needed = entry.fit.flash_needed + entry.fit.ram_needed
        most = f"{100 * needed / board.most_ram_bytes:.0f} % of {board.most_ram_bytes / KB:,.0f} kB"
    figures: tuple[tuple[str, float, str, How], ...] = (
        ("flash", cost.model_flash_bytes, "bytes", "measured"),
        ("ram", cost.ram_bytes, "bytes", "measured"),
        ("memory_used", round(100 * share, 1), "%", "estimated"),
        ("instructions", cost.instructions, "", "emulated"),
        ("cycles", round(board.cycles(cost.instructions)), "", "estimated"),
        ("inference", round(entry.milliseconds, 2), "ms", "estimated"),
        ("fits", int(entry.fit.fits), "", "estimated"),
        ("macs", cost.macs, "", "measured"),
    )
    core = {"core": board.cpu, "clock_mhz": f"{board.clock_mhz:g}"}
    about = {"inference": core, "memory_used": {"of_most_memory": most} if most else {}}
    rows = [
        replace(_row(cost.model, board.name, *figure), conditions=about.get(figure[0], {}))
        for figure in figures
    ]
    energy = core_energy_mj(board.cpu, board.cycles(cost.instructions), board.name)
    if energy is not None:
        conditions = {"powered": "the core and its memory alone, without camera and board"}
        rows.append(
            CostRow(
                board.name,
                cost.model,
                "energy_inference",
                energy.value,
                energy.low,
                energy.high,
                "mJ",
                "estimated",
                energy.source,
                conditions,
            )
        )
    return rows


def _row(network: str, platform: str, metric: str, value: float, unit: str, how: How) -> CostRow:
    return CostRow(platform, network, metric, value, unit=unit, how=how, source=SOURCES[how])
