"""A network inside Sony's image sensor, emulated: a row per frame, each gaze with the lag of the real chain.

tinytracker export runs/imx/best.safetensors --target imx500 --data dataset --out exported
python examples/simulate_the_sensor.py me.mp4 exported gaze.csv
"""

import sys
from pathlib import Path

from tinytracker.targets.imx500.chip.sensor import mode_named
from tinytracker.targets.imx500.running.network import load_exported
from tinytracker.targets.imx500.simulated import LagSettings, track_video
from tinytracker.targets.target import Caller

if len(sys.argv) != 4:
    sys.exit(__doc__)
video, exported, rows = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
caller = Caller(say=lambda told: print(told) if isinstance(told, str) else None)
track_video(load_exported(exported), mode_named("binned"), video, LagSettings(frames=2), rows, caller)
