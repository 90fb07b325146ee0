"""What a network may see and say: the kinds of inputs and outputs, each once.

A new kind of input is a row of `KINDS`, the picture or the numbers made of a face (`engines.feed`,
`training.samples`), and the network that sees it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

InputName = Literal[
    "face",
    "left_eye",
    "right_eye",
    "eye_band",
    "face_box",
    "eye_band_box",
    "face_grid",
    "events",
    "last_output",
]
OutputName = Literal["gaze", "eyes", "pupil", "pupil_box", "pupil_grid"]
GRID_SIDE, GRID_BOXES = 4, 2  # of Retina's spiking network: cells along a window's side, boxes in a cell
MOST_AMONG = 1024  # events that another is looked for close by among
MEMORY = 12  # numbers that a network of pupils hands on to its next call, beside what it says


@dataclass(frozen=True, slots=True)
class InputKind:
    """A kind of input tensor.

    numbers: how many it has, where it is no picture. box_of: for a box's four numbers, the picture that the
    box holds.
    other_eye: for one eye's picture, the kind that shows the other.
    planes: of a picture that is no face's but an event camera's window (`events.windows`): its bit planes.
    """

    name: InputName
    numbers: int = 0
    box_of: InputName | None = None
    other_eye: InputName | None = None
    planes: int = 0

    @property
    def is_picture(self) -> bool:
        return self.numbers == 0

    @property
    def is_eye(self) -> bool:
        """One eye, cut out of a square box (`faces.boxes`)."""
        return self.other_eye is not None


_KINDS = (
    InputKind("face"),
    InputKind("left_eye", other_eye="right_eye"),
    InputKind("right_eye", other_eye="left_eye"),
    InputKind("eye_band"),
    InputKind("face_box", numbers=4, box_of="face"),
    InputKind("eye_band_box", numbers=4, box_of="eye_band"),
    InputKind("face_grid", numbers=25 * 25),
    InputKind("events", planes=2),
    InputKind("last_output", numbers=4 + MEMORY),
)
KINDS: dict[str, InputKind] = {kind.name: kind for kind in _KINDS}
PICTURES: tuple[str, ...] = tuple(kind.name for kind in _KINDS if kind.is_picture and not kind.planes)
EYE_PICTURES: tuple[str, ...] = tuple(kind.name for kind in _KINDS if kind.is_eye)


def box_kind_of(picture: str) -> InputName:
    """The kind whose numbers are the box of a picture.

    >>> box_kind_of("eye_band")
    'eye_band_box'
    """
    return next(kind.name for kind in _KINDS if kind.box_of == picture)


BOX_NUMBERS = KINDS["face_box"].numbers

# What an output holds, number by number. "left" is the person's own left eye. The eye locator's points lie
# in the crop, from -1 at its left and top edge to 1 at its right and bottom edge; openness is the opening's
# height over its width. A pupil's centre lies in its window of events, from 0 at the left and top edge to 1
# at the right and bottom edge, as do the edges of a pupil's box; closed is the chance that the eye is,
# confidence the chance that the centre is right (`retina.losses`); the memory means something to the
# network alone. A box of the grid has its centre within its cell, from 0 to 1, and its sides as shares of
# the window's.
OUTPUTS: dict[OutputName, tuple[str, ...]] = {
    "gaze": ("x", "y"),
    "eyes": (
        *(
            f"{eye}_{corner}_{axis}"
            for eye in ("left", "right")
            for corner in ("inner", "outer")
            for axis in ("x", "y")
        ),
        *(f"{eye}_centre_{axis}" for eye in ("left", "right") for axis in ("x", "y")),
        "left_openness",
        "right_openness",
    ),
    "pupil": ("x", "y", "closed", "confidence", *(f"memory_{place}" for place in range(MEMORY))),
    "pupil_box": ("left", "top", "right", "bottom"),
    "pupil_grid": tuple(
        f"row_{row}_column_{column}_box_{box}_{number}"
        for row in range(GRID_SIDE)
        for column in range(GRID_SIDE)
        for box in range(GRID_BOXES)
        for number in ("x", "y", "width", "height", "confidence")
    ),
}
EYE_POINTS = slice(
    0, OUTPUTS["eyes"].index("left_openness")
)  # of the eye locator's numbers: x, y of six points
EYE_OPENNESS = slice(EYE_POINTS.stop, len(OUTPUTS["eyes"]))
