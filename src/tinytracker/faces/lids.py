"""Whether somebody's eyes are shut, frame after frame: by both eyes together, and by how far this person's
eyes are open usually, and were just now.

One limit for everybody either lets blinks pass or refuses people with narrow eyes that look down: openness of
open eyes differs by a factor of two between people. What is usual is learnt while somebody is seen, from
frames in which the eyes are not shut.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from tinytracker.domain import EyeLandmarks
from tinytracker.faces.eyes import CLOSED_OPENNESS


@dataclass(frozen=True, slots=True)
class LidSettings:
    """closed: eyes less open than this are shut, of somebody of whom nothing is known yet. share: eyes less
    open than this share of what is usual are shut; fallen: so are those less open than this share of what
    they just were. The limit stays within `least` and `most`, whatever follows from the shares. memory,
    lately: over how many frames something is usual, was just now; enough: how many it takes to be usual.

    Chosen on 24 rendered people of seed 24 (benchmarks/blinks.py has others)."""

    closed: float = CLOSED_OPENNESS
    share: float = 0.35
    fallen: float = 0.6
    least: float = 0.05
    most: float = 0.10
    memory: int = 600
    lately: int = 8
    enough: int = 15


FEW_LATELY = 3


class Lids:
    """Of one person, frame after frame.

    >>> lids = Lids()
    >>> def eyes(openness: float) -> EyeLandmarks:
    ...     return EyeLandmarks(np.zeros((2, 2, 2)), np.zeros((2, 2)), np.full(2, openness))
    >>> [lids.are_shut(eyes(openness)) for openness in (0.2, 0.01, 0.2)]
    [False, True, False]
    """

    def __init__(self, settings: LidSettings | None = None) -> None:
        self.settings = settings or LidSettings()
        self.reset()

    def reset(self) -> None:
        """Somebody else may be seen now."""
        self._usually: deque[float] = deque(maxlen=self.settings.memory)
        self._lately: deque[float] = deque(maxlen=self.settings.lately)

    @property
    def limit(self) -> float:
        """Below it the next frame's eyes are shut."""
        settings, limits = self.settings, [self.settings.least]
        if len(self._usually) >= settings.enough:
            limits.append(settings.share * float(np.median(self._usually)))
        else:
            limits.append(settings.closed)
        if len(self._lately) >= FEW_LATELY:
            limits.append(settings.fallen * float(np.median(self._lately)))
        return min(max(limits), settings.most)

    def are_shut(self, landmarks: EyeLandmarks) -> bool:
        """Whether both eyes are shut in the next frame. One shut eye is a wink: the other is enough to look
        with."""
        openness = float(np.mean(landmarks.openness))
        shut = openness < self.limit
        # What is refused may be somebody's narrow eyes, or eyes cast down at once: it counts, or the limit
        # would never come down to them.
        if openness >= self.settings.least:
            self._usually.append(openness)
            self._lately.append(openness)
        return shut
