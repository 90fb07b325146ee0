"""How fast `tinytracker prepare` is, against the straightforward way to prepare GazeCapture.

    python benchmarks/prepare.py [--people 4] [--frames 300] [--jobs 2] [--recordings FOLDER]

The straightforward way: Pillow decodes each frame, cuts the three crops and writes them as JPEGs of quality 95, in one
process, as the dataset's own script does. Both ways read the same recordings of 480 x 640 frames (made on the fly unless
--recordings names some) from the same disk, in turns; the median of the turns counts. Ours ends with everything training
needs, the other one still has its crops to decode again each time. Not counted: starting workers and loading our decoder,
0.4 s once per process (and 4 s to compile it, once); no process does so before its 500th picture.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=4)
    parser.add_argument("--frames", type=int, default=300, help="per person (GazeCapture: 1659)")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--recordings", type=Path, help="measure on these instead")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        recordings = options.recordings or make_recordings(root / "recordings", options.people, options.frames)
        seconds: dict[str, list[float]] = {"straightforward": [], "tinytracker": []}
        frames = 0
        prepare(recordings, root / "warm-up", jobs=options.jobs)  # workers started, pictures in the file cache
        for turn in range(options.turns):
            started = time.perf_counter()
            kept = straightforward(recordings, root / f"theirs{turn}")
            seconds["straightforward"].append(time.perf_counter() - started)
            started = time.perf_counter()
            frames = prepare(recordings, root / f"ours{turn}", jobs=options.jobs).kept
            seconds["tinytracker"].append(time.perf_counter() - started)
            assert frames == kept, f"{frames} frames against {kept}"
            shutil.rmtree(root / f"theirs{turn}")
            shutil.rmtree(root / f"ours{turn}")
        processor_ms = {"straightforward": processor_time_ms(lambda: straightforward(recordings, root / "theirs"))}
        prepare(recordings, root / "warm-up-here")  # the decoder is loaded once per process
        processor_ms["tinytracker"] = processor_time_ms(lambda: prepare(recordings, root / "ours").kept)
    rates = {way: frames / statistics.median(times) for way, times in seconds.items()}
    print(f"{frames} frames, {options.jobs} processes on {os.cpu_count()} cores, median of {options.turns} turns")
    for way, rate in rates.items():
        print(f"{way:16} {rate:7.0f} frames/s  {processor_ms[way]:5.2f} ms of one core per frame")
    ratio = rates["tinytracker"] / rates["straightforward"]
    of_one_core = processor_ms["straightforward"] / processor_ms["tinytracker"]
    print(f"{'ratio':16} {ratio:7.1f}           {of_one_core:5.1f}")


def processor_time_ms(work: Callable[[], int]) -> float:
    """Processor time per frame of work in this process: what other processes do on the machine matters less."""
    started = time.process_time()
    frames = work()
    return (time.process_time() - started) / frames * 1000


def straightforward(recordings: Path, out: Path) -> int:
    """Prepares all recordings the simple way; returns the number of frames kept."""
    kept = 0
    for folder in sorted(recordings.iterdir()):
        files = ("appleFace", "appleLeftEye", "appleRightEye", "faceGrid", "frames", "dotInfo")
        face, left, right, grid, frames, dots = (json.loads((folder / f"{name}.json").read_text()) for name in files)
        for name in files[:3]:
            (out / folder.name / name).mkdir(parents=True)
        labels = []
        for index, frame in enumerate(frames):
            if not all(boxes["IsValid"][index] for boxes in (face, left, right, grid)):
                continue
            image = np.array(Image.open(folder / "frames" / frame).convert("RGB"))
            corner = np.array([int(face["X"][index]) - 1, int(face["Y"][index]) - 1])
            for name, boxes, growth in zip(files[:3], (face, left, right), (1, 0, 0), strict=True):
                x, y = corner if name == "appleFace" else corner + [int(boxes["X"][index]), int(boxes["Y"][index]) - 1]
                piece = padded_crop(image, x, y, int(boxes["W"][index]) + growth, int(boxes["H"][index]) + growth)
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
        write_recording(root / f"{person:05d}", DEVICES["iPhone 6"], "train", [make_frame(rng) for _ in range(frames)])
    return root


def make_frame(rng: np.random.Generator) -> RecordedFrame:
    smooth = cv2.resize(rng.integers(0, 256, (16, 12, 3), dtype=np.uint8), (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_CUBIC)
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
