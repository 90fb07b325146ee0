"""How fast people are rendered, per core: face crops of 112 px with 2 x 2 samples a pixel, and whole 640 x
480 frames.

    OMP_NUM_THREADS=1 python benchmarks/synthetic.py
    OMP_NUM_THREADS=1 python benchmarks/synthetic.py --ict-path ICT-FaceKit/FaceXModel

Everything is included that a recording needs of a frame (posing, rendering, noise, tone curve); JPEG is a row
of its own. CPU time of one process with one thread, so that other work on the machine matters less; the first
person of a process, who waits for what numba keeps compiled to be loaded, has a row of its own; the first
frame of each session, which meters the light, is not timed. Targets: 100 crops/s, 25 frames/s.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from tinytracker.synthetic.head_kinds import HEAD_KINDS
from tinytracker.synthetic.session import Session, SyntheticFrame
from tinytracker.synthetic.writer import SynthOptions, session_of

CROP_PX, SUPERSAMPLING = 112, 2


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ict-path", type=Path, help="ICT-FaceKit: adds rows for its heads")
    parser.add_argument("--people", type=int, default=8)
    parser.add_argument("--frames", type=int, default=12, help="per person")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)

    table = Table("heads", "what", "per second", "median ms", "p95 ms", title="Rendering, one core")
    for heads in HEAD_KINDS if arguments.ict_path else ("makehuman",):
        started = time.process_time()
        session_of(SynthOptions(0, 1, heads), arguments.people, arguments.ict_path)
        table.add_row(
            heads, "first person of a process", "", f"{(time.process_time() - started) * 1e3:.1f}", ""
        )
        started = time.process_time()
        sessions = [
            session_of(SynthOptions(0, 1, heads), index, arguments.ict_path)
            for index in range(arguments.people)
        ]
        per_person_ms = (time.process_time() - started) / len(sessions) * 1e3
        table.add_row(heads, "making a person", f"{1e3 / per_person_ms:.1f}", f"{per_person_ms:.1f}", "")
        table.add_row(
            heads,
            f"crop {CROP_PX} px, {SUPERSAMPLING} x {SUPERSAMPLING}",
            *figures(timed(sessions, arguments.frames, crop)),
        )
        table.add_row(
            heads, "frame 640 x 480", *figures(timed(sessions, arguments.frames, SyntheticFrame.image))
        )
        table.add_row(
            heads, "frame 640 x 480, JPEG", *figures(timed(sessions, arguments.frames, SyntheticFrame.jpeg))
        )
    Console().print(table)


def crop(frame: SyntheticFrame) -> np.ndarray | None:
    return frame.crop(frame.boxes.face, CROP_PX, SUPERSAMPLING) if frame.boxes else None


def timed(sessions: list[Session], frames: int, render: Callable[[SyntheticFrame], object]) -> np.ndarray:
    """Milliseconds of every frame that shows a face, taking it included."""
    times_ms = []
    for session in sessions:
        render(session.frame())
        for _ in range(frames):
            started = time.process_time()
            if render(session.frame()) is not None:
                times_ms.append((time.process_time() - started) * 1e3)
    return np.array(times_ms)


def figures(times_ms: np.ndarray) -> tuple[str, str, str]:
    median, p95 = np.percentile(times_ms, [50, 95])
    return f"{1e3 / times_ms.mean():.0f}", f"{median:.1f}", f"{p95:.1f}"


if __name__ == "__main__":
    main()
