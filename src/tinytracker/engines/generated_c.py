"""The C that `tinytracker export --target mcu` writes, compiled by this machine's compiler and run: what a
board will answer.

The same source a microcontroller gets (the portable one: assembly for a Cortex-M does not run here) gives the
same bytes.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tinytracker.engines.protocol import TensorSpec
from tinytracker.errors import ModelError, TargetError

COMPILERS = ("cc", "gcc", "clang")
FLAGS = ("-std=c99", "-O2", "-shared", "-fPIC")
_SIDES = ("INPUT", "OUTPUT")


class GeneratedCEngine:
    """A gaze_model.c with its gaze_model.h beside it, or of another prefix.

    compiler: a C compiler's name; None takes $CC, or the first of `COMPILERS` there is. Compiling takes a
    second or two. Raises ModelError if the file is not what tinytracker wrote, or is for a microcontroller
    alone, TargetError without a compiler or if it refuses.
    """

    name = "generated-c"
    batch = 1

    def __init__(self, path: Path, compiler: str | None = None) -> None:
        prefix, macros = path.stem, _macros(path)
        if path.with_suffix(".S").exists():
            raise ModelError(
                f"{path} comes with assembly for a microcontroller; export it with --cpu portable to run it "
                f"here"
            )
        self.inputs, self.outputs = (_specs(macros, prefix.upper(), side, path) for side in _SIDES)
        self._library = _load(path, compiler)
        place = ctypes.POINTER(ctypes.c_int8)
        self._input, self._output, self._invoke = (
            getattr(self._library, f"{prefix}_{name}") for name in _FUNCTIONS
        )
        for function in (self._input, self._output):
            function.argtypes, function.restype = (ctypes.c_void_p, ctypes.c_int), place
        self._invoke.argtypes, self._invoke.restype = (ctypes.c_void_p,), None
        align = int(macros[f"{prefix.upper()}_ARENA_ALIGN"])
        self._memory = np.zeros(int(macros[f"{prefix.upper()}_ARENA_BYTES"]) + align, np.uint8)
        self._arena = self._memory.ctypes.data + -self._memory.ctypes.data % align

    def invoke(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        for index, (spec, array) in enumerate(zip(self.inputs, inputs, strict=True)):
            np.ctypeslib.as_array(self._input(self._arena, index), spec.shape)[...] = array
        self._invoke(self._arena)
        return [
            np.ctypeslib.as_array(self._output(self._arena, index), spec.shape).copy()
            for index, spec in enumerate(self.outputs)
        ]


_FUNCTIONS = ("input", "output", "invoke")


def _macros(path: Path) -> dict[str, str]:
    """Macro -> its text, of the header that lies beside a generated C file."""
    header = path.with_suffix(".h")
    try:
        text = header.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(
            f"cannot read {header}: {error}; expected both files that `tinytracker export --target mcu` wrote"
        ) from error
    return dict(re.findall(r"^#define (\w+) (.+?)(?: /\*.*)?$", text, re.MULTILINE))


def _specs(macros: dict[str, str], upper: str, side: str, path: Path) -> tuple[TensorSpec, ...]:
    try:
        specs = []
        for place in range(int(macros[f"{upper}_{side}S"])):
            stem = f"{upper}_{side}_{place}"
            shape = tuple(int(length) for length in macros[f"{stem}_SHAPE"].strip("{}").split(","))
            zero_point = int(macros[f"{stem}_ZERO_POINT"].strip("()"))
            scale = float(macros[f"{stem}_SCALE"].rstrip("f"))
            specs.append(TensorSpec(macros[f"{stem}_NAME"].strip('"'), shape, "int8", scale, zero_point))
        return tuple(specs)
    except (KeyError, ValueError) as error:
        raise ModelError(
            f"{path.with_suffix('.h')} was not written by this tinytracker ({error}); export the network "
            f"again"
        ) from error


def _load(path: Path, compiler: str | None) -> ctypes.CDLL:
    wanted = (compiler,) if compiler else (os.environ.get("CC", ""), *COMPILERS)
    program = next((found for name in wanted if name and (found := shutil.which(name))), None)
    if program is None:
        raise TargetError(
            f"there is no C compiler ({', '.join(filter(None, wanted))}) to run {path} with; install one, "
            f"such as gcc"
        )
    with tempfile.TemporaryDirectory(prefix="tinytracker-c-") as folder:
        library = Path(folder) / "model.so"
        done = subprocess.run(
            [program, *FLAGS, str(path), "-o", str(library)], capture_output=True, text=True
        )
        if done.returncode != 0:
            reason = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr[-200:])
            raise TargetError(f"{Path(program).name} refused {path}: {reason.strip()}")
        return ctypes.CDLL(str(library))
