"""Where the time of a frame goes: a stopwatch per stage, summed up as median and 95th percentile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class StageTime:
    """How long one stage took: median and 95th percentile over the times it ran, and its mean share of a
    frame.

    runs: how often it ran. per_frame_ms: total time over all frames of the stopwatch, so rare stages weigh
    little.
    """

    stage: str
    runs: int
    median_ms: float
    p95_ms: float
    per_frame_ms: float


class Stopwatch:
    """Collects the time of named stages. Stages that run twice in a frame add up to one entry for that frame.

        for frame in source:
            watch.start_frame()
            with watch.stage("face"):
                ...
            watch.finish_frame()

    `total` is what lies between start and finish, stages and everything between them. clock: nanoseconds; by
    default real time, `time.process_time_ns` leaves out what other programs took.
    """

    def __init__(self, clock: Callable[[], int] | None = None) -> None:
        self._clock = clock or time.perf_counter_ns
        self._began_ns = 0
        self._current_ns: dict[str, int] = {}
        self._stages_ns: dict[str, list[int]] = {}
        self._totals_ns: list[int] = []

    @property
    def frames(self) -> int:
        return len(self._totals_ns)

    def start_frame(self) -> None:
        """Begins a frame; what was timed since the last finished one is forgotten."""
        self._current_ns.clear()
        self._began_ns = self._clock()

    def finish_frame(self) -> None:
        """Books the frame and its stages."""
        self._totals_ns.append(self._clock() - self._began_ns)
        for stage, nanoseconds in self._current_ns.items():
            self._stages_ns.setdefault(stage, []).append(nanoseconds)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Times one stage of the current frame."""
        began = self._clock()
        yield
        self._current_ns[name] = self._current_ns.get(name, 0) + self._clock() - began

    def stages(self) -> list[StageTime]:
        """One StageTime per stage, in the order in which they first ran, and `total` last."""
        rows = [_stage_time(name, times, self.frames) for name, times in self._stages_ns.items()]
        if self._totals_ns:
            rows.append(_stage_time("total", self._totals_ns, self.frames))
        return rows

    def frames_per_second(self, without: str = "") -> float:
        """Frames over the time between their starts and finishes, less that of one stage; 0 before the
        first one."""
        spent_ns = sum(self._totals_ns) - sum(self._stages_ns.get(without, ()))
        return 1e9 * self.frames / spent_ns if self._totals_ns else 0.0


def _stage_time(stage: str, times_ns: list[int], frames: int) -> StageTime:
    milliseconds = np.asarray(times_ns) / 1e6
    return StageTime(
        stage=stage,
        runs=len(times_ns),
        median_ms=float(np.median(milliseconds)),
        p95_ms=float(np.percentile(milliseconds, 95)),
        per_frame_ms=float(milliseconds.sum() / max(frames, 1)),
    )
