"""What a compiled network costs, layer by layer, as data, as text and as a picture of the arena over time."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from tinytracker.compiler.kernels import Match
from tinytracker.compiler.kernels.all import KERNELS
from tinytracker.tflite.graph import macs

if TYPE_CHECKING:
    from tinytracker.compiler.compile import CompiledModel


FAST = "dsp"  # how the names of kernels begin that a core without such instructions has not


@dataclass(frozen=True, slots=True)
class StepReport:
    """One step of the schedule. layers: places and kinds of its operators. instructions: estimated.
    flash_bytes: of its const tables, weights included. output_offset: of its first output in the arena.
    scratch_bytes: while it runs."""

    step: int
    layers: tuple[str, ...]
    kernel: str
    note: str
    macs: int
    instructions: int
    flash_bytes: int
    output_offset: int | None
    output_bytes: int
    scratch_bytes: int


@dataclass(frozen=True, slots=True)
class Report:
    """Totals and steps. weight_bytes: of int8 weights and int32 biases as in the file. table_bytes: of all
    const tables, these among them. code_bytes: of instructions, measured by arm-none-eabi-size at -O2; None
    without that compiler or core. work_bytes, arena_bytes: RAM without and with the input buffers; the stack
    comes on top (`readme.STACK`)."""

    name: str
    cpu: str
    macs: int
    instructions: int
    weight_bytes: int
    table_bytes: int
    code_bytes: int | None
    work_bytes: int
    arena_bytes: int
    steps: tuple[StepReport, ...]

    @property
    def flash_bytes(self) -> int:
        """Tables, and code where it is known."""
        return self.table_bytes + (self.code_bytes or 0)

    def as_data(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "flash_bytes": self.flash_bytes}


def make_report(model: CompiledModel) -> Report:
    """Measures the code's size where arm-none-eabi-gcc is on PATH; everything else follows from the
    compilation."""
    graph, plan = model.graph, model.plan
    steps = []
    for index, (match, places) in enumerate(zip(model.schedule.steps, plan.steps, strict=True)):
        ops = graph.ops[match.first : match.first + match.count]
        steps.append(
            StepReport(
                step=index,
                layers=tuple(f"{op.number} {op.kind}" for op in ops) or ("rearranging",),
                kernel=match.kernel.name,
                note="; ".join(filter(None, (match.note, _fallback(model, match)))),
                macs=sum(macs(graph, op) for op in ops),
                instructions=match.instructions,
                flash_bytes=model.table_bytes[index],
                output_offset=next(iter(places.writes.values()), None),
                output_bytes=sum(graph[number].bytes for number in match.writes),
                scratch_bytes=sum(scratch.bytes for scratch in match.scratch),
            )
        )
    weights = {
        number for op in graph.ops for number in op.inputs[1:3] if op.kind in _WEIGHTED and number >= 0
    }
    return Report(
        model.name,
        model.cpu.name,
        sum(step.macs for step in steps),
        model.schedule.instructions,
        sum(graph[number].bytes for number in weights),
        sum(model.table_bytes),
        measure_code(model),
        plan.work_bytes,
        plan.arena_bytes,
        tuple(steps),
    )


_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def _fallback(model: CompiledModel, match: Match) -> str:
    """Says of weighted layers on a core with fast kernels that none of those computes them."""
    ops = [op for op in model.graph.ops[match.first : match.first + match.count] if op.kind in _WEIGHTED]
    if not model.cpu.has_dsp or match.kernel.name.startswith(FAST) or not ops:
        return ""
    offered = any(
        kernel.offers(model.graph, match.first, model.cpu)
        for kernel in KERNELS
        if kernel.name.startswith(FAST)
    )
    return "" if offered else f"no {FAST} kernel computes it exactly"


def measure_code(model: CompiledModel) -> int | None:
    """Bytes of instructions at -O2 by arm-none-eabi-gcc for the model's core; None where that cannot be."""
    if (
        not model.cpu.gcc
        or shutil.which("arm-none-eabi-gcc") is None
        or shutil.which("arm-none-eabi-size") is None
    ):
        return None
    with tempfile.TemporaryDirectory() as folder:
        objects = []
        for path in model.write(Path(folder)):
            if path.suffix in (".c", ".S"):
                objects.append(f"{path}.o")
                command = [
                    "arm-none-eabi-gcc",
                    *model.cpu.gcc,
                    "-O2",
                    "-std=c99",
                    "-c",
                    str(path),
                    "-o",
                    objects[-1],
                ]
                if subprocess.run(command, capture_output=True).returncode:
                    return None
        sizes = subprocess.run(
            ["arm-none-eabi-size", "-A", *objects], capture_output=True, text=True, check=True
        ).stdout
    lines = [line.split() for line in sizes.splitlines() if line.startswith(".text")]
    return sum(int(line[1]) for line in lines)


def as_text(report: Report) -> str:
    """A Markdown page."""
    code = (
        "not measured (no arm-none-eabi-gcc for this core)"
        if report.code_bytes is None
        else f"{report.code_bytes:,} B, measured"
    )
    lines = [
        f"# {report.name} on {report.cpu}",
        "",
        "| | |",
        "|---|---|",
        f"| multiply-accumulates | {report.macs:,} |",
        f"| instructions per inference, estimated | {report.instructions:,} |",
        f"| flash: weights and biases | {report.weight_bytes:,} B |",
        f"| flash: all const tables, these included | {report.table_bytes:,} B |",
        f"| flash: code at -O2 | {code} |",
        f"| RAM: arena without input buffers | {report.work_bytes:,} B |",
        f"| RAM: arena with input buffers | {report.arena_bytes:,} B |",
        "",
        "| step | layers | kernel | MAC | instructions (estimated) | flash | output at | output | scratch |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for step in report.steps:
        kernel = f"{step.kernel}: {step.note}" if step.note else step.kernel
        place = "" if step.output_offset is None else f"{step.output_offset:,}"
        lines.append(
            f"| {step.step} | {', '.join(step.layers)} | {kernel} | {step.macs:,} | {step.instructions:,} "
            f"| {step.flash_bytes:,} B | {place} | {step.output_bytes:,} B | {step.scratch_bytes:,} B |"
        )
    return "\n".join([*lines, ""])


_WIDTH_PX, _HEIGHT_PX, _LEFT_PX, _TOP_PX = 960, 480, 70, 30
_COLOURS = ("#4e79a7", "#f28e2b", "#76b7b2", "#59a14f", "#edc948", "#b07aa1", "#9c755f", "#e15759")


def as_picture(model: CompiledModel) -> str:
    """An SVG of the memory plan: steps to the right, the arena upwards, one box per buffer."""
    plan, steps = model.plan, len(model.schedule.steps)
    x_px, y_px = _WIDTH_PX / (steps + 2), _HEIGHT_PX / plan.arena_bytes
    boxes = []
    for index, buffer in enumerate(plan.buffers):
        x, width = _LEFT_PX + (buffer.first + 1) * x_px, (buffer.last - buffer.first + 1) * x_px
        height = buffer.bytes * y_px
        y = _TOP_PX + _HEIGHT_PX - buffer.offset * y_px - height
        label = (
            f"{buffer.name}: {buffer.bytes:,} B at {buffer.offset:,}, steps {buffer.first} to {buffer.last}"
        )
        boxes.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{max(height, 0.5):.1f}" '
            f'fill="{_COLOURS[index % 8]}" '
            f'stroke="#fff" stroke-width="0.5"><title>{escape(label)}</title></rect>'
        )
        if height > 11 and width > 6 * len(buffer.name):
            boxes.append(f'<text x="{x + 3:.1f}" y="{y + 10:.1f}" fill="#fff">{escape(buffer.name)}</text>')
    marks = []
    for part in range(5):
        size = plan.arena_bytes * part // 4
        y = _TOP_PX + _HEIGHT_PX - size * y_px
        marks.append(f'<text x="{_LEFT_PX - 6}" y="{y + 3:.1f}" text-anchor="end">{size:,} B</text>')
        marks.append(
            f'<line x1="{_LEFT_PX}" x2="{_LEFT_PX + _WIDTH_PX}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ccc"/>'
        )
    for step in range(0, steps, max(1, steps // 24)):
        x = _LEFT_PX + (step + 1.5) * x_px
        marks.append(f'<text x="{x:.1f}" y="{_TOP_PX + _HEIGHT_PX + 14}" text-anchor="middle">{step}</text>')
    title = (
        f"{model.name} on {model.cpu.name}: {plan.work_bytes:,} B without, "
        f"{plan.arena_bytes:,} B with the input buffers"
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH_PX + _LEFT_PX + 20}" '
            f'height="{_HEIGHT_PX + _TOP_PX + 40}" '
            'font-family="sans-serif" font-size="10">',
            '<rect width="100%" height="100%" fill="#fff"/>',
            f'<text x="{_LEFT_PX}" y="18" font-size="13">{escape(title)}</text>',
            *marks,
            *boxes,
            f'<text x="{_LEFT_PX + _WIDTH_PX}" y="{_TOP_PX + _HEIGHT_PX + 32}" text-anchor="end">step</text>',
            "</svg>",
            "",
        ]
    )
