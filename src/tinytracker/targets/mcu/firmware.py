"""Programs for emulated boards: a compiled network and the C round it, through arm-none-eabi-gcc."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tinytracker.compiler.cpu import CPUS
from tinytracker.errors import TargetError
from tinytracker.files import write_text
from tinytracker.targets.mcu.boards import sources
from tinytracker.targets.mcu.machines import Machine

Program = Literal["bench", "serve", "track"]
PACKAGES = "gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm"
COMPILE_FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-ffunction-sections", "-fdata-sections")
SHARED_C = ("start.c", "semihosting.c")
PROGRAM_C = {
    "bench": ("bench.c", "gaze_served.c"),
    "serve": ("serve.c", "uart.c", "gaze_link.c", "gaze_served.c"),
    "track": (),  # track.c names the network, and comes with it
}


@dataclass(frozen=True, slots=True)
class Firmware:
    """A program and what it takes, in bytes, by the linker's own account.

    model_flash_bytes: code, weights and tables of the network itself. flash_bytes: the whole program.
    arena_bytes: what the network works in, with its input buffers unless rows are pushed. static_bytes: other
    variables of the program.
    """

    elf: Path
    machine: Machine
    model_flash_bytes: int
    flash_bytes: int
    arena_bytes: int
    static_bytes: int


def find_tool(name: str) -> str:
    """The path of a program of the toolchain; raises TargetError saying how to install it."""
    path = shutil.which(name)
    if path is None:
        raise TargetError(f"{name} is not on PATH; on Debian or Ubuntu: apt install {PACKAGES}")
    return path


def project_files(machine: Machine, program: Program) -> dict[str, str]:
    """What lies beside gaze_model.c in a program: name -> text."""
    wanted = (*SHARED_C, *PROGRAM_C[program])
    files = {**sources("qemu"), **sources("link")}
    chosen = {
        name: text for name, text in files.items() if name in wanted or name.endswith((".h", "sections.ld"))
    }
    return {**chosen, "memory.ld": machine.memory_script}


def compile_flags(machine: Machine) -> list[str]:
    """gcc's options, but for paths."""
    return [
        *COMPILE_FLAGS,
        *CPUS[machine.cpu].gcc,
        *(f"-D{name}={value}" for name, value in machine.defines.items()),
    ]


LINK_FLAGS = ("-nostartfiles", "-Wl,--gc-sections", "-Wl,-T,sections.ld", "-Wl,-Map,program.map", "-lm")


def build(
    model: Mapping[str, str], machine: Machine, program: Program, folder: Path, defines: Sequence[str] = ()
) -> Firmware:
    """Builds a program in `folder` from a compiled network's files (name -> text).

    defines: such as "BENCH_ROWS=4". Raises TargetError if the compiler is missing or refuses.
    """
    gcc, size = find_tool("arm-none-eabi-gcc"), find_tool("arm-none-eabi-size")
    others = project_files(machine, program)
    for name, text in {**others, **model}.items():
        write_text(folder / name, text)
    flags = [*compile_flags(machine), *(f"-D{define}" for define in defines)]
    objects = []
    for name in (*others, *model):
        if name.endswith((".c", ".S")):
            objects.append(f"{name}.o")
            _run([gcc, *flags, "-c", name, "-o", objects[-1]], folder)
    _run([gcc, *flags, *objects, *LINK_FLAGS, "-o", f"{program}.elf"], folder)
    sections = _sections(_run([size, "-A", f"{program}.elf"], folder))
    models = [f"{name}.o" for name in model if name.endswith((".c", ".S"))]
    return Firmware(
        elf=folder / f"{program}.elf",
        machine=machine,
        model_flash_bytes=sum(_flash_of_object(_run([size, "-A", name], folder)) for name in models),
        flash_bytes=sum(sections.get(name, 0) for name in (".text", ".ARM.exidx", ".data")),
        arena_bytes=sections.get(".arena", 0),
        static_bytes=sum(sections.get(name, 0) for name in (".data", ".bss")),
    )


def _run(command: Sequence[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        refused = re.search(r'#error "(.*?)"', done.stderr)
        if refused is not None:
            raise TargetError(refused[1])
        reason = next(
            (line for line in done.stderr.splitlines() if "error" in line or "overflowed" in line),
            done.stderr[-200:],
        )
        raise TargetError(f"{Path(command[0]).name} refused the program in {folder}: {reason.strip()}")
    return done.stdout


def _sections(listing: str) -> dict[str, int]:
    """Section -> bytes, from what `size -A` prints."""
    rows = [line.split() for line in listing.splitlines()]
    return {
        row[0]: int(row[1]) for row in rows if len(row) == 3 and row[0].startswith(".") and row[1].isdigit()
    }


def _flash_of_object(listing: str) -> int:
    kinds = (".text", ".rodata", ".data")
    return sum(count for name, count in _sections(listing).items() if name.startswith(kinds))
