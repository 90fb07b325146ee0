"""Will a microcontroller run this network: layer by layer, then board by board, against the limits in each
board.py."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tinytracker.compiler.check import check
from tinytracker.compiler.compile import CompiledModel, compile_model
from tinytracker.compiler.emit import rows_can_be_pushed
from tinytracker.compiler.passes import opened
from tinytracker.errors import TargetError
from tinytracker.findings import Finding, Severity
from tinytracker.targets.mcu.board import Board, BoardCamera, Fit, fit
from tinytracker.targets.mcu.boards import find_boards
from tinytracker.targets.mcu.projects import middle_region
from tinytracker.tflite.file import read_tflite
from tinytracker.tflite.graph import Graph, macs
from tinytracker.tflite.read import read_graph
from tinytracker.zoo import find_tflite

MODEL = "model"
# Assumed, so that no compiler is needed: `tinytracker bench mcu --boards` has them measured for a network.
CODE_BYTES = 12 * 1024
STACK_BYTES = 1024
SLOW_SHARE, SLOW_PER_MAC = 0.1, 3.0
REMEDIES = {
    "MAX_POOL_2D": "let the convolution before it stride instead",
    "AVERAGE_POOL_2D": "let the convolution before it stride instead",
    "FULLY_CONNECTED": "pool or convolve to fewer values first",
    "CONV_2D": "even numbers of channels, 3x3 depthwise and 1x1 convolutions run fastest",
    "DEPTHWISE_CONV_2D": "even numbers of channels and 3x3 windows run fastest",
}


def lint(path: Path) -> list[Finding]:
    """Findings on an int8 .tflite or a released network, for every board; raises ModelError if it is none."""
    return _lint(path, tuple(find_boards().values()), Severity.WARNING)


def lint_board(path: Path, board: Board) -> list[Finding]:
    """The same for one board, and whether its camera can feed the network."""
    return _lint(path, (board,), Severity.ERROR)


def _lint(path: Path, boards: Sequence[Board], too_large: Severity) -> list[Finding]:
    found = find_tflite(path, "lint").path
    content = read_tflite(found)
    findings = list(check(opened(read_graph(content, found.stem))))
    if findings:
        return findings
    compiled = {
        core: compile_model(content, found.stem, core) for core in sorted({board.cpu for board in boards})
    }
    findings += _slow_layers(compiled.get("cortex-m4") or next(iter(compiled.values())))
    if len(boards) == 1 and boards[0].camera is not None:
        findings += _camera(compiled[boards[0].cpu].graph, boards[0].camera)
    for board in boards:
        findings += _board(compiled[board.cpu], board, too_large)
    if len(boards) > 1 and all(finding.severity is too_large for finding in findings[-len(boards) :]):
        findings.append(Finding(MODEL, Severity.ERROR, "it fits none of these boards", "make it smaller"))
    return findings


def _slow_layers(compiled: CompiledModel) -> Iterator[Finding]:
    total = compiled.schedule.instructions
    for step in compiled.schedule.steps:
        ops = compiled.graph.ops[step.first : step.first + step.count]
        counted = sum(macs(compiled.graph, op) for op in ops)
        if not ops or step.instructions < SLOW_SHARE * total or step.instructions < SLOW_PER_MAC * counted:
            continue
        per_mac = f", {step.instructions / counted:.1f} per multiply-accumulate" if counted else ""
        note = f" ({step.note})" if step.note else ""
        last = ops[-1]
        yield Finding(
            last.layer if len(ops) == 1 else f"layers {ops[0].number} to {last.number}",
            Severity.WARNING,
            f"{step.kernel.name}{note}: {step.instructions:,} of {total:,} instructions (estimated){per_mac}",
            REMEDIES.get(last.kind, ""),
        )


def _camera(graph: Graph, camera: BoardCamera) -> Iterator[Finding]:
    """Can the board's own camera feed it? The host can, whatever it eats."""
    shapes = [graph[number].shape for number in graph.inputs]
    by_host = "let the host find the face and send crops: tinytracker track --board serial:PORT"
    if len(shapes) != 1 or len(shapes[0]) != 4:
        yield Finding(
            MODEL,
            Severity.WARNING,
            f"it takes {len(shapes)} inputs, the board's camera gives one picture",
            by_host,
        )
        return
    try:
        middle_region(camera, shapes[0][2], shapes[0][1])
    except TargetError as error:
        yield Finding(
            MODEL, Severity.WARNING, str(error).partition(";")[0], f"train it for 96 px, or {by_host}"
        )


def _board(compiled: CompiledModel, board: Board, too_large: Severity) -> Iterator[Finding]:
    needed = fit(board, sum(compiled.table_bytes) + CODE_BYTES, _ram_bytes(compiled))
    time = (
        f"about {board.milliseconds(compiled.schedule.instructions):.0f} ms at {board.clock_mhz} MHz "
        "(estimated; the vendor's part of the memory is assumed)"
    )
    memory = (
        f"{needed.flash_needed:,} bytes of flash ({100 * needed.flash_share:.0f} %), {needed.ram_needed:,} "
        f"of RAM ({100 * needed.ram_share:.0f} %)"
    )
    total = needed.flash_needed + needed.ram_needed
    if board.unified:
        memory = (
            f"{total:,} bytes of {board.ram_bytes:,} for code, tables and data "
            f"({100 * needed.ram_share:.0f} %)"
        )
    if needed.fits:
        yield Finding(board.title, Severity.NOTE, f"fits: {memory}, {time}")
    elif board.unified and total <= board.most_ram_bytes:
        most = (
            f"give it up to {board.most_ram_bytes:,} bytes (Arduino: Tools > "
            f"Memory); other cores then have none"
        )
        yield Finding(board.title, Severity.WARNING, f"does not fit: {memory}, {time}", most)
    else:
        yield Finding(board.title, too_large, f"does not fit: {memory}", _remedy(compiled, needed))


def _ram_bytes(compiled: CompiledModel) -> int:
    pushed = rows_can_be_pushed(compiled.graph, compiled.schedule.steps)
    return STACK_BYTES + (compiled.plan.work_bytes if pushed else compiled.plan.arena_bytes)


def _remedy(compiled: CompiledModel, needed: Fit) -> str:
    """Which layer takes most of what is short."""
    if needed.flash_share > 1:
        most = max(range(len(compiled.table_bytes)), key=lambda index: compiled.table_bytes[index])
        return (
            f"{_name(compiled, most)} has {compiled.table_bytes[most]:,} bytes of "
            f"weights and tables: use fewer channels"
        )
    held = [
        sum(compiled.graph[number].bytes for number in step.writes)
        + sum(scratch.bytes for scratch in step.scratch)
        for step in compiled.schedule.steps
    ]
    most = max(range(len(held)), key=lambda index: held[index])
    return (
        f"{_name(compiled, most)} needs {held[most]:,} bytes at once: use a "
        f"smaller picture, or a stride earlier"
    )


def _name(compiled: CompiledModel, index: int) -> str:
    step = compiled.schedule.steps[index]
    ops = compiled.graph.ops[step.first : step.first + step.count]
    return ops[-1].layer if ops else "rearranging"
