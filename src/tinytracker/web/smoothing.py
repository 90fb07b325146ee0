"""The filter of a sitting, which the page may exchange while frames come."""

from __future__ import annotations

from tinytracker.tracking.filters import make_filter
from tinytracker.tracking.stages import GazeStage

NONE = "none"


class SmoothingStage:
    """A stage that passes gaze to the filter of a name (`tracking.filters.FILTERS`), or through unchanged
    ("none")."""

    def __init__(self, name: str = "default") -> None:
        self.use(name)

    def use(self, name: str) -> None:
        """Another filter from the next frame on; it knows nothing of what came before."""
        self._filter: GazeStage | None = None if name == NONE else make_filter(name)
        self.name = name

    def apply(self, x_deg: float, y_deg: float, t_ns: int) -> tuple[float, float]:
        """See GazeStage.apply."""
        stage = self._filter
        return (x_deg, y_deg) if stage is None else stage.apply(x_deg, y_deg, t_ns)

    def reset(self) -> None:
        if self._filter is not None:
            self._filter.reset()
