"""Compiles generated C with the local compiler and runs it on many inputs in one process."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tinytracker.compiler import CompiledModel

STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-pedantic", "-Werror")
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g")
MAIN = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "gaze_model.h"

/* Reads inputs from stdin until it ends, writes outputs. Exit codes: 2, an input was changed; 3, rows give another answer. */
static const int input_bytes[] = {INPUT_BYTES};
static const int output_bytes[] = {OUTPUT_BYTES};

int main(void) {
    for (;;) {
        int8_t *arena = aligned_alloc(8, GAZE_MODEL_ARENA_BYTES);
        memset(arena, 0x5A, GAZE_MODEL_ARENA_BYTES);
        int8_t *kept[GAZE_MODEL_INPUTS];
        for (int i = 0; i < GAZE_MODEL_INPUTS; i++) {
            kept[i] = malloc((size_t)input_bytes[i]);
            if (fread(kept[i], 1, (size_t)input_bytes[i], stdin) != (size_t)input_bytes[i]) {
                for (; i >= 0; i--) {
                    free(kept[i]);
                }
                free(arena);
                return 0;
            }
            memcpy(gaze_model_input(arena, i), kept[i], (size_t)input_bytes[i]);
        }
        gaze_model_invoke(arena);
        for (int i = 0; i < GAZE_MODEL_INPUTS; i++) {
            if (KEEP_INPUT && memcmp(kept[i], gaze_model_input(arena, i), (size_t)input_bytes[i])) {
                return 2;
            }
        }
        for (int i = 0; i < GAZE_MODEL_OUTPUTS; i++) {
            fwrite(gaze_model_output(arena, i), 1, (size_t)output_bytes[i], stdout);
        }
#if GAZE_MODEL_ROWS
        int8_t *work = aligned_alloc(8, GAZE_MODEL_WORK_BYTES);
        memset(work, 0xA5, GAZE_MODEL_WORK_BYTES);
        gaze_model_begin(work);
        int row_bytes = GAZE_MODEL_INPUT_0_BYTES / GAZE_MODEL_INPUT_0_HEIGHT;
        for (int y = 0, count = 1; y < GAZE_MODEL_INPUT_0_HEIGHT; y += count, count = 1 + y % 3) {
            int left = GAZE_MODEL_INPUT_0_HEIGHT - y;
            gaze_model_push_rows(work, kept[0] + y * row_bytes, count < left ? count : left);
        }
        gaze_model_finish(work);
        for (int i = 0; i < GAZE_MODEL_OUTPUTS; i++) {
            if (memcmp(gaze_model_output(work, i), gaze_model_output(arena, i), (size_t)output_bytes[i])) {
                return 3;
            }
        }
        free(work);
#endif
        for (int i = 0; i < GAZE_MODEL_INPUTS; i++) {
            free(kept[i]);
        }
        free(arena);
    }
}
"""  # noqa: E501


def compilers() -> list[str]:
    """Those of gcc and clang that are there."""
    return [name for name in ("gcc", "clang") if shutil.which(name)]


class HostBuild:
    """A compiled model as a program. flags: beside the strict warnings, such as -O2."""

    def __init__(
        self, model: CompiledModel, folder: Path, compiler: str = "gcc", flags: Sequence[str] = ("-O1",)
    ) -> None:
        model.write(folder)
        graph = model.graph
        self._input_bytes = [graph[number].bytes for number in graph.inputs]
        self._output_shapes = [graph[number].shape for number in graph.outputs]
        text = MAIN.replace("INPUT_BYTES}", ", ".join(map(str, self._input_bytes)) + "}")
        text = text.replace(
            "OUTPUT_BYTES}", ", ".join(str(graph[number].bytes) for number in graph.outputs) + "}"
        )
        keeps = "inputs stay as they are" in model.files["gaze_model.h"]
        text = text.replace("KEEP_INPUT", str(int(keeps)))
        (folder / "main.c").write_text(text)
        self._program = folder / f"model_{compiler}"
        objects = []
        for source, warnings in (("gaze_model.c", STRICT), ("main.c", ("-std=gnu11",))):
            objects.append(str(folder / f"{source}.o"))
            run([compiler, *warnings, *flags, "-c", str(folder / source), "-o", objects[-1]])
        run([compiler, *flags, *objects, "-o", str(self._program)])

    def invoke(self, samples: Sequence[Sequence[np.ndarray]]) -> list[list[np.ndarray]]:
        """Outputs of every sample (a list of int8 inputs)."""
        stdin = b"".join(array.astype(np.int8).tobytes() for sample in samples for array in sample)
        done = subprocess.run([str(self._program)], input=stdin, capture_output=True)
        assert done.returncode == 0, f"exit code {done.returncode}: {done.stderr.decode()[-2000:]}"
        sizes = [int(np.prod(shape)) for shape in self._output_shapes]
        flat = np.frombuffer(done.stdout, np.int8).reshape(len(samples), sum(sizes))
        ends = np.cumsum(sizes)[:-1]
        return [
            [
                part.reshape(shape)
                for part, shape in zip(np.split(row, ends), self._output_shapes, strict=True)
            ]
            for row in flat
        ]


def refuse_warnings(model: CompiledModel, folder: Path) -> None:
    """Asks clang, which also tells what is never used, about the C, for a microcontroller's as well as for
    this machine."""
    if shutil.which("clang") is None:
        return
    model.write(folder)
    target = ("--target=arm-none-eabi", *model.cpu.gcc[:2]) if model.cpu.gcc else ()
    run(
        [
            "clang",
            *target,
            "-ffreestanding",
            *STRICT,
            "-Wno-sign-conversion",
            "-fsyntax-only",
            str(folder / "gaze_model.c"),
        ]
    )


def run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr[-4000:]}"
