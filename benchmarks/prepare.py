"""How fast `tinytracker prepare` is, against the straightforward way to prepare GazeCapture.

    python benchmarks/prepare.py [--people 4] [--frames 300] [--jobs 2] [--turns 3] [--recordings FOLDER]

The straightforward way: Pillow decodes each frame, cuts the three crops and writes them as JPEGs of quality
95, in one process, as the dataset's own script does. Ours ends with everything training needs, the other one
still has its crops to decode again each time. Both read the same recordings of 480 x 640 frames (made on the
fly, 45 kB each, unless --recordings names some) from the same disk, in turns, each turn in a process of its
own, after a first run that is not counted: imports, starting workers, pictures into the file cache. Two
ratios are printed, of medians over the turns:

    by the clock       frames per second, ours with --jobs processes; for a machine with nothing else to do
    by the processor   processor time (user + system) per frame, both in one process, times --jobs: what the
                       clock would say if each process had a core to itself
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from tinytracker.data.prepare import prepare
from tinytracker.data.recording import RecordedFrame, write_recording
from tinytracker.devices import DEVICES
from tinytracker.domain import Box

WIDTH_PX, HEIGHT_PX = 480, 640


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=4)
    parser.add_argument("--frames", type=int, default=300, help="per person (GazeCapture: 1659)")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--recordings", type=Path, help="measure on these instead")
    parser.add_argument(
        "--measure", type=int, help=argparse.SUPPRESS
    )  # what a turn's own process is started with
    options = parser.parse_args()
    if options.measure is not None:
        print(json.dumps(measure(options.recordings, options.measure)))
        return
    measured: dict[int, list[tuple[int, float, float]]] = {0: [], 1: [], options.jobs: []}
    with tempfile.TemporaryDirectory() as folder:
        recordings = options.recordings or make_recordings(
            Path(folder) / "recordings", options.people, options.frames
        )
        for _ in range(options.turns):
            for jobs, results in measured.items():
                command = [sys.executable, __file__, "--measure", str(jobs), "--recordings", str(recordings)]
                answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
                results.append(tuple(json.loads(answer)))
    (frames,) = {frames for results in measured.values() for frames, _, _ in results}
    clock_s = {
        jobs: statistics.median(seconds for _, seconds, _ in results) for jobs, results in measured.items()
    }
    processor_s = {
        jobs: statistics.median(seconds for _, _, seconds in results) for jobs, results in measured.items()
    }
    print(f"{frames} frames, {os.cpu_count()} cores, median of {options.turns} turns")
    for way, jobs in (("straightforward, 1 process", 0), ("tinytracker, 1 process", 1)):
        per_frame_ms = processor_s[jobs] / frames * 1000
        print(
            f"{way:28} {frames / clock_s[jobs]:6.0f} frames/s {per_frame_ms:6.2f} ms of processor per frame"
        )
    print(f"{f'tinytracker, {options.jobs} processes':28} {frames / clock_s[options.jobs]:6.0f} frames/s")
    print(f"{'ratio by the clock':28} {clock_s[0] / clock_s[options.jobs]:6.1f}")
    print(f"{'ratio by the processor':28} {processor_s[0] / processor_s[1] * options.jobs:6.1f}")


def measure(recordings: Path, jobs: int) -> tuple[int, float, float]:
    """Frames kept, seconds by the clock, and this process's own seconds of processor; jobs 0: the
    straightforward way."""
    with tempfile.TemporaryDirectory() as folder:
        for out in (Path(folder) / "not counted", Path(folder) / "counted"):
            clock, processor = time.perf_counter(), processor_seconds()
            kept = prepare(recordings, out, jobs=jobs).kept if jobs else straightforward(recordings, out)
            clock, processor = time.perf_counter() - clock, processor_seconds() - processor
    return kept, clock, processor


def processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def straightforward(recordings: Path, out: Path) -> int:
    """Prepares all recordings the simple way; returns the number of frames kept."""
    kept = 0
    for folder in sorted(recordings.iterdir()):
        files = ("appleFace", "appleLeftEye", "appleRightEye", "faceGrid", "frames", "dotInfo")
        face, left, right, grid, frames, dots = (
            json.loads((folder / f"{name}.json").read_text()) for name in files
        )
        for name in files[:3]:
            (out / folder.name / name).mkdir(parents=True)
        labels = []
        for index, frame in enumerate(frames):
            if not all(boxes["IsValid"][index] for boxes in (face, left, right, grid)):
                continue
            image = np.array(Image.open(folder / "frames" / frame).convert("RGB"))
            corner = np.array([int(face["X"][index]) - 1, int(face["Y"][index]) - 1])
            for name, boxes, growth in zip(files[:3], (face, left, right), (1, 0, 0), strict=True):
                x, y = (
                    corner
                    if name == "appleFace"
                    else corner + [int(boxes["X"][index]), int(boxes["Y"][index]) - 1]
                )
                piece = padded_crop(
                    image, x, y, int(boxes["W"][index]) + growth, int(boxes["H"][index]) + growth
                )
                Image.fromarray(piece).save(out / folder.name / name / frame, quality=95)
            labels.append((index, dots["XCam"][index], dots["YCam"][index]))
            kept += 1
        (out / folder.name / "labels.json").write_text(json.dumps(labels))
    return kept


def padded_crop(image: np.ndarray, x: int, y: int, width: int, height: int) -> np.ndarray:
    crop = np.zeros((height, width, 3), np.uint8)
    left, top = max(x, 0), max(y, 0)
    inside = image[top : max(y + height, 0), left : max(x + width, 0)]
    crop[top - y : top - y + inside.shape[0], left - x : left - x + inside.shape[1]] = inside
    return crop


def make_recordings(root: Path, people: int, frames: int) -> Path:
    """Recordings with pictures of GazeCapture's size and weight (about 60 kB), faces of 200 to 300 px."""
    for person in range(people):
        rng = np.random.default_rng(person)
        write_recording(
            root / f"{person:05d}", DEVICES["iPhone 6"], "train", [make_frame(rng) for _ in range(frames)]
        )
    return root


def make_frame(rng: np.random.Generator) -> RecordedFrame:
    smooth = cv2.resize(
        rng.integers(0, 256, (16, 12, 3), dtype=np.uint8),
        (WIDTH_PX, HEIGHT_PX),
        interpolation=cv2.INTER_CUBIC,
    )
    grain = rng.normal(0, 4, smooth.shape)
    image = np.clip(smooth + grain, 0, 255).astype(np.uint8)
    side = float(rng.integers(200, 300))
    x, y = float(rng.integers(0, WIDTH_PX - side)), float(rng.integers(80, HEIGHT_PX - side))
    eye = side * 0.3
    return RecordedFrame(
        jpeg=cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes(),
        width_px=WIDTH_PX,
        height_px=HEIGHT_PX,
        face=Box(x, y, side, side),
        left_eye=Box(x + side * 0.55, y + side * 0.2, eye, eye),
        right_eye=Box(x + side * 0.15, y + side * 0.2, eye, eye),
        dot_number=0,
        dot_x_points=float(rng.uniform(0, 375)),
        dot_y_points=float(rng.uniform(0, 667)),
        time_s=0.5,
        orientation=1,
    )


if __name__ == "__main__":
    main()
