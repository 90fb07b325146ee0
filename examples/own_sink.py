"""A sink of your own: anything that can be entered, left and written to. This one counts looks to the left
and right.

python examples/own_sink.py me.mp4
"""

import sys
from collections import Counter
from typing import Self

import tinytracker as tt
from tinytracker.tracking.pipeline import run


class LeftOrRight:
    """Counts on which side of the camera the person looks."""

    def __init__(self) -> None:
        self.looks: Counter[str] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        print(", ".join(f"{side}: {count} frames" for side, count in self.looks.most_common()))

    def write(self, frame: tt.Frame, sample: tt.GazeSample) -> None:
        if sample.gaze is None:
            self.looks[sample.reason] += 1
        else:
            self.looks["right" if sample.gaze.x_cm > 0 else "left"] += 1


if len(sys.argv) != 2:
    sys.exit(__doc__)
tracker = tt.FaceTracker(tt.open_finder(), tt.open_locator())
pipeline = tt.GazePipeline(tt.GazeModel.load("tinytracker-eyes"), tracker)
with tt.open_source(sys.argv[1]) as source, LeftOrRight() as sink:
    run(pipeline, source, [sink])
