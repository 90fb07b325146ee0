"""Collecting a dot while it is shown: how far it is, when it is done, and whether it must be shown again."""

from __future__ import annotations

from collections.abc import Sequence

from tinytracker.calibration.dots import Dot, DotRules, DotSummary, refusal, used_frames
from tinytracker.domain import GazeSample

ENOUGH_FRAMES = 15
"""A dot is done after so many frames with a gaze, or after `MOST_NS`."""
MOST_NS = 2_000_000_000


class DotCollector:
    """Takes a pipeline's samples from the moment a dot is shown.

    collector = DotCollector(x_cm, y_cm, t_shown_ns)
    while not collector.is_done:
        collector.add(pipeline.process(next(frames)))
    reason = collector.refusal(accepted)  # "": collector.dot() is good

    >>> collector = DotCollector(3.0, -8.0, t_shown_ns=0)
    >>> collector.is_done, collector.share, collector.refusal()
    (False, 0.0, 'the camera took no frame while it was shown')
    """

    def __init__(
        self, x_cm: float, y_cm: float, t_shown_ns: int, screen_px: tuple[float, float] | None = None
    ) -> None:
        """x_cm, y_cm: the dot in prediction space. t_shown_ns: when it appeared, on the clock of the samples'
        t_ns."""
        self.x_cm, self.y_cm = x_cm, y_cm
        self.t_shown_ns = t_shown_ns
        self.screen_px = screen_px
        self._samples: list[GazeSample] = []

    def add(self, sample: GazeSample) -> None:
        """Takes one frame's sample; one from before the dot appeared is left out."""
        if sample.t_ns >= self.t_shown_ns:
            self._samples.append(sample)

    def dot(self) -> Dot:
        """The dot as it stands."""
        return Dot.of_samples(self.x_cm, self.y_cm, self._samples, self.t_shown_ns, self.screen_px)

    @property
    def frames(self) -> int:
        """Frames that count so far."""
        return int(used_frames(self.dot()).sum())

    @property
    def is_done(self) -> bool:
        """Enough frames, or too long a wait for them."""
        if not self._samples:
            return False
        return self.frames >= ENOUGH_FRAMES or self._samples[-1].t_ns - self.t_shown_ns >= MOST_NS

    @property
    def share(self) -> float:
        """How far it is, 0 to 1."""
        return min(1.0, self.frames / ENOUGH_FRAMES)

    def refusal(self, others: Sequence[DotSummary] = (), rules: DotRules | None = None) -> str:
        """Why it must be shown again; "" if it is good. others: the dots accepted so far."""
        return refusal(self.dot(), others, rules)
