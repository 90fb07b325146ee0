"""A moving dot that the person follows: where the page drew it, and what was seen meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tinytracker.calibration.pursuit import Path, Pursued, pursue
from tinytracker.domain import GazeSample
from tinytracker.errors import UsageError

MOST_GAP_NS = 500_000_000
"""Between two places that the page drew: in a longer pause it stood still, or nobody knows where it was."""


@dataclass
class Pursuit:
    """One round. `number` tells a late message about an earlier round from one about this."""

    number: int
    samples: list[GazeSample] = field(default_factory=list)
    _t_ns: list[int] = field(default_factory=list)
    _places_cm: list[tuple[float, float]] = field(default_factory=list)

    def was_shown(self, place_cm: tuple[float, float], t_ns: int) -> None:
        """The page has drawn the dot there."""
        if not self._t_ns or t_ns > self._t_ns[-1]:
            self._t_ns.append(t_ns)
            self._places_cm.append(place_cm)

    def saw(self, sample: GazeSample) -> None:
        """A sample; those from before the dot began to move do not count."""
        if self._t_ns and sample.t_ns >= self._t_ns[0]:
            self.samples.append(sample)

    def finish(self) -> Pursued:
        """What the round says; raises UsageError, in words for the person, if it says nothing."""
        gaps_ns = [later - earlier for earlier, later in zip(self._t_ns, self._t_ns[1:], strict=False)]
        if not gaps_ns or max(gaps_ns) > MOST_GAP_NS:
            raise UsageError("the moving dot stood still for a while (was the page hidden?); follow it again")
        return pursue(Path(np.array(self._t_ns), *np.array(self._places_cm).T), self.samples)
