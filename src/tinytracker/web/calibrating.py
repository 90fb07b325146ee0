"""A person's way through the dots: shown, fitted, checked on others, kept or not; and re-centred later by
one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinytracker.calibration.calibration import Calibration
from tinytracker.calibration.check import Check
from tinytracker.calibration.conditions import Conditions
from tinytracker.calibration.dots import Dot, summarise
from tinytracker.calibration.drift import ANOTHER_START, SAME_RUN
from tinytracker.calibration.layouts import check_layout, layout
from tinytracker.calibration.prior import Prior
from tinytracker.calibration.pursuit import PURSUIT_S, figure_of_eight
from tinytracker.calibration.stage import CalibrationStage
from tinytracker.domain import GazeSample
from tinytracker.errors import UsageError
from tinytracker.web.pursuing import Pursuit
from tinytracker.web.showing import LEFT_OUT, DotShow, Pace, Purpose

MIDDLE = (0.5, 0.5)
DOTS_REDONE = 2
PLACES = 181  # that a moving dot's path is told by
FAR_OFF = 2.0  # times the expected error: more, at the very dot, is no drift that one dot sets right

Tell = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Recentred:
    """What one dot changed: the error at it before and after, degrees."""

    before_deg: float
    after_deg: float


class Calibrating:
    """The calibration in force (`stage`), the one being made, and the dots that are shown for it.

    conditions: what a calibration made now would hold for. tell: how pages are told; the messages are
    documented at the methods that send them. size_is_known: whether the screen's size is more than a guess.
    """

    def __init__(
        self,
        stage: CalibrationStage,
        prior: Prior,
        conditions: Callable[[], Conditions],
        tell: Tell,
        rng: np.random.Generator,
        size_is_known: Callable[[], bool] = lambda: True,
    ) -> None:
        self.stage = stage
        self.prior = prior
        self.show: DotShow | None = None
        self.pursuit: Pursuit | None = None
        self.candidate: Calibration | None = None
        self.check: Check | None = None
        self.kept_ns: int | None = None
        self._conditions = conditions
        self._tell = tell
        self._rng = rng
        self._size_is_known = size_is_known
        self._dots: dict[tuple[float, float], Dot] = {}
        self._count = 5
        self._pursuits = 0
        self._pace: Pace = "auto"
        self._before_recentring: list[Calibration | None] = []
        self._is_of_now = False  # the candidate, by its dots
        self._new_sitting = SAME_RUN

    def begin(self, dots: int, pace: Pace) -> None:
        """A new calibration of 1, 3, 5, 9 or 13 dots."""
        places = layout(dots)
        self._count, self._pace = dots, pace
        self._dots.clear()
        self.candidate = self.check = None
        self._begin("calibration", places)

    def begin_pursuit(self) -> None:
        """A new calibration, by a dot that moves.

        Tells {"type": "pursuit", number, seconds, path: [[x, y], ...] (shares of the page, evenly in time)}.
        """
        self.show = None
        self._dots.clear()
        self.candidate = self.check = None
        self._pursuits += 1
        self.pursuit = Pursuit(self._pursuits)
        x, y = figure_of_eight(np.linspace(0, 1, PLACES))
        self._tell(
            {
                "type": "pursuit",
                "number": self.pursuit.number,
                "seconds": PURSUIT_S,
                "path": np.stack([x, y], axis=1).round(5).tolist(),
            }
        )

    def end_pursuit(self) -> None:
        """The dot has come to its end; tells {"type": "fitted" | "dots_failed", ...} as dots do."""
        pursuit, self.pursuit = self.pursuit, None
        if pursuit is None:
            return
        try:
            pursued = pursuit.finish()
            self._fit_to(pursued.dots, pursued.refused)
        except UsageError as error:
            self._tell({"type": "dots_failed", "purpose": "calibration", "why": str(error)})

    def begin_check(self, thorough: bool) -> None:
        """Four other dots, or eight."""
        if self.candidate is None and self.stage.calibration is None:
            raise UsageError("there is no calibration to check; do the dots first")
        used = self.stage.calibration
        is_moved = used is not None and self.candidate is not None and bool(used.recentrings)
        if self.candidate is None or is_moved:
            self.candidate, self._is_of_now = used, False
        self._begin("check", check_layout(8 if thorough else 4, self._rng))

    def redo_worst(self) -> None:
        """Shows the dots again that fit least, then all is fitted anew."""
        if self.candidate is None or not self._dots:
            raise UsageError("there are no dots to redo; calibrate first")
        places = list(self._dots)
        worst = self.candidate.worst_dots(len(self.candidate.dots))  # those of the check lie behind
        self._begin("calibration", [places[index] for index in worst if index < len(places)][:DOTS_REDONE])

    def begin_recentring(self) -> None:
        """One dot in the middle."""
        self._begin("recentre", [MIDDLE])

    def keep(self) -> None:
        """Uses the calibration that was made and checked."""
        if self.candidate is None:
            raise UsageError("there is no calibration to keep; do the dots first")
        if self.check is not None and not self.check.helps:
            raise UsageError(
                "this calibration does not help, so it is not used; calibrate again or go on without"
            )
        self.stage.calibration = self.candidate.with_check(self.check)
        self.kept_ns, self._new_sitting = time.monotonic_ns(), SAME_RUN
        self._before_recentring.clear()

    def use_none(self) -> None:
        """Goes on without a calibration."""
        self.stage.calibration = None
        self.candidate = self.check = self.kept_ns = None
        self._before_recentring.clear()

    def use(self, calibration: Calibration) -> None:
        """Uses one from a file: of another sitting, until a dot tells."""
        self.stage.calibration = calibration.carried_over()
        self.kept_ns, self._new_sitting = time.monotonic_ns(), ANOTHER_START
        self._before_recentring.clear()

    @property
    def can_undo(self) -> bool:
        return bool(self._before_recentring)

    def undo_recentring(self) -> None:
        """Takes the last re-centring back."""
        if not self._before_recentring:
            raise UsageError("there is no re-centring to take back")
        self.stage.calibration = self._before_recentring.pop()
        self._tell({"type": "recentre_undone"})

    def stop(self) -> None:
        """Shows no more dots and throws away what this round brought."""
        self.show = self.pursuit = None
        self._tell({"type": "dots_over"})

    def show_anew(self) -> None:
        """The page was reloaded or the window changed: what it shows begins again."""
        if self.pursuit is not None:
            self.begin_pursuit()
        elif self.show is not None:
            self.show.show_anew()
            self.tell_dot()

    def tell_dot(self) -> None:
        """{"type": "dot", number, x, y (shares of the page), left, of, purpose, pace, again, why}: show this
        now."""
        show = self.show
        if show is None or show.current is None:
            return
        self._tell(
            {
                "type": "dot",
                "number": show.number,
                "x": show.current.place[0],
                "y": show.current.place[1],
                "left": show.left,
                "of": len(show.places),
                "purpose": show.purpose,
                "pace": show.pace,
                "again": show.current.again,
                "why": show.refused[-1] if show.current.again and show.refused else "",
            }
        )

    def saw(self, sample: GazeSample) -> DotShow | None:
        """A sample; gives the round if it has just ended."""
        show = self.show
        if self.pursuit is not None:
            self.pursuit.saw(sample)
        if show is None or not show.saw(sample):
            return None
        if show.current is not None:
            self.tell_dot()
            return None
        self.show = None
        return show

    def finish(self, show: DotShow) -> Recentred | None:
        """Draws the conclusion from a round: fits, checks or re-centres; the figures of a re-centring.

        Tells {"type": "fitted" | "checked" | "recentred" | "dots_failed", ...}.
        """
        if not show.dots:
            why = show.refused[-1].removeprefix(LEFT_OUT) if show.refused else "no dot was seen"
            self._tell({"type": "dots_failed", "purpose": show.purpose, "why": why})
            return None
        if show.purpose == "calibration":
            self._fit(show)
        elif show.purpose == "check":
            self._check(show)
        else:
            return self._recentre(show.dots[0])
        return None

    def _begin(self, purpose: Purpose, places: Any) -> None:
        self.pursuit = None
        self.show = DotShow(purpose, places, self._pace)
        self.tell_dot()

    def _fit(self, show: DotShow) -> None:
        for place in show.places:
            self._dots.pop(place, None)
        self._dots |= dict(
            zip([place for place in show.places if place in show.taken], show.dots, strict=True)
        )
        self._fit_to(list(self._dots.values()), show.refused)

    def _fit_to(self, dots: list[Dot], refused: list[str]) -> None:
        self.candidate, self._is_of_now = Calibration.fit(dots, self.prior, self._conditions()), True
        expected = self.candidate.expected_error()
        self._tell({"type": "fitted", "dots": len(dots), "refused": refused, "expected_deg": expected.deg})

    def _check(self, show: DotShow) -> None:
        assert self.candidate is not None
        if self._is_of_now:
            self.candidate = self.candidate.judged(show.dots)
        else:  # made in another sitting, or moved since: its dots do not go with these
            self.candidate = self.candidate.with_check(self.candidate.check(show.dots))
        self.check = self.candidate.validation
        self._tell({"type": "checked", **self.check_message()})

    def sentence(self, check: Check) -> str:
        """What a check tells the person; pixels alone where the screen's size is a guess."""
        return check.sentence if self._size_is_known() else check.sentence_in_px

    def words_in_force(self, calibration: Calibration) -> str:
        """What a person is told of a calibration while it is used; "" for one that nobody checked."""
        check = calibration.validation
        if calibration.another_sitting:
            return "Made in another sitting, and only part of it lasts: press c and look at one dot."
        if check is None or calibration.error_to_come == check.expected:
            return "" if check is None else self.sentence(check)
        return "Re-centred since it was checked."

    def check_message(self) -> dict[str, Any]:
        """The last check as the page draws it."""
        check = self.check
        if check is None:
            return {}
        return {
            "sentence": self.sentence(check),
            "helps": check.helps,
            "error_deg": check.error_deg,
            "error_cm": check.error_cm,
            "error_px": check.error_px,
            "uncalibrated_deg": check.uncalibrated_deg,
            "centre_deg": check.centre_deg,
            "can_redo": bool(self._dots),
            "dots": [
                {
                    "target_cm": dot.target_cm,
                    "gaze_cm": dot.gaze_cm,
                    "error_deg": dot.error_deg,
                    "error_cm": dot.error_cm,
                    "uncalibrated_deg": dot.uncalibrated_deg,
                    "ellipse_deg2": dot.ellipse_deg2,
                    "distance_cm": dot.distance_cm,
                }
                for dot in check.dots
            ],
        }

    def _recentre(self, dot: Dot) -> Recentred:
        before, summary = self.stage.calibration, summarise(dot)
        minutes = 0.0 if self.kept_ns is None else (time.monotonic_ns() - self.kept_ns) / 60e9
        if before is None:
            after = Calibration.fit([summary], self.prior, self._conditions())
        else:
            after = before.recentred(summary, self._new_sitting, minutes)
        self._new_sitting = SAME_RUN
        self._before_recentring.append(before)
        self.stage.calibration = after
        figures = Recentred(_miss_deg(before, summary), _miss_deg(after, summary))
        is_far = figures.after_deg > FAR_OFF * after.error_to_come.deg
        told = {"before_deg": figures.before_deg, "after_deg": figures.after_deg, "is_far": is_far}
        self._tell({"type": "recentred", **told})
        return figures


def _miss_deg(calibration: Calibration | None, dot: Any) -> float:
    x_deg, y_deg = dot.raw_deg if calibration is None else calibration.apply(*dot.raw_deg)
    return float(np.hypot(dot.target_deg[0] - x_deg, dot.target_deg[1] - y_deg))
