"""What a run came to, in words and a table, for whoever shows it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tinytracker.results import Table
from tinytracker.tracking.pipeline import RunSummary
from tinytracker.tracking.timing import Stopwatch


def summary_of(
    watch: Stopwatch, summary: RunSummary, written: Sequence[Path] = (), emulated: str = ""
) -> Iterator[str | Table]:
    """Frames, valid ones, why not the others, faces, the time of each stage, frames per second, and the files
    written. emulated: what this computer stands in for, whose own speed the frames per second are not."""
    share = f"{100 * summary.valid / summary.frames:.0f} %" if summary.frames else "none"
    reasons = "".join(f", {count} {reason}" for reason, count in summary.reasons.most_common())
    yield f"{summary.frames} frames, {summary.valid} with a gaze ({share}){reasons}"
    if summary.most_faces > 1:
        yield f"up to {summary.most_faces} faces at once: the largest was chosen and then followed"
    yield from summary.notes
    if watch.frames:
        yield stage_table(watch)
        speed, bare = watch.frames_per_second(), watch.frames_per_second(without="write")
        if emulated:
            yield f"{speed:.0f} frames/s: how fast this computer emulates {emulated}, not how fast that is"
        else:
            yield f"{speed:.0f} frames/s; {bare:.0f} without writing files"
    for path in written:
        yield f"written: {path}"


def stage_table(watch: Stopwatch) -> Table:
    """Median and 95th percentile of each stage."""
    columns = ("stage", "frames", "median ms", "p95 ms", "mean ms over all frames")
    rows = [
        (row.stage, str(row.runs), f"{row.median_ms:.2f}", f"{row.p95_ms:.2f}", f"{row.per_frame_ms:.2f}")
        for row in watch.stages()
    ]
    return Table("Time per frame", columns, rows, numbers=range(1, len(columns)))
