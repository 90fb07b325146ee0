"""A stage of your own between network and sink. This one takes the median of the last five directions.

python examples/own_filter.py me.mp4
"""

import sys
from collections import deque
from statistics import median

import tinytracker as tt


class MedianOfFive:
    """Steadier than nothing, and two frames late."""

    def __init__(self) -> None:
        self.last: deque[tuple[float, float]] = deque(maxlen=5)

    def apply(self, x_deg: float, y_deg: float, t_ns: int) -> tuple[float, float]:
        self.last.append((x_deg, y_deg))
        return median(x for x, _ in self.last), median(y for _, y in self.last)

    def reset(self) -> None:  # the gaze was lost
        self.last.clear()


if len(sys.argv) != 2:
    sys.exit(__doc__)
tracker = tt.FaceTracker(tt.open_finder(), tt.open_locator())
pipeline = tt.GazePipeline(tt.GazeModel.load("tinytracker-eyes"), tracker, stages=[MedianOfFive()])
with tt.open_source(sys.argv[1]) as source:
    for frame in source:
        sample = pipeline.process(frame)
        print(sample.reason if sample.gaze is None else f"{sample.x_deg:+.1f} {sample.y_deg:+.1f} degrees")
