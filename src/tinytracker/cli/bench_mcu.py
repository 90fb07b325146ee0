"""`tinytracker bench mcu`: what a network costs on a microcontroller, from runs on emulated ones."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from tinytracker.cli.bench import BenchRequest
from tinytracker.cli.progress import progress_bar
from tinytracker.errors import UsageError
from tinytracker.evaluation.report import How, Row, write_rows
from tinytracker.released import list_released
from tinytracker.targets.mcu.bench import CHANNEL_BYTES, BoardCost, Cost, bench, bench_boards
from tinytracker.targets.mcu.machines import MACHINES, find_machine
from tinytracker.targets.tflite_model import find_tflite

DEFAULT_MACHINES = ("qemu-m4", "qemu-m7")


def run(request: BenchRequest) -> None:
    """Prints a table of the networks on emulated cores or, with --boards, on all boards; writes the rows as CSV if asked."""
    if request.boards and request.board:
        raise UsageError("--boards is every board, --board one emulated core; choose one")
    names = request.models or list_released()
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
    """Fits 80 columns."""
    table = _plain_table("per inference; instructions emulated, bytes by the linker, stack measured;\n"
                         f"beyond: flash beyond int8 weights and {CHANNEL_BYTES} bytes per channel of parameters;\n"
                         "as TFLM: inputs that gave the same bytes")  # fmt: skip
    table.add_column("network", no_wrap=True)
    table.add_column("core", no_wrap=True)
    for heading in ("M MAC", "M instr", "/MAC", "flash B", "beyond", "RAM B", "stack", "as TFLM"):
        table.add_column(heading, justify="right", no_wrap=True)
    for cost in costs:
        same = "?" if cost.same_bytes is None else f"{cost.same_bytes} of {cost.samples}"
        table.add_row(
            cost.model, cost.machine.cpu.removeprefix("cortex-"), f"{cost.macs / 1e6:.2f}", f"{cost.instructions / 1e6:.2f}",
            f"{cost.instructions_per_mac:.2f}", f"{cost.model_flash_bytes:,}",
            f"{cost.model_flash_bytes - cost.parameters_bytes:,}", f"{cost.ram_bytes:,}", str(cost.stack_bytes), same,
        )  # fmt: skip
    return table


def _boards_table(entries: list[BoardCost]) -> Table:
    """Fits 80 columns."""
    table = _plain_table("bytes by the linker, instructions emulated; cycles, ms and memory\n"
                         "(share of the board's, with its runtime) estimated; !: does not fit")  # fmt: skip
    table.add_column("board", no_wrap=True)
    table.add_column("network", no_wrap=True)
    for heading in ("flash B", "RAM B", "M instr.", "M cycles", "ms", "memory"):
        table.add_column(heading, justify="right", no_wrap=True)
    for entry in entries:
        cost, board = entry.cost, entry.board
        share = max(entry.fit.flash_share, entry.fit.ram_share)
        table.add_row(
            board.name, cost.model, f"{cost.model_flash_bytes:,}", f"{cost.ram_bytes:,}", f"{cost.instructions / 1e6:.1f}",
            f"{board.cycles(cost.instructions) / 1e6:.1f}", f"{entry.milliseconds:.0f}",
            f"{100 * share:.0f} %" + ("" if entry.fit.fits else " !"),
        )  # fmt: skip
    return table


def _plain_table(title: str) -> Table:
    return Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 1, 0, 0))


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
