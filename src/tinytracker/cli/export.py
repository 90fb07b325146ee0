"""`tinytracker export`: a network -> what a target runs. The targets say how: `targets/*/target.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tinytracker.cli.asking import asks_targets
from tinytracker.cli.caller import caller
from tinytracker.files import refuse_no_folder
from tinytracker.targets.target import ask
from tinytracker.zoo import find

DEFAULT_TARGET = "litert"


@asks_targets("export")
def export(
    model: Annotated[
        Path,
        typer.Argument(
            help="A checkpoint (.safetensors) with its card beside it; for a board's target an int8 .tflite "
            "or a released network's name.",
            metavar="CHECKPOINT|MODEL",
        ),
    ],
    target: Annotated[
        str, typer.Option(help="What to write for; see above.", metavar="NAME")
    ] = DEFAULT_TARGET,
    out: Annotated[Path, typer.Option("--out", help="Folder for the files.")] = Path("out/export"),
    **options: Any,
) -> None:
    """Turns a network into what a target runs; by default a checkpoint into .tflite and .onnx.

    {targets}

    The int8 file that litert writes is integer from input to output, so accelerators and microcontrollers run
    it. It is fitted to training people (docs/quantization.md); the better of several ways is chosen on the
    validation people; what it costs is measured on the test people and stands in the card. Where that is more
    than 0.03 cm on validation people, the network is trained a little with simulated rounding.

    An option says in brackets for which targets it is.

    \b
    Examples:
    {examples}
    """
    asked = ask("export", target)
    if not model.is_dir():  # a file that is not there is told before an option that is missing
        find(model)
    refuse_no_folder(out)
    asked.call(model, out, caller(), given=options)
