"""A project for a microcontroller that reads an IMX500 module without Linux (ArduCAM's imx500-mcu-sdk): the
network runs in the sensor, its correction and scaling in C.

Nobody there finds faces: the region stays where it is put, or a line on the serial port moves it.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np

from tinytracker.cards import ModelCard
from tinytracker.engines.correction import Correction
from tinytracker.files import write_text
from tinytracker.targets.imx500.chip.sensor import HEIGHT_PX, WIDTH_PX, Roi
from tinytracker.targets.imx500.running.live import ChipModel

FRAMES_PER_S = 30
TEMPLATES = "mcu_project"


def middle_roi(card: ModelCard) -> Roi:
    """The largest region in the middle of the sensor that has the shape of the network's picture."""
    spec = ChipModel(card).spec
    share = min(WIDTH_PX / spec.width_px, HEIGHT_PX / spec.height_px)
    width, height = (int(share * side) // 2 * 2 for side in (spec.width_px, spec.height_px))
    return Roi((WIDTH_PX - width) // 4 * 2, (HEIGHT_PX - height) // 4 * 2, width, height)


def write_project(card: ModelCard, roi: Roi, out: Path) -> None:
    """Writes the folder. Raises ModelError for a network that the sensor does not feed, OutputError."""
    for template in (resources.files("tinytracker.targets.imx500") / TEMPLATES).iterdir():
        text = template.read_text()
        if template.name == "README.md":
            text = text.replace("@NAME@", card.name).replace("@ROI@", ", ".join(map(str, roi.as_tuple)))
        write_text(out / template.name, text)
    write_text(out / "gaze_network.h", network_header(card, roi))


def network_header(card: ModelCard, roi: Roi) -> str:
    """gaze_network.h: the correction's layers, the output's scale, and the region to begin with."""
    ChipModel(card)
    correction = Correction(card.correction)
    region = dict(zip(("LEFT", "TOP", "WIDTH", "HEIGHT"), roi.as_tuple, strict=True))
    lines = [
        f"/* Written by tinytracker: {card.name}, seen through the region below, in full-sensor pixels. */",
        "#ifndef GAZE_NETWORK_H",
        "#define GAZE_NETWORK_H",
        "",
        f"#define GAZE_OUTPUT_SCALE_CM {_c_float(float(card.output_scale_cm))}",
        f"#define GAZE_FRAMES_PER_S {FRAMES_PER_S}",
        f"#define GAZE_SENSOR_WIDTH {WIDTH_PX}",
        f"#define GAZE_SENSOR_HEIGHT {HEIGHT_PX}",
        *(f"#define GAZE_ROI_{name} {value}" for name, value in region.items()),
        "",
        "/* Scale and offset of the network's numbers are linear in so many units; 0: constant. */",
        f"#define GAZE_HIDDEN {correction.hidden_units}",
        *(
            _c_array(f"GAZE_{layer.upper()}_{part.upper()}", values)
            for (layer, part), values in correction.arrays().items()
        ),
        "",
        "#endif",
        "",
    ]
    return "\n".join(lines)


def _c_array(name: str, values: np.ndarray) -> str:
    sizes = "".join(f"[{size}]" for size in values.shape)
    return f"static const float {name}{sizes} = {_c_values(values)};"


def _c_values(values: np.ndarray) -> str:
    if values.ndim == 0:
        return _c_float(float(values))
    return "{" + ", ".join(map(_c_values, values)) + "}"


def _c_float(value: float) -> str:
    text = f"{np.float32(value):.9g}"
    return f"{text}f" if any(mark in text for mark in ".en") else f"{text}.0f"
