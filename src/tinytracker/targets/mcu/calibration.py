"""A person's calibration for a board, so that it gives calibrated points by itself: as C
(gaze_calibration.h), or over the serial link."""

from __future__ import annotations

import re

import numpy as np

from tinytracker.calibration.calibration import Calibration
from tinytracker.errors import CalibrationError
from tinytracker.link.messages import BoardCalibration
from tinytracker.targets.mcu.boards import sources

HEADER = "gaze_calibration.h"


def board_header(calibration: Calibration) -> str:
    """gaze_calibration.h of a calibration: six numbers, the distance at which it was made, and its id.

    The same numbers as on the host, as float: points differ by rounding alone (tested by compiling it).
    Raises CalibrationError for one that was found not to help.
    """
    numbers = board_calibration(calibration)
    right, up = (f"{{{', '.join(map(_float, row))}}}" for row in (numbers.right, numbers.up))
    values = {
        "ID": f'"{calibration.id}"',
        "USED": "1",
        "DISTANCE_CM": _float(numbers.distance_cm),
        "RIGHT": right,
        "UP": up,
    }
    text = sources("feed")[HEADER].replace("As it stands it changes nothing.", f"Made {calibration.created}.")
    for name, value in values.items():
        line = re.compile(rf'^(#define GAZE_CALIBRATION_{name}) (?:"[^"]*"|\{{[^}}]*\}}|\S+)', re.MULTILINE)
        text, count = line.subn(rf"\1 {value}", text)
        assert count == 1, name
    return text


def board_calibration(calibration: Calibration, output_scale_cm: float = 1.0) -> BoardCalibration:
    """What the serial link sends. output_scale_cm: the network's, from its card.

    Raises CalibrationError for a calibration that was found not to help.
    """
    if not calibration.is_useful:
        raise CalibrationError(
            "this calibration was found not to help when it was checked; a board should not use it either"
        )
    right, up = ((float(offset), float(by_x), float(by_y)) for offset, by_x, by_y in calibration.coefficients)
    distance_cm = float(np.median([dot.distance_cm for dot in calibration.dots]))
    return BoardCalibration(output_scale_cm, distance_cm, right, up)


def _float(number: float) -> str:
    """A C literal that reads back as the float nearest to `number`."""
    return f"{np.format_float_scientific(np.float32(number), unique=True, trim='0')}f"
