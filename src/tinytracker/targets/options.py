"""Options that several targets take, written once; see `targets.target.Option`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from tinytracker.targets.target import Option

Name = Annotated[str | None, Option("Name of the files; default: the network's.")]
Data = Annotated[
    list[Path] | None, Option("Dataset folder to calibrate and check on; give it again to join several.")
]
DEFAULT_SAMPLES = 1024
SENSOR_SAMPLES = 200  # Sony's quantiser needs no more
CalibrationSamples = Annotated[
    int | None,
    Option(
        "Training frames to calibrate on.",
        min=1,
        shown_default=f"{DEFAULT_SAMPLES}, for imx500 {SENSOR_SAMPLES}",
    ),
]
QatSteps = Annotated[
    int | None,
    Option("Steps of fake-quant training; default: 300 if calibration alone costs over 0.03 cm.", min=0),
]
OutputScale = Annotated[
    float | None, Option("For a .tflite without a card: cm that an output of 1 stands for.")
]
