"""Which engines there are, what files they run, and opening one: a new engine is its module and a row of
ENGINES."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import Any

from tinytracker.engines.protocol import Engine
from tinytracker.errors import ModelError, UsageError


@dataclass(frozen=True, slots=True)
class EngineKind:
    """suffix: of the files it runs. opener: "module:name" of what makes an Engine of a path. options: its
    other arguments."""

    suffix: str
    opener: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def open(self, path: Path) -> Engine:
        module, _, name = self.opener.partition(":")
        engine: Engine = attrgetter(name)(import_module(module))(path, **self.options)
        return engine


# By the name a user gives; the first one of a suffix is that suffix's default.
ENGINES = {
    "litert": EngineKind(".tflite", "tinytracker.engines.litert:LiteRTEngine"),
    "litert-builtin": EngineKind(
        ".tflite", "tinytracker.engines.litert:LiteRTEngine", {"kernels": "builtin"}
    ),
    "litert-reference": EngineKind(
        ".tflite", "tinytracker.engines.litert:LiteRTEngine", {"kernels": "reference"}
    ),
    "tflite-micro": EngineKind(".tflite", "tinytracker.engines.tflite_micro:TfliteMicroEngine"),
    "onnx": EngineKind(".onnx", "tinytracker.engines.onnx:OnnxEngine"),
    "imx500": EngineKind(".onnx", "tinytracker.engines.imx500:Imx500Engine"),
    "torch": EngineKind(".safetensors", "tinytracker.engines.torch:TorchEngine.load"),
    "generated-c": EngineKind(".c", "tinytracker.engines.generated_c:GeneratedCEngine"),
}


def engine_for(path: Path, engine: str | None = None) -> str:
    """The name of the engine that runs a file: the one asked for, if it does, or the default of the file's
    suffix.

    Raises ModelError for a file that none runs, UsageError for an engine that there is not or that runs other
    files.
    """
    suffixes = dict.fromkeys(kind.suffix for kind in ENGINES.values())
    if engine is None:
        if path.suffix not in suffixes:
            raise ModelError(f"{path} is no network: expected a file that ends in {', '.join(suffixes)}")
        return next(name for name, kind in ENGINES.items() if kind.suffix == path.suffix)
    if engine not in ENGINES:
        raise UsageError(f"there is no engine {engine!r}; expected one of {', '.join(ENGINES)}")
    if ENGINES[engine].suffix != path.suffix:
        raise UsageError(
            f"engine {engine} runs {ENGINES[engine].suffix} files, not {path.name}; leave the engine out"
        )
    return engine


def open_engine(path: Path, engine: str | None = None) -> Engine:
    """Opens a weight file with an engine of ENGINES, by default the one for its suffix.

    Raises what `engine_for` raises, and ModelError, CheckpointError or MissingExtraError.
    """
    return ENGINES[engine_for(path, engine)].open(path)
