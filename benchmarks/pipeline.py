"""How fast the whole runtime is on one core: a video file in, gaze out, face finding and decoding included.

    python benchmarks/pipeline.py                       the released default network on a rendered clip
    python benchmarks/pipeline.py --video me.mp4 --model tinytracker

It tracks the same frames three ways in one run: as tinytracker does; with the detector on every frame,
reduced; and with the detector on every full frame, the straightforward way. Everything, decoding too, is held
to one core. Times are CPU time of the process, the same as real time on an idle core, so that other programs
do not count; --real-time counts them.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import cv2

from tinytracker.engines.model import GazeModel
from tinytracker.faces.finder import HaarFinder, HaarSettings
from tinytracker.faces.tracker import FaceTracker, TrackerSettings
from tinytracker.tracking.assemble import open_locator
from tinytracker.tracking.filters import OneEuroFilter
from tinytracker.tracking.pipeline import GazePipeline, RunSummary, run
from tinytracker.tracking.sources import VideoSource
from tinytracker.tracking.timing import Stopwatch
from tinytracker.tracking.video import VideoWriter

EVERY_FRAME = TrackerSettings(refresh_frames=1)
FULL_FRAME = HaarSettings(long_side_px=100_000, scale_step=1.1)


def main() -> None:
    options = _parse()
    _keep_to_one_core()
    with tempfile.TemporaryDirectory() as folder:
        video = options.video or _render(Path(folder) / "clip.mp4", options.seconds)
        model = GazeModel.load(options.model)
        locator = open_locator(options.locator)
        ways = {
            "tinytracker": FaceTracker(HaarFinder(), locator),
            "without the eye locator": FaceTracker(HaarFinder()),
            "Haar on every frame, reduced": FaceTracker(HaarFinder(), settings=EVERY_FRAME),
            "Haar on every full frame": FaceTracker(HaarFinder(FULL_FRAME), settings=EVERY_FRAME),
        }
        speeds: dict[str, float] = {}
        for way, tracker in ways.items():
            pipeline = GazePipeline(model, tracker, [OneEuroFilter()])
            pipeline.watch = Stopwatch(None if options.real_time else time.process_time_ns)
            with VideoSource(video) as source:
                summary = run(pipeline, source, max_frames=options.max_frames)
            speeds[way] = _report(way, pipeline, summary)
    ratio = speeds["tinytracker"] / speeds["Haar on every full frame"]
    print(
        f"\ntinytracker: {speeds['tinytracker']:.0f} frames/s on one core, {ratio:.1f} x Haar on every full "
        f"frame"
    )


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--video", type=Path, help="a video file; default: a rendered clip of 640 x 480")
    parser.add_argument("--model", default="tinytracker-eyes", help="a released network's name or a file")
    parser.add_argument("--locator", help="an eye locator's file; default: the released one")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of the rendered clip")
    parser.add_argument(
        "--real-time", action="store_true", help="time by the clock on the wall, not by CPU time"
    )
    parser.add_argument("--max-frames", type=int, help="stop each run after so many frames")
    return parser.parse_args()


def _keep_to_one_core() -> None:
    cv2.setNumThreads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def _render(path: Path, seconds: float) -> Path:
    from tinytracker.synthetic.clip import Clip

    with VideoWriter(path) as video:
        for moment in Clip(seconds=seconds, frames_per_second=30):
            video.write_picture(moment.frame.image, moment.frame.t_ns)
    return path


def _report(way: str, pipeline: GazePipeline, summary: RunSummary) -> float:
    speed = pipeline.watch.frames_per_second()
    print(f"\n{way}: {summary.frames} frames, {summary.valid} with a gaze, {speed:.0f} frames/s")
    print(f"{'stage':<10}{'frames':>8}{'median ms':>12}{'p95 ms':>10}{'mean ms over all':>18}")
    for row in pipeline.watch.stages():
        print(
            f"{row.stage:<10}{row.runs:>8}{row.median_ms:>12.2f}{row.p95_ms:>10.2f}{row.per_frame_ms:>18.2f}"
        )
    return speed


if __name__ == "__main__":
    main()
