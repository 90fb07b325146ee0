"""The light while something is recorded, in the lamps' words: a line at the beginning, and one whenever it
has changed for good."""

from __future__ import annotations

from collections.abc import Sequence

from tinytracker.session.events import LIGHT
from tinytracker.web.lamps import Lamp

HOLDS_NS = 2_000_000_000  # light that changes back within that has not changed


class LightLog:
    """What was said of the light last, and what it seems to be now."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """A recording begins: nothing has been said yet."""
        self._said = self._seems = ""
        self._since_ns = 0

    def saw(self, lamps: Sequence[Lamp], t_ns: int) -> str:
        """The lamps at a moment; gives a line to be kept ("light: even"), "" for none."""
        words = next((lamp.words for lamp in lamps if lamp.name == "light" and lamp.state != "off"), "")
        if words != self._seems:
            self._seems, self._since_ns = words, t_ns
        is_settled = not self._said or t_ns - self._since_ns >= HOLDS_NS
        if not words or words == self._said or not is_settled:
            return ""
        self._said = words
        return LIGHT + words
