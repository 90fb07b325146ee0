"""A card's figure that anybody can obtain again: the commands that print it, and what they printed.

    "commands": ["tinytracker synth people ...", "tinytracker prepare ...", "tinytracker evaluate ..."],
    "metric": "error", "value": 3.81, "unit": "cm"

Two stand in a card's results: of all test people ("unseen rendered people" or "unseen rendered eyes"), which
takes a while, and of a few of them ("again in small"), which a test repeats.
"""

from __future__ import annotations

import shlex
from dataclasses import asdict, dataclass
from typing import Any

from tinytracker.errors import ModelError
from tinytracker.results import Row, value_of

FIGURES = "figures.csv"
# Rendering, and the arithmetic of another processor, may differ in last bits: a frame's JPEG with them, by a
# grey level here and there. Of an error over a few frames:
MAY_DIFFER = 0.02
ALL_PEOPLE = "--seed 22 --people 4100 --frames 12 --split test"
FEW_PEOPLE = "--seed 22 --people 43 --frames 4 --split test"
SENSORS = "--sensor davis346,dvxplorer,speck"
ALL_EYES = f"--seed 77 --people 63 --seconds 1.2 {SENSORS} --split test"
FEW_EYES = f"--seed 77 --people 3 --seconds 0.5 {SENSORS} --split test"


@dataclass(frozen=True, slots=True)
class Again:
    """commands: to be run one after the other in an empty folder; the last one writes FIGURES. metric, value,
    unit: the row for all frames that is then in it."""

    commands: tuple[str, ...]
    metric: str
    value: float
    unit: str

    def as_dict(self) -> dict[str, Any]:
        """As a card holds it."""
        return asdict(self) | {"commands": list(self.commands)}

    @classmethod
    def of(cls, content: dict[str, Any]) -> Again:
        """From what a card holds; raises ModelError if that is not whole."""
        try:
            return cls(
                tuple(map(str, content["commands"])),
                str(content["metric"]),
                float(content["value"]),
                str(content["unit"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"the card's figure cannot be obtained again: {content} is not whole") from error

    def arguments(self) -> list[list[str]]:
        """The command lines' arguments, without the program's name."""
        return [shlex.split(command)[1:] for command in self.commands]


def commands(network: str, people: str) -> tuple[str, ...]:
    """What evaluates a network on rendered people; people: the options of `synth` that say which.

    >>> commands("tinytracker-s", "--seed 22 --people 20")[0]
    'tinytracker synth people --seed 22 --people 20'
    """
    return (
        f"tinytracker synth people {people}",
        "tinytracker prepare people dataset",
        f"tinytracker evaluate {network} --data dataset --csv {FIGURES}",
    )


def eye_commands(network: str, eyes: str) -> tuple[str, ...]:
    """The same for a network of pupils; eyes: the options of `synth eyes`.

    >>> eye_commands("pupil", "--people 3")[0]
    'tinytracker synth eyes eyes --people 3'
    """
    return (
        f"tinytracker synth eyes eyes {eyes}",
        "tinytracker prepare eyes eyes-dataset",
        f"tinytracker evaluate {network} --data eyes-dataset --csv {FIGURES}",
    )


def headline(rows: list[Row], network: str) -> Row:
    """The one figure of a network: its error, an eye locator's median error, a network of pupils' mean one.
    Raises ModelError if none is among the rows."""
    for metric in ("error", "landmarks_median", "error_mean"):
        if (row := value_of(rows, network, metric)) is not None:
            return row
    raise ModelError(f"there is no figure of {network} among the {len(rows)} rows")
