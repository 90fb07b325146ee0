"""From the bytes of a .tflite to C, stage by stage."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tinytracker.files import write_text


@dataclass(frozen=True, slots=True)
class CompiledModel:
    """What a compilation gives. files: name -> text of gaze_model.h, gaze_model.c and, where there is one, gaze_model.S."""

    files: dict[str, str]

    def write(self, folder: Path) -> list[Path]:
        """Writes the files into a folder, which is made; gives their paths."""
        paths = []
        for name, text in self.files.items():
            write_text(folder / name, text)
            paths.append(folder / name)
        return paths


def compile_model(content: bytes, name: str = "model", cpu: str = "portable", prefix: str = "gaze_model") -> CompiledModel:
    """Compiles a .tflite file's bytes for a core (`cpu.CPUS`).

    name: for comments and the report. prefix: of every public name in the C, so that two networks fit in one program.
    Raises ModelError if the bytes are no .tflite, TargetError naming operator, layer and remedy if it cannot be compiled,
    UsageError for an unknown core.
    """
    raise NotImplementedError
