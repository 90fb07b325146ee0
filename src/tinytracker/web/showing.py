"""Dots being shown, one after the other: which is next, what was seen at each, which must come again.

The page shows the dot that `current` says and tells when it is there (`was_shown`); the tracking thread
brings samples (`saw`). The state is here, not in the page: reloaded in the middle, it goes on at the same
dot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from tinytracker.calibration.dots import SETTLE_NS, Dot, refusal, summarise
from tinytracker.calibration.layouts import Place
from tinytracker.domain import GazeSample

Purpose = Literal["calibration", "check", "recentre"]
Pace = Literal["auto", "space"]

ENOUGH_FRAMES = 15
FEWEST_FRAMES = 10  # a dot with fewer is refused (`calibration.dots.DotRules`)
COLLECT_NS = 1_500_000_000
LONGEST_NS = 4_000_000_000  # so long until there are FEWEST_FRAMES with a gaze
SLOWEST_NS = 12_000_000_000  # and so long where a slow camera has not even given ENOUGH_FRAMES of any kind
BEFORE_KEY_NS = 700_000_000  # of what was seen before the person's key, so much counts
LEFT_OUT = "left out: "  # of a dot that was shown twice in vain
CENTIMETRES = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Look:
    """A dot that was on the screen from t_ns on, for duration_ms, its middle at screen_px."""

    t_ns: int
    duration_ms: float
    screen_px: tuple[float, float]


@dataclass
class _Showing:
    """The dot on the screen. x_px, y_px: its middle; t_shown_ns: None until the page has shown it. key_ns:
    when the person accepted it."""

    place: Place
    again: bool = False
    place_cm: CENTIMETRES = (0.0, 0.0)
    screen_px: tuple[float, float] = (0.0, 0.0)
    t_shown_ns: int | None = None
    key_ns: int | None = None
    samples: list[GazeSample] = field(default_factory=list)


class DotShow:
    """One round of dots.

    pace: "auto" takes a dot once the eyes have rested on it; "space" waits for the person's key. Refused
    dots come again at the end, once. `refused` holds the reasons in words, `looks` every dot that was on the
    screen, refused or not.
    """

    def __init__(self, purpose: Purpose, places: Sequence[Place], pace: Pace = "auto") -> None:
        self.purpose = purpose
        self.places = tuple(places)
        self.pace = pace
        self.refused: list[str] = []
        self.looks: list[Look] = []
        self._waiting = [_Showing(place) for place in places]
        self.taken: dict[Place, Dot] = {}
        self._number = 0

    @property
    def current(self) -> _Showing | None:
        """The dot to be shown now; None when all are done."""
        return self._waiting[0] if self._waiting else None

    @property
    def number(self) -> int:
        """Grows with every dot shown: tells a late message about the last dot from one about this."""
        return self._number

    @property
    def left(self) -> int:
        return len(self._waiting)

    @property
    def dots(self) -> list[Dot]:
        """The dots that were taken, in the order of their places."""
        return [self.taken[place] for place in self.places if place in self.taken]

    def was_shown(
        self, number: int, screen_px: tuple[float, float], place_cm: CENTIMETRES, t_ns: int
    ) -> None:
        """The page shows dot `number` since t_ns; a message about another dot is passed over, and so is a
        second one."""
        if self.current is None or number != self._number or self.current.t_shown_ns is not None:
            return
        self.current.screen_px, self.current.place_cm, self.current.t_shown_ns = screen_px, place_cm, t_ns
        self.current.samples.clear()

    def show_anew(self) -> None:
        """The page was reloaded or the window changed: the dot at hand begins again."""
        if self.current is not None:
            self._waiting[0] = _Showing(self.current.place, self.current.again)
            self._number += 1

    def accept(self, t_ns: int) -> None:
        """The person's key: I am looking at it."""
        if self.current is not None and self.current.t_shown_ns is not None and self.current.key_ns is None:
            self.current.key_ns = t_ns

    def saw(self, sample: GazeSample) -> bool:
        """A sample; says whether the dot is done with it, so that the next one is to be shown, or all are."""
        dot = self.current
        if dot is None or dot.t_shown_ns is None or sample.t_ns < dot.t_shown_ns:
            return False
        dot.samples.append(sample)
        if not self._is_enough(dot, sample.t_ns):
            return False
        self._take(dot)
        return True

    def stop(self) -> None:
        """Shows no more; what was taken stays."""
        self._waiting.clear()

    def _is_enough(self, dot: _Showing, now_ns: int) -> bool:
        assert dot.t_shown_ns is not None
        if self.pace == "space" and dot.key_ns is None:
            return False
        first_ns = dot.t_shown_ns + SETTLE_NS
        if dot.key_ns is not None and self.pace == "space":
            first_ns = max(first_ns, dot.key_ns - BEFORE_KEY_NS)
        counted = [sample for sample in dot.samples if sample.t_ns >= first_ns]
        valid = sum(sample.is_valid for sample in counted)
        if dot.key_ns is not None and valid >= FEWEST_FRAMES:
            return True
        if valid >= ENOUGH_FRAMES:
            return True
        elapsed_ns = now_ns - max(first_ns, dot.key_ns or 0)
        if elapsed_ns >= COLLECT_NS and valid >= FEWEST_FRAMES:
            return True
        return elapsed_ns >= (LONGEST_NS if len(counted) >= ENOUGH_FRAMES else SLOWEST_NS)

    def _take(self, dot: _Showing) -> None:
        self._waiting.pop(0)
        self._number += 1
        samples = dot.samples
        assert dot.t_shown_ns is not None
        self.looks.append(Look(dot.t_shown_ns, (samples[-1].t_ns - dot.t_shown_ns) / 1e6, dot.screen_px))
        if self.pace == "space" and dot.key_ns is not None:
            samples = [sample for sample in samples if sample.t_ns >= dot.key_ns - BEFORE_KEY_NS]
        taken = Dot.of_samples(*dot.place_cm, samples, dot.t_shown_ns, dot.screen_px)
        why = refusal(taken, [summarise(other) for other in self.dots])
        if why and not dot.again:
            self.refused.append(why)
            self._waiting.append(_Showing(dot.place, again=True))
        elif not why:
            self.taken[dot.place] = taken
        else:
            self.refused.append(f"{LEFT_OUT}{why}")
