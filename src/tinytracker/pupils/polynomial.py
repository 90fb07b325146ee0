"""A person's own map from where the pupil is to where they look: a polynomial of the second order, fitted to
dots.

Before the eye, a camera sees the pupil move by about as much for each degree; the rest is perspective and the
eye's roundness, which second-order terms take up: x, y -> 1, x, y, xy, x^2, y^2 for each of gaze's two
numbers (twelve in all; nine dots on a grid of 3 x 3 are the custom). Head and camera go together (glasses),
so the map holds until the glasses slip.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinytracker.calibration.strict import Malformed, decode, read_json
from tinytracker.errors import CalibrationError
from tinytracker.files import write_text

FORMAT = "tinytracker pupil calibration"
VERSION = 1
TERMS = 6
WORST_CONDITION = 100.0
MARGIN = 1.25
"""How much further out than the furthest dot the polynomial is still believed, in spreads of the dots."""
UNITS = ("deg", "cm", "px")
_RANGES = {
    "middle_px": (-1e5, 1e5),
    "spread_px": (1e-6, 1e5),
    "reach": (0.0, 1e3),
    "coefficients_x": (-1e6, 1e6),
    "coefficients_y": (-1e6, 1e6),
    "dots": (TERMS, 1e6),
    "error": (0.0, 1e6),
    "width_px": (1, 1e5),
    "height_px": (1, 1e5),
}
Six = tuple[float, float, float, float, float, float]


@dataclass(frozen=True, slots=True)
class GazePolynomial:
    """The map. middle_px, spread_px: what a pupil's place is centred and scaled by first. reach: how far the
    furthest dot was from the middle, in spreads. coefficients_x, coefficients_y: of 1, x, y, xy, x^2, y^2.
    unit: of the gaze, as the dots had it (deg, cm, px). dots: how many it was fitted to. error: the median of
    how far a dot is off where it took no part, in the unit; None for six dots, which fit exactly. model: the
    network that saw the pupils. width_px, height_px: of its sensor.

    >>> grid = np.array([[x, y] for x in (100, 150, 200) for y in (80, 120, 160)], float)
    >>> fitted = GazePolynomial.fit(grid, 0.2 * (grid - [150, 120]), "deg", "pupil", (346, 260))
    >>> [round(number, 6) for number in fitted.gaze(160.0, 125.0)]
    [2.0, 1.0]
    """

    middle_px: tuple[float, float]
    spread_px: tuple[float, float]
    reach: float
    coefficients_x: Six
    coefficients_y: Six
    unit: str
    dots: int
    error: float | None
    model: str
    width_px: int
    height_px: int

    @classmethod
    def fit(
        cls,
        pupils_px: NDArray[np.float64],
        targets: NDArray[np.float64],
        unit: str,
        model: str,
        sensor_px: tuple[int, int],
    ) -> GazePolynomial:
        """The map that takes pupils_px (n, 2), one for each dot, to targets (n, 2), by least squares.

        Raises CalibrationError for fewer than six dots, or where they do not tell the terms apart (a row of
        dots, two places, an eye that did not move).
        """
        pupils, aims = np.asarray(pupils_px, float), np.asarray(targets, float)
        if len(pupils) < TERMS:
            raise CalibrationError(
                f"{len(pupils)} dots were seen; a polynomial of six terms needs six, better nine"
            )
        middle, spread = pupils.mean(0), pupils.std(0)
        if (spread < 1e-6).any():
            raise CalibrationError("the pupil did not move between the dots, or along one direction alone")
        standard = (pupils - middle) / spread
        terms = _terms(*standard.T)
        condition = float(np.linalg.cond(terms))
        if not condition < WORST_CONDITION:
            raise CalibrationError(
                f"the dots do not tell a polynomial's terms apart (condition {condition:.0f}, at most "
                f"{WORST_CONDITION:.0f}); show nine on a grid of 3 x 3"
            )
        solution, *_ = np.linalg.lstsq(terms, aims, rcond=None)
        x, y = solution.T.tolist()
        return cls(
            middle_px=(float(middle[0]), float(middle[1])),
            spread_px=(float(spread[0]), float(spread[1])),
            reach=float(np.linalg.norm(standard, axis=1).max()),
            coefficients_x=tuple(x),
            coefficients_y=tuple(y),
            unit=unit,
            dots=len(pupils),
            error=_left_out_error(terms, aims - terms @ solution),
            model=model,
            width_px=sensor_px[0],
            height_px=sensor_px[1],
        )

    def gaze(self, x_px: float, y_px: float) -> tuple[float, float] | None:
        """Where somebody looks whose pupil is there; None so far beyond the dots that it would be a guess."""
        x, y = (x_px - self.middle_px[0]) / self.spread_px[0], (y_px - self.middle_px[1]) / self.spread_px[1]
        if not math.hypot(x, y) <= self.reach * MARGIN:
            return None
        terms = (1.0, x, y, x * y, x * x, y * y)
        along_x = sum(a * b for a, b in zip(self.coefficients_x, terms, strict=True))
        return along_x, sum(a * b for a, b in zip(self.coefficients_y, terms, strict=True))

    def save(self, path: Path) -> None:
        """Writes it as JSON, whole or not at all."""
        write_text(path, json.dumps({"format": FORMAT, "version": VERSION, **asdict(self)}, indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> GazePolynomial:
        """Reads what `save` wrote; raises CalibrationError, saying what is wrong, if it is of no use."""
        try:
            content = read_json(path)
            if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
                raise Malformed(f"it is no {FORMAT}; expected one of `tinytracker calibrate events`")
            if (version := content.pop("version", None)) != VERSION:
                raise Malformed(f"it has version {version}; expected {VERSION}")
            found: GazePolynomial = decode(cls, content, _RANGES)
            if found.unit not in UNITS:
                raise Malformed(f"its unit is {found.unit!r}; expected one of {', '.join(UNITS)}")
            return found
        except OSError as error:
            raise CalibrationError(f"{path} cannot be read: {error.strerror}") from error
        except Malformed as error:
            raise CalibrationError(f"{path}: {error}") from error


def _terms(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], 1)


def _left_out_error(terms: NDArray[np.float64], residuals: NDArray[np.float64]) -> float | None:
    """The median distance by which dots are missed by maps that were fitted without them: residuals over one
    minus the dot's leverage, which is the same as fitting anew for each (Allen's PRESS)."""
    if len(terms) <= TERMS:
        return None
    basis, _ = np.linalg.qr(terms)
    leverage = (basis**2).sum(1)
    missed = np.linalg.norm(residuals, axis=1) / np.maximum(1 - leverage, 1e-9)
    return float(np.median(missed))
