"""One picture -> where that person looks, in cm from the camera.

python examples/gaze_from_a_picture.py me.jpg
"""

import sys

import tinytracker as tt

if len(sys.argv) != 2:
    sys.exit(__doc__)
tracker = tt.FaceTracker(tt.open_finder(), tt.open_locator())
pipeline = tt.GazePipeline(tt.GazeModel.load("tinytracker-eyes"), tracker)

with tt.open_source(sys.argv[1]) as source:
    for frame in source:
        sample = pipeline.process(frame)
        if sample.gaze is None:
            print(f"{frame.name}: no gaze, {sample.reason}")
        else:
            print(
                f"{frame.name}: {sample.gaze.x_cm:+.1f} cm right of the camera, {sample.gaze.y_cm:+.1f} cm "
                f"above it"
            )
