"""A whole video -> a table with a row per frame, valid or with the reason why not.

python examples/video_to_parquet.py me.mp4 gaze.parquet
"""

import sys
from pathlib import Path

import tinytracker as tt
from tinytracker.tracking.filters import OneEuroFilter
from tinytracker.tracking.pipeline import run
from tinytracker.tracking.sinks import ParquetSink

if len(sys.argv) != 3:
    sys.exit(__doc__)
tracker = tt.FaceTracker(tt.open_finder(), tt.open_locator())
pipeline = tt.GazePipeline(tt.GazeModel.load("tinytracker-eyes"), tracker, stages=[OneEuroFilter()])

with tt.open_source(sys.argv[1]) as source, ParquetSink(Path(sys.argv[2])) as rows:
    summary = run(pipeline, source, [rows])
print(f"{summary.valid} of {summary.frames} frames have a gaze; wrote {sys.argv[2]}")
