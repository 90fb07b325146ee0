"""Will a microcontroller run this network: layer by layer, then board by board, against the limits in limits.py."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tinytracker.engines.tflite_file import read_tflite
from tinytracker.errors import TargetError
from tinytracker.targets.findings import Finding, Severity
from tinytracker.targets.mcu import frontend
from tinytracker.targets.mcu.check import check
from tinytracker.targets.mcu.compiler import CompiledModel, compile_model
from tinytracker.targets.mcu.emit import rows_can_be_pushed
from tinytracker.targets.mcu.graph import Graph, macs
from tinytracker.targets.mcu.limits import BOARDS, Board, Fit, fit
from tinytracker.targets.mcu.passes import drop_float_ends, fold_constants
from tinytracker.targets.mcu.projects import SPRESENSE_CAMERA, middle_region
from tinytracker.targets.tflite_model import find_tflite

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
    return _lint(path, tuple(BOARDS.values()), Severity.WARNING)


def lint_spresense(path: Path) -> list[Finding]:
    """The same for the Spresense's main core, and whether its camera can feed the network."""
    return _lint(path, (BOARDS["spresense"],), Severity.ERROR)


def _lint(path: Path, boards: Sequence[Board], too_large: Severity) -> list[Finding]:
    found = find_tflite(path, "lint")
    content = read_tflite(found)
    findings = list(_layers(frontend.read(content, found.stem)))
    if findings:
        return findings
    compiled = {core: compile_model(content, found.stem, core) for core in sorted({board.cpu for board in boards})}
    findings += _slow_layers(compiled.get("cortex-m4") or next(iter(compiled.values())))
    if len(boards) == 1:
        findings += _camera(compiled[boards[0].cpu].graph)
    for board in boards:
        findings += _board(compiled[board.cpu], board, too_large)
    if len(boards) > 1 and all(finding.severity is too_large for finding in findings[-len(boards) :]):
        findings.append(Finding(MODEL, Severity.ERROR, "it fits none of these boards", "make it smaller"))
    return findings


def _layers(graph: Graph) -> Iterator[Finding]:
    """What the compiler refuses: every layer, where the compiler itself stops at the first."""
    inner = fold_constants(drop_float_ends(graph))
    for ops in ((), *((op,) for op in inner.ops)):
        try:
            check(inner.with_ops(ops))
        except TargetError as error:
            layer = ops[0].layer if ops else MODEL
            message, _, remedy = str(error).removeprefix(f"{layer} ").rpartition("; ")
            yield Finding(layer, Severity.ERROR, message, remedy)
            if not ops:
                return  # of the whole: every layer would say it again


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
        yield Finding(last.layer if len(ops) == 1 else f"layers {ops[0].place} to {last.place}", Severity.WARNING,
                      f"{step.kernel.name}{note}: {step.instructions:,} of {total:,} instructions (estimated){per_mac}",
                      REMEDIES.get(last.kind, ""))  # fmt: skip


def _camera(graph: Graph) -> Iterator[Finding]:
    """Can the Spresense's own camera feed it? The host can, whatever it eats."""
    shapes = [graph[number].shape for number in graph.inputs]
    by_host = "let the host find the face and send crops: tinytracker track --board serial:PORT"
    if len(shapes) != 1 or len(shapes[0]) != 4:
        yield Finding(MODEL, Severity.WARNING, f"it takes {len(shapes)} inputs, the board's camera gives one picture", by_host)
        return
    try:
        middle_region(SPRESENSE_CAMERA, shapes[0][2], shapes[0][1])
    except TargetError as error:
        yield Finding(MODEL, Severity.WARNING, str(error).partition(";")[0], f"train it for 96 px, or {by_host}")


def _board(compiled: CompiledModel, board: Board, too_large: Severity) -> Iterator[Finding]:
    needed = fit(board, sum(compiled.table_bytes) + CODE_BYTES, _ram_bytes(compiled))
    time = (f"about {board.milliseconds(compiled.schedule.instructions):.0f} ms at {board.clock_mhz} MHz (estimated; the "
            "vendor's part of the memory is assumed)")  # fmt: skip
    memory = (f"{needed.flash_needed:,} bytes of flash ({100 * needed.flash_share:.0f} %), {needed.ram_needed:,} of RAM "
              f"({100 * needed.ram_share:.0f} %)")  # fmt: skip
    total = needed.flash_needed + needed.ram_needed
    if board.unified:
        memory = f"{total:,} bytes of {board.ram_bytes:,} for code, tables and data ({100 * needed.ram_share:.0f} %)"
    if needed.fits:
        yield Finding(board.title, Severity.NOTE, f"fits: {memory}, {time}")
    elif board.unified and total <= board.most_ram_bytes:
        most = f"give it up to {board.most_ram_bytes:,} bytes (Arduino: Tools > Memory); other cores then have none"
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
        return f"{_name(compiled, most)} has {compiled.table_bytes[most]:,} bytes of weights and tables: use fewer channels"
    held = [sum(compiled.graph[number].bytes for number in step.writes) + sum(scratch.bytes for scratch in step.scratch)
            for step in compiled.schedule.steps]  # fmt: skip
    most = max(range(len(held)), key=lambda index: held[index])
    return f"{_name(compiled, most)} needs {held[most]:,} bytes at once: use a smaller picture, or a stride earlier"


def _name(compiled: CompiledModel, index: int) -> str:
    step = compiled.schedule.steps[index]
    ops = compiled.graph.ops[step.first : step.first + step.count]
    return ops[-1].layer if ops else "rearranging"
