"""Calibration as a stage of the gaze pipeline: raw direction in, calibrated direction out; before the
filter."""

from __future__ import annotations

from tinytracker.calibration.calibration import Calibration


class CalibrationStage:
    """Applies a calibration that may be exchanged while frames come (re-centring); None lets gaze through
    unchanged.

    A stage of `tracking.pipeline.GazePipeline`: `apply` and `reset`, and what to write into `calibration_id`.

    >>> CalibrationStage(None).apply(3.0, -4.0, t_ns=0)
    (3.0, -4.0)
    """

    def __init__(self, calibration: Calibration | None = None) -> None:
        self.calibration = calibration

    @property
    def calibration(self) -> Calibration | None:
        """What is applied now; setting it takes effect with the next frame."""
        return self._calibration

    @calibration.setter
    def calibration(self, calibration: Calibration | None) -> None:
        used = calibration if calibration is not None and calibration.is_useful else None
        numbers = ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)) if used is None else used.coefficients.tolist()
        self._state = (
            numbers,
            "" if used is None else used.id,
        )  # one assignment: a frame sees the old or the new
        self._calibration = calibration

    @property
    def calibration_id(self) -> str:
        """The id of what is applied; "" for nothing (also for a calibration that was found not to help)."""
        return self._state[1]

    def apply(self, x_deg: float, y_deg: float, t_ns: int) -> tuple[float, float]:
        """The calibrated direction, degrees; see `tracking.filters.GazeFilter.apply`."""
        (ox, xx, xy), (oy, yx, yy) = self._state[0]
        return x_deg + ox + xx * x_deg + xy * y_deg, y_deg + oy + yx * x_deg + yy * y_deg

    def reset(self) -> None:
        """Nothing is remembered from frame to frame."""
