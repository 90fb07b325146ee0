"""What our networks cost on microcontrollers: instructions under QEMU, flash and RAM by the linker, beside
the targets and beside TensorFlow Lite Micro with CMSIS-NN.

    python benchmarks/mcu.py              S-type and L-type on Cortex-M4F, M7, M0+, and as portable C
    python benchmarks/mcu.py --layers     adds where the instructions go, step by step (a build each: minutes)
    python benchmarks/mcu.py --tricks     adds what each kind of fast kernel brings
    python benchmarks/mcu.py --released   adds the released networks

S-type is tinytracker_s (grey 96x96, baked grid), L-type tinytracker at 128x128x5 with SAME padding: the
shapes of the two files the paper's authors released, built here by our own exporter with random weights,
calibrated on noise. Needs the extras train, export and micro, and gcc-arm-none-eabi and qemu-system-arm on
PATH.

How obtained. Instructions: *emulated*, QEMU -icount shift=0, the mean of `--samples` inputs, the same on
every machine. Flash and RAM: *measured*, by arm-none-eabi-size of the network's own objects; RAM is arena,
variables and the stack's depth as measured, rows pushed one by one, so that the input's share is what the
network holds of it. TFLM's figures: *emulated* on the authors' two files, TFLM and CMSIS-NN in their fastest
exact setting, gcc 12.2 -O2, same QEMU; they are not run here. "Portable C" is compiled with no DSP
instruction and run on the Cortex-M4F; Cortex-M0+ runs on QEMU's M3 (no unaligned access).
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tinytracker.compiler.kernels.all import KERNELS
from tinytracker.quantization.untrained import untrained_int8
from tinytracker.targets.mcu.bench import CoreCost, bench, instructions_by_step
from tinytracker.targets.mcu.machines import find_machine
from tinytracker.zoo import find, list_released

NETWORKS = {"S-type": ("tinytracker_s", {}), "L-type": ("tinytracker", {"size_px": 128, "padding": "same"})}
# Cortex-M4F: instructions, flash beyond the parameters, RAM with the input; in bytes.
TARGETS = {"S-type": (6.6e6, 10_000, 26_000), "L-type": (19.5e6, 12_000, 60_000)}
# TFLM + CMSIS-NN on the authors' files: instructions, flash, RAM.
THEIRS = {"S-type": (19.76e6, 260_260, 90_196), "L-type": (50.42e6, 720_436, 240_484)}
BUILDS = (("qemu-m4", None), ("qemu-m7", None), ("qemu-m4", "portable"), ("qemu-m0plus", None))
# Without the kernels whose names begin so, more each time.
SMALL = ("dsp sum", "dsp product", "dsp maximum", "dsp dense")
TRICKS = (
    ("all", ()),
    ("sums, products, maxima, FC in C", SMALL),
    ("and first layers not fused, row by row", (*SMALL, "dsp stem")),
    ("and blocks not fused", (*SMALL, "dsp stem", "dsp block")),
    ("and windows not packed into tiles", (*SMALL, "dsp stem", "dsp block", "dsp convolution")),
    ("and no DSP instruction: runs of rows in C", ("dsp",)),
    ("and no runs of rows: layer by layer in C", ("dsp", "rows")),
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--layers", action="store_true", help="instructions of every step on Cortex-M4F")
    parser.add_argument(
        "--tricks",
        action="store_true",
        help="instructions without the fast kernels, one kind after the other",
    )
    parser.add_argument("--released", action="store_true", help="the released networks too")
    parser.add_argument("--samples", type=int, default=2)
    parser.add_argument("--squeeze-excite", action="store_true", help="S-type with squeeze-excite too")
    arguments = parser.parse_args()
    console = Console(width=170, highlight=False)
    networks = dict(NETWORKS)
    if arguments.squeeze_excite:
        networks["S-type with squeeze-excite"] = ("tinytracker_s", {"squeeze_excite": True})
    with tempfile.TemporaryDirectory() as folder:
        files = {}
        for name, (model, options) in networks.items():
            files[name] = Path(folder) / f"{name}.tflite"
            files[name].write_bytes(untrained_int8(model, **options))
        if arguments.released:
            files |= {name: find(name).path for name in list_released()}
        costs = []
        for name, path in files.items():
            costs += [
                bench(path, name, find_machine(machine), arguments.samples, cpu) for machine, cpu in BUILDS
            ]
        console.print(table_of(costs))
        for name in networks:
            if arguments.layers:
                console.print(layers_of(name, files[name]))
            if arguments.tricks:
                console.print(tricks_of(name, files[name]))


def table_of(costs: list[CoreCost]) -> Table:
    table = Table(
        "network",
        "build",
        "instructions",
        "per MAC",
        "of TFLM's",
        "flash B",
        "beyond weights",
        "beyond parameters",
        "RAM B",
        "as TFLM",
        title="Per inference; in brackets the target; parameters: int8 weights and 9 bytes per channel",
    )
    for cost in costs:
        own = cost.compiled_for == cost.machine.cpu
        targets = TARGETS.get(cost.model) if cost.machine.name == "qemu-m4" and own else None
        instructions, beyond, ram = (f" (<= {value:,.0f})" for value in targets) if targets else ("", "", "")
        theirs = THEIRS.get(cost.model)
        table.add_row(
            cost.model,
            cost.machine.cpu.removeprefix("cortex-") + ("" if own else f", {cost.compiled_for} C"),
            f"{cost.instructions:,.0f}{instructions}",
            f"{cost.instructions_per_mac:.3f}",
            f"{100 * cost.instructions / theirs[0]:.0f} %" if theirs else "",
            f"{cost.model_flash_bytes:,}",
            f"{cost.model_flash_bytes - cost.weights_bytes:,}",
            f"{cost.model_flash_bytes - cost.parameters_bytes:,}{beyond}",
            f"{cost.ram_bytes:,}{ram}",
            f"{cost.same_bytes} of {cost.samples}",
        )
    for name, (count, flash, ram) in THEIRS.items():
        table.add_row(
            f"{name}, theirs",
            "m4, TFLM + CMSIS-NN",
            f"{count:,.0f}",
            "",
            "100 %",
            f"{flash:,}",
            "",
            "",
            f"{ram:,}",
            "",
        )
    return table


def layers_of(name: str, path: Path) -> Table:
    table = Table(
        "step",
        "instructions",
        "share",
        title=f"{name} on Cortex-M4F, step by step, emulated",
        title_justify="left",
    )
    steps = instructions_by_step(path, name, find_machine("qemu-m4"))
    total = sum(count for _, count in steps)
    for what, count in steps:
        table.add_row(what, f"{count:,.0f}", f"{100 * count / total:.1f} %")
    return table


def tricks_of(name: str, path: Path) -> Table:
    table = Table(
        "kernels", "instructions", "RAM B", title=f"{name} on Cortex-M4F, emulated", title_justify="left"
    )
    for what, without in TRICKS:
        kernels = [kernel for kernel in KERNELS if not kernel.name.startswith(without or "\0")]
        cost = bench(path, name, find_machine("qemu-m4"), 1, kernels=kernels)
        table.add_row(what, f"{cost.instructions:,.0f}", f"{cost.ram_bytes:,}")
    return table


if __name__ == "__main__":
    main()
