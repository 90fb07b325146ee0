"""`tinytracker bench`: what a gaze costs on a board, in time and energy. One table says which module knows which board."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from tinytracker.errors import UsageError


@dataclass(frozen=True, slots=True)
class BenchRequest:
    """What was asked for; what is None was not."""

    models: tuple[str, ...]
    board: str | None = None
    frames: int | None = None
    sensor_mode: str | None = None
    csv: Path | None = None
    boards: bool = False


# Target -> the module of tinytracker.cli whose `run(request: BenchRequest)` knows it.
BENCHES = {"imx500": "bench_imx500", "mcu": "bench_mcu"}


def bench(
    target: Annotated[str, typer.Argument(help=f"The board: {', '.join(BENCHES)}.", metavar="TARGET")],
    models: Annotated[
        list[str] | None, typer.Argument(help="Networks: files with a card beside them, or released names.", metavar="MODEL")
    ] = None,
    board: Annotated[
        str | None,
        typer.Option(
            help="Measure on this board instead of estimating, e.g. imx500:network.rpk; for mcu the emulated core.",
            metavar="BOARD",
        ),
    ] = None,
    frames: Annotated[int | None, typer.Option(min=10, help="Frames to measure on a board.", show_default="300")] = None,
    sensor_mode: Annotated[
        str | None, typer.Option(help="How the sensor reads out: full or binned.", show_default="both")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Write every figure as a row.", metavar="FILE")] = None,
    boards: Annotated[
        bool, typer.Option("--boards", help="For mcu: which microcontroller boards the networks fit, and how fast about.")
    ] = False,
) -> None:
    """What a gaze costs on a board: the chain of latencies and the energy, each figure with how it was obtained.

    For imx500: read-out, transfer to the processor, inference, fetching the result, the host's own part; energy of sensor and
    inference. Without a board they are estimated from constants whose sources are given, beside what the paper published for
    its network; with --board imx500:network.rpk the camera measures what it can.

    For mcu: the network is compiled and run on emulated Cortex-M4F and M7 (or --board qemu-m0plus, qemu-m33, qemu-m55):
    instructions, flash, RAM, and whether the bytes are TensorFlow Lite Micro's. Without MODEL the released networks.

    \b
    Examples:
      tinytracker bench mcu tinytracker-s
      tinytracker bench mcu --boards --csv fit.csv
      tinytracker bench imx500 exported/tinytracker-imx.onnx
      tinytracker bench imx500 --board imx500:exported/network.rpk --frames 300 --csv costs.csv
    """
    if target not in BENCHES:
        raise UsageError(f"there is no board {target!r} to bench; expected one of {', '.join(BENCHES)}")
    request = BenchRequest(tuple(models or ()), board, frames, sensor_mode, csv, boards)
    importlib.import_module(f"tinytracker.cli.{BENCHES[target]}").run(request)
