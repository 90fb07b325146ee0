"""Options that several commands take, written once. Those of targets are in `targets.options`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DotsSource = Annotated[
    str, typer.Argument(help="The video, or folder of pictures, taken while the dots were shown.")
]
OutputScale = Annotated[
    float | None,
    typer.Option(help="Centimetres that an output of 1 stands for, if not what its card says."),
]
FieldOfView = Annotated[float, typer.Option(help="The camera's field of view across the longer side.")]
FaceModel = Annotated[
    Path | None, typer.Option(help="YuNet's .onnx file, to find faces by it.", metavar="FILE")
]
FramesPerSecond = Annotated[
    float | None,
    typer.Option(min=0.1, max=1000, help="Frames per second, instead of what the source says."),
]
Mirrored = Annotated[
    bool,
    typer.Option("--mirrored/--not-mirrored", help="The camera mirrors: left and right are changed back."),
]
Strict = Annotated[
    bool,
    typer.Option("--strict/--no-strict", help="Refuse a calibration made before another screen or camera."),
]
Dask = Annotated[
    str | None, typer.Option(metavar="SCHEDULER", help="Address of a Dask scheduler to run the work on.")
]
