"""`tinytracker bench mcu`: what a network costs on a microcontroller, from runs on emulated ones."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from tinytracker.cli.bench import BenchRequest
from tinytracker.cli.progress import progress_bar
from tinytracker.evaluation.report import How, Row, write_rows
from tinytracker.released import find_released, list_released
from tinytracker.targets.mcu.bench import BoardCost, Cost, bench, bench_boards
from tinytracker.targets.mcu.machines import MACHINES, find_machine
from tinytracker.targets.tflite_model import find_tflite

DEFAULT_MACHINES = ("qemu-m4", "qemu-m7")


def run(request: BenchRequest) -> None:
    """Prints a table of the networks on emulated cores or, with --boards, on all boards; writes the rows as CSV if asked."""
    names = request.models or [name for name in list_released() if find_released(name)[0].output == "gaze"]
    networks = [(Path(model).stem, find_tflite(Path(model), "bench mcu")) for model in names]
    console = Console(highlight=False)
    if request.boards:
        with progress_bar("Emulating") as update:
            on_boards = bench_boards(networks, update)
        console.print(_boards_table(on_boards))
        rows = [row for entry in on_boards for row in _board_rows(entry)]
    else:
        machines = [find_machine(request.board)] if request.board else [MACHINES[name] for name in DEFAULT_MACHINES]
        costs = []
        with progress_bar("Emulating") as update:
            for number, (name, path) in enumerate(networks):
                for place, machine in enumerate(machines):
                    costs.append(bench(path, name, machine))
                    update(number * len(machines) + place + 1, len(networks) * len(machines))
        console.print(_table(costs))
        rows = [row for cost in costs for row in _rows(cost)]
    if request.csv is not None:
        write_rows(rows, request.csv)
        console.print(f"written: {request.csv}", soft_wrap=True)


def _table(costs: list[Cost]) -> Table:
    table = Table(title="per inference; instructions emulated (QEMU), bytes by the linker, stack measured", title_justify="left")
    table.add_column("network")
    table.add_column("core")
    for heading in ("MAC", "instructions", "per MAC", "flash B", "beyond weights", "RAM B", "stack B", "as TFLM"):
        table.add_column(heading, justify="right")
    for cost in costs:
        same = "not compared" if cost.same_bytes is None else f"{cost.same_bytes} of {cost.samples}"
        table.add_row(
            cost.model, cost.machine.cpu, f"{cost.macs:,}", f"{cost.instructions:,.0f}", f"{cost.instructions_per_mac:.2f}",
            f"{cost.model_flash_bytes:,}", f"{cost.model_flash_bytes - cost.weights_bytes:,}", f"{cost.ram_bytes:,}",
            f"{cost.stack_bytes:,}", same,
        )  # fmt: skip
    return table


def _boards_table(entries: list[BoardCost]) -> Table:
    title = "instructions emulated; cycles, time and shares of memory estimated (what the vendor's runtime takes is assumed)"
    table = Table(title=title, title_justify="left")
    table.add_column("board")
    table.add_column("network")
    for heading in ("flash", "RAM", "instructions", "cycles", "ms", "fits"):
        table.add_column(heading, justify="right")
    for entry in entries:
        cost, board = entry.cost, entry.board
        table.add_row(
            f"{board.name} ({board.cpu.removeprefix('cortex-')}, {board.clock_mhz} MHz)",
            cost.model,
            f"{cost.model_flash_bytes:,} ({100 * entry.fit.flash_share:.0f} %)",
            f"{cost.ram_bytes:,} ({100 * entry.fit.ram_share:.0f} %)",
            f"{cost.instructions / 1e6:.1f} M",
            f"{board.cycles(cost.instructions) / 1e6:.1f} M",
            f"{entry.milliseconds:.0f}",
            "yes" if entry.fit.fits else "no",
        )
    return table


def _rows(cost: Cost) -> list[Row]:
    figures: tuple[tuple[str, float, str, How], ...] = (
        ("instructions", cost.instructions, "", "emulated"),
        ("instructions_per_mac", round(cost.instructions_per_mac, 4), "", "emulated"),
        ("flash", cost.model_flash_bytes, "bytes", "measured"),
        ("ram", cost.ram_bytes, "bytes", "measured"),
        ("stack", cost.stack_bytes, "bytes", "emulated"),
    )
    return [_row(cost.model, cost.machine.name, *figure) for figure in figures]


def _board_rows(entry: BoardCost) -> list[Row]:
    cost, board = entry.cost, entry.board
    figures: tuple[tuple[str, float, str, How], ...] = (
        ("flash", cost.model_flash_bytes, "bytes", "measured"),
        ("ram", cost.ram_bytes, "bytes", "measured"),
        ("instructions", cost.instructions, "", "emulated"),
        ("cycles", round(board.cycles(cost.instructions)), "", "estimated"),
        ("inference", round(entry.milliseconds, 2), "ms", "estimated"),
        ("fits", int(entry.fit.fits), "", "estimated"),
    )
    return [_row(cost.model, board.name, *figure) for figure in figures]


def _row(model: str, target: str, metric: str, value: float, unit: str, how: How) -> Row:
    return Row(model, target, data="", split="", group="all", metric=metric, value=value, unit=unit, how=how)
