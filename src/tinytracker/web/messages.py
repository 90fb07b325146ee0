"""What pages and server say to each other: JSON objects, one per WebSocket message.

From the page `{"do": NAME, ...}`; from the server `{"type": NAME, ...}`. Whatever does not parse is answered
by an error message in one line, and changes nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from tinytracker.errors import UsageError

LARGEST_MESSAGE = 64 * 1024
LONGEST_SHOWN = 80  # letters of a wrong value, in an error
LARGEST_NUMBER = 1e6  # pixels, centimetres, milliseconds of a page's clock are passed elsewhere


def as_text(message: Mapping[str, Any]) -> str:
    """JSON without spaces; numbers that are none become null."""
    try:
        return json.dumps(message, separators=(",", ":"), allow_nan=False)
    except ValueError:
        return json.dumps(_plain(message), separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _short(value: Any) -> str:
    """What came, as one line can hold it."""
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


class Command:
    """What a page asks for, with every field checked when it is read."""

    def __init__(self, text: str) -> None:
        if len(text) > LARGEST_MESSAGE:
            raise UsageError(f"a message of {len(text)} letters; {LARGEST_MESSAGE} are allowed")
        try:
            fields = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"a message that is not JSON: {error}") from error
        if not isinstance(fields, dict) or not isinstance(fields.get("do"), str):
            raise UsageError('a message must be {"do": "...", ...}')
        self._fields = fields
        self.name: str = fields["do"]

    def is_missing(self, name: str) -> bool:
        """Whether a field was left out, or is null."""
        return self._fields.get(name) is None

    def number(self, name: str, default: float | None = None, largest: float = LARGEST_NUMBER) -> float:
        """A finite number; raises UsageError if there is none."""
        value = self._fields.get(name, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= largest:
            raise UsageError(f"{self.name}: {name} must be a number, not {_short(value)}")
        return float(value)

    def positive(self, name: str, largest: float = LARGEST_NUMBER) -> float:
        """A number above 0."""
        value = self.number(name, largest=largest)
        if value <= 0:
            raise UsageError(f"{self.name}: {name} must be above 0, not {value:g}")
        return value

    def text(self, name: str, default: str | None = None, longest: int = 200) -> str:
        """A short text."""
        value = self._fields.get(name, default)
        if not isinstance(value, str) or len(value) > longest:
            raise UsageError(f"{self.name}: {name} must be a text of at most {longest} letters")
        return value

    def choice(self, name: str, choices: tuple[str, ...], default: str | None = None) -> str:
        """One of some texts."""
        value = self.text(name, default)
        if value not in choices:
            raise UsageError(f"{self.name}: {name} must be one of {', '.join(choices)}, not {_short(value)}")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """True or false."""
        value = self._fields.get(name, default)
        if not isinstance(value, bool):
            raise UsageError(f"{self.name}: {name} must be true or false, not {_short(value)}")
        return value
