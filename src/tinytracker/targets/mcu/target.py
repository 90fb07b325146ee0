"""`mcu`: C for any core; `qemu`: a program for an emulated board; and a target for every board that `boards`
finds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tinytracker.costs.rows import CostRow
from tinytracker.errors import UsageError
from tinytracker.findings import Finding
from tinytracker.targets.mcu.board import Board
from tinytracker.targets.mcu.boards import find_boards
from tinytracker.targets.mcu.open import SERIAL
from tinytracker.targets.options import OutputScale
from tinytracker.targets.target import Caller, Option, Target, Work
from tinytracker.zoo import find_tflite, list_released

if TYPE_CHECKING:
    from tinytracker.targets.mcu.package import Written

DEFAULT_MACHINES = ("qemu-m4", "qemu-m7")
Prefix = Annotated[
    str | None,
    Option(
        "What files and symbols begin with, so that two networks fit into one program; default: gaze_model."
    ),
]
Cpu = Annotated[str, Option("The microcontroller's core.", metavar="NAME")]


def lint(model: Path) -> list[Finding]:
    """Layer by layer, then board by board."""
    from tinytracker.targets.mcu import lint as mcu

    return mcu.lint(model)


def export_c(model: Path, out: Path, caller: Caller, *, name: Prefix = None, cpu: Cpu = "portable") -> None:
    """Writes C, what it costs, and a card beside it."""
    from tinytracker.targets.mcu.package import write_c

    made, report = write_c(find_tflite(model, "--target mcu").path, out, name, cpu)
    code = "" if report.code_bytes is None else f" and {report.code_bytes:,} of code"
    caller.say(f"wrote {out}: {made.name} for {made.cpu.name}")
    caller.say(
        f"  flash: {report.table_bytes:,} bytes of tables (weights and biases: {report.weight_bytes:,}){code}"
    )
    caller.say(f"  RAM: {report.work_bytes:,} bytes, {report.arena_bytes:,} with the input buffers")
    caller.say(
        f"  {report.macs:,} multiply-accumulates, about {report.instructions:,} instructions (estimated); "
        "see report.md"
    )


def export_qemu(
    model: Path, out: Path, caller: Caller, *, cpu: Cpu = "m4", output_scale_cm: OutputScale = None
) -> None:
    """Writes a program with a Makefile."""
    from tinytracker.targets.mcu.package import write_for_qemu

    _tell(write_for_qemu(find_tflite(model, "--target qemu").path, out, cpu, output_scale_cm), caller)


def bench(
    models: Sequence[str],
    caller: Caller,
    *,
    board: Annotated[
        str | None,
        Option("The emulated core, as qemu-m55; or a real board's time: serial:PORT.", metavar="BOARD"),
    ] = None,
    boards: Annotated[bool, Option("Which boards the networks fit, and how fast about.")] = False,
    shortest_s: Annotated[
        float, Option("For serial:PORT: a block lasts as long at least.", metavar="S", min=0.01)
    ] = 10.0,
) -> list[CostRow]:
    """Instructions, bytes and whether the outputs are TensorFlow Lite Micro's; of the released networks where
    none is named. Of a real board the time by its own clock."""
    from tinytracker.targets.mcu.bench import bench as bench_one
    from tinytracker.targets.mcu.costs import cost_rows, costs_table
    from tinytracker.targets.mcu.machines import MACHINES, find_machine

    if boards and board:
        raise UsageError("--boards is every board, --board one emulated core; choose one")
    if board is not None and board.startswith(SERIAL):
        return _timed(board, models, shortest_s, caller)
    if boards:
        return _bench_on(tuple(find_boards().values()), models, caller)
    machines = [find_machine(board)] if board else [MACHINES[name] for name in DEFAULT_MACHINES]
    runs = [(name, path, machine) for name, path in _networks(models) for machine in machines]
    costs = []
    with caller.bar("Emulating") as update:
        for name, path, machine in runs:
            costs.append(bench_one(path, name, machine))
            update(len(costs), len(runs))
    caller.say(costs_table(costs))
    return [row for cost in costs for row in cost_rows(cost)]


def _timed(board: str, models: Sequence[str], shortest_s: float, caller: Caller) -> list[CostRow]:
    """The network that a real board was flashed with, in blocks, by the board's own clock."""
    from tinytracker.costs.blocks import run_blocks
    from tinytracker.targets.mcu.blocks import open_blocks

    if len(models) != 1:
        raise UsageError(f"{board} holds one network; name it: tinytracker bench mcu MODEL --board {board}")
    path = find_tflite(models[0], "bench mcu").path
    with open_blocks(board, path) as opened, caller.bar(f"Measuring {path.stem}") as update:
        run = run_blocks(opened, shortest_s=shortest_s, progress=update)
        platform = opened.link.hello.board
    each_ms = sorted(1e3 * spent_s / run.inferences for spent_s in run.board_s)
    middle = each_ms[len(each_ms) // 2]
    caller.say(
        f"{path.stem} on {platform}: {middle:.4g} ms ({each_ms[0]:.4g} to {each_ms[-1]:.4g}), "
        f"{len(each_ms)} blocks of {run.inferences}, by the board's own clock"
    )
    source = "the board's own clock"
    return [
        CostRow(platform, path.stem, "inference", middle, each_ms[0], each_ms[-1], "ms", "measured", source)
    ]


def _bench_on(boards: Sequence[Board], models: Sequence[str], caller: Caller) -> list[CostRow]:
    from tinytracker.targets.mcu.bench import bench_boards
    from tinytracker.targets.mcu.costs import board_rows, boards_table

    with caller.bar("Emulating") as update:
        entries = bench_boards(_networks(models), boards, update)
    caller.say(boards_table(entries))
    return [row for entry in entries for row in board_rows(entry)]


def _networks(models: Sequence[str]) -> list[tuple[str, Path]]:
    return [(Path(model).stem, find_tflite(model, "bench").path) for model in models or list_released()]


def _tell(written: Written, caller: Caller) -> None:
    if written.compiled is None:
        caller.say(
            f"wrote {written.folder}: the network as another compiler made it; README.md says how to build "
            "and flash"
        )
        return
    plan, tables = written.compiled.plan, sum(written.compiled.table_bytes)
    caller.say(f"wrote {written.folder}; README.md says how to build and flash")
    caller.say(
        f"  the network: {tables:,} bytes of weights and tables, {plan.work_bytes:,} bytes of RAM, "
        f"{plan.arena_bytes - plan.work_bytes:,} more for a whole input"
    )


def target_of(board: Board) -> Target:
    """What a board does for the commands: all of it follows from its `Board`."""
    layouts = [project.layout for project in board.projects if not project.precompiled]

    def lint(model: Path) -> list[Finding]:
        from tinytracker.targets.mcu.lint import lint_board

        return lint_board(model, board)

    def export_project(
        model: Path,
        out: Path,
        caller: Caller,
        *,
        layout: Annotated[
            str | None, Option("Which of a board's projects, as arduino or sdk.", metavar="NAME")
        ] = None,
        output_scale_cm: OutputScale = None,
        calibration: Annotated[
            Path | None, Option("A person's calibration, for calibrated points on the board.", metavar="FILE")
        ] = None,
    ) -> None:
        from tinytracker.targets.mcu.package import write_for_board

        path = find_tflite(model, f"--target {board.name}").path
        _tell(write_for_board(board, path, out, layout, output_scale_cm, calibration), caller)

    def export_for_core(model: Path, out: Path, caller: Caller, *, name: Prefix = None) -> None:
        export_c(model, out, caller, name=name, cpu=board.cpu)

    def bench(models: Sequence[str], caller: Caller) -> list[CostRow]:
        return _bench_on((board,), models, caller)

    command = f"tinytracker export tinytracker-s --target {board.name}"
    return Target(
        board.name,
        board.title,
        aliases={f"{board.name}-{layout}": {"layout": layout} for layout in layouts if len(layouts) > 1},
        lint=Work(lint, f"whether it runs and fits on: {board.title}"),
        export=Work(
            export_project,
            f"a project from camera to gaze, in the vendor's layout ({', '.join(layouts)})",
            (command,),
        )
        if board.projects
        else Work(export_for_core, f"C for its {board.cpu}"),
        bench=Work(bench, "instructions, bytes, about how fast, and whether it fits"),
    )


def targets() -> Iterator[Target]:
    yield Target(
        "mcu",
        "any microcontroller",
        lint=Work(
            lint,
            "whether it compiles, and which boards it fits",
            ("tinytracker lint tinytracker-s --target mcu",),
        ),
        export=Work(
            export_c,
            "C for any core, with what it costs",
            ("tinytracker export tinytracker-s --target mcu --cpu m4 --out gaze",),
        ),
        bench=Work(
            bench,
            "instructions, flash and RAM on emulated cores; the bytes of TensorFlow Lite Micro?",
            (
                "tinytracker bench mcu tinytracker-s",
                "tinytracker bench mcu --boards --csv fit.csv",
                "tinytracker bench mcu tinytracker-s --board serial:/dev/ttyACM0 --csv mine.csv",
            ),
        ),
    )
    yield Target(
        "qemu",
        "an emulated board",
        export=Work(
            export_qemu,
            "a program with a Makefile that builds and runs it",
            ("tinytracker export tinytracker-s --target qemu --cpu m7 --out emulated",),
        ),
    )
    yield from map(target_of, find_boards().values())
