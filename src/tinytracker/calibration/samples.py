"""A stretch of gaze as arrays: what the measures of events and quality take."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tinytracker.domain import GazeSample
from tinytracker.errors import UsageError

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GazeArrays:
    """n frames of gaze, in order of time.

    t_ns: int64 (n,). x_deg, y_deg: float (n,), right and up, NaN where a frame gave no gaze. distance_cm:
    float (n,) or None.
    openness: float (n,), mean of both eyes' opening over width, NaN where not measured; or None.
    Raises UsageError for unequal lengths or a time that runs backwards.

    >>> import numpy as np
    >>> GazeArrays(np.arange(3), [1.0, np.nan, 1.2], [2.0, np.nan, 2.1]).valid.tolist()
    [True, False, True]
    """

    t_ns: NDArray[np.int64]
    x_deg: Floats
    y_deg: Floats
    distance_cm: Floats | None = None
    openness: Floats | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "t_ns", np.asarray(self.t_ns, np.int64).reshape(-1))
        for name in ("x_deg", "y_deg", "distance_cm", "openness"):
            values = getattr(self, name)
            if values is None:
                continue
            values = np.asarray(values, np.float64).reshape(-1)
            if len(values) != len(self.t_ns):
                raise UsageError(f"{name} has {len(values)} values for {len(self.t_ns)} frames")
            object.__setattr__(self, name, values)
        if np.any(np.diff(self.t_ns) < 0):
            raise UsageError("frames must come in order of time; sort them by t_ns")

    @classmethod
    def of_samples(cls, samples: Iterable[GazeSample], raw: bool = False) -> Self:
        """A pipeline's samples; raw: before calibration and filter."""
        rows = list(samples)

        def column(values: Iterable[float | None]) -> Floats:
            return np.array([math.nan if value is None else value for value in values], np.float64)

        return cls(
            t_ns=np.array([row.t_ns for row in rows], np.int64),
            x_deg=column(row.raw_x_deg if raw else row.x_deg for row in rows),
            y_deg=column(row.raw_y_deg if raw else row.y_deg for row in rows),
            distance_cm=column(row.distance_cm for row in rows),
            openness=column(_openness(row) for row in rows),
        )

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Which frames have a gaze."""
        return np.asarray(np.isfinite(self.x_deg) & np.isfinite(self.y_deg))

    def __len__(self) -> int:
        return len(self.t_ns)


def as_arrays(samples: GazeArrays | Iterable[GazeSample]) -> GazeArrays:
    """Samples as arrays, whatever they came as."""
    return samples if isinstance(samples, GazeArrays) else GazeArrays.of_samples(samples)


def _openness(sample: GazeSample) -> float | None:
    if sample.face is None or sample.face.landmarks is None:
        return None
    return float(np.mean(sample.face.landmarks.openness))
