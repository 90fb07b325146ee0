"""`tinytracker export --target spresense-arduino | spresense-sdk | coralmicro | qemu`: folders for the vendors' own tools."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from tinytracker.cards import ModelCard, card_path, read_card
from tinytracker.cli.export_request import ExportRequest
from tinytracker.engines.model import GazeModel
from tinytracker.engines.protocol import TensorSpec
from tinytracker.errors import ModelError, UsageError
from tinytracker.targets.mcu import CompiledModel, compile_model, projects
from tinytracker.targets.mcu.cpu import find_cpu
from tinytracker.targets.mcu.machines import MACHINES

CORES = {"spresense-arduino": "cortex-m4", "spresense-sdk": "cortex-m4", "coralmicro": "cortex-m7"}
EDGETPU_SUFFIX = "_edgetpu.tflite"


def run(request: ExportRequest) -> None:
    """Writes the folder under `request.out` and says how large the network is and what to do next."""
    console = Console(soft_wrap=True, highlight=False)
    path = request.tflite()
    if request.target == "coralmicro" and path.name.endswith(EDGETPU_SUFFIX):
        folder = projects.coralmicro_tpu(path, *_compiled_for_tpu(path), request.out)
        console.print(f"wrote {folder}: the network runs on the Edge TPU; README.md says how to build and flash")
        return
    card = GazeModel.load(path, output_scale_cm=request.output_scale_cm).card
    core = _core(request)
    compiled = compile_model(path.read_bytes(), card.name, core)
    if request.target == "qemu":
        machine = next(machine for machine in MACHINES.values() if machine.cpu == core)
        folder = projects.qemu(compiled.files, card, machine, request.out)
    else:
        write = {
            "spresense-arduino": projects.spresense_arduino,
            "spresense-sdk": projects.spresense_sdk,
            "coralmicro": projects.coralmicro,
        }[request.target]
        folder = write(compiled.files, card, input_tensor(compiled), request.out)
    console.print(f"wrote {folder}; README.md says how to build and flash")
    plan, tables = compiled.plan, sum(compiled.table_bytes)
    console.print(f"  the network: {tables:,} bytes of weights and tables, {plan.work_bytes:,} bytes of RAM, "
                  f"{plan.arena_bytes - plan.work_bytes:,} more for a whole input")  # fmt: skip


def input_tensor(compiled: CompiledModel) -> TensorSpec:
    """The network's first input as the C takes it."""
    tensor = compiled.graph[compiled.graph.inputs[0]]
    return TensorSpec(tensor.name, tensor.shape, "int8", tensor.scale, tensor.zero_point)


def _core(request: ExportRequest) -> str:
    if request.target != "qemu":
        return CORES[request.target]
    core = find_cpu(request.cpu or "m4").name
    if core not in {machine.cpu for machine in MACHINES.values()}:
        raise UsageError(f"QEMU has no board with {core}; expected one of {', '.join(m.cpu for m in MACHINES.values())}")
    return core


def _compiled_for_tpu(path: Path) -> tuple[ModelCard, TensorSpec]:
    """The card and the input of a model that edgetpu_compiler wrote: those of the model it was made from, which lies beside."""
    original = path.with_name(path.name.removesuffix(EDGETPU_SUFFIX) + ".tflite")
    if not original.is_file() or not card_path(original).is_file():
        raise ModelError(f"{path} needs {original.name} and its card beside it, which it was compiled from")
    tensor = GazeModel.load(original).engine.inputs[0]
    return read_card(card_path(original)), tensor
