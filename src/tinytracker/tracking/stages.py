"""What may happen to a gaze between the network and the sinks: calibration, smoothing, whatever else has
this protocol."""

from __future__ import annotations

from typing import Protocol


class GazeStage(Protocol):
    """Turns a direction of gaze into a better one; a pipeline runs its stages in order, frame by frame.

    class Shift:
        def apply(self, x_deg: float, y_deg: float, t_ns: int) -> tuple[float, float]:
            return x_deg, y_deg - 2.0

        def reset(self) -> None: ...

    pipeline = GazePipeline(model, tracker, stages=[Shift(), OneEuroFilter()])
    """

    def apply(self, x_deg: float, y_deg: float, t_ns: int) -> tuple[float, float]:
        """The direction after this stage, in degrees as in `GazeSample`; t_ns never runs backwards."""
        ...

    def reset(self) -> None:
        """The gaze was lost: forget what came before it."""
        ...
