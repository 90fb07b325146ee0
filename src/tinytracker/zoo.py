"""One way to a network: what a user calls it -> the file of its weights and its card.

A network is called by a released name ("tinytracker-eyes"; the weights lie in the package) or by the path of
a file. A folder in the working directory that bears a released name hides nothing: give "./name" to mean a
path.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tinytracker.cards import ModelCard, card_path, read_card
from tinytracker.damage import damage_of
from tinytracker.errors import ModelError
from tinytracker.files import sha256

RELEASED = Path(__file__).parent / "released"  # NAME.tflite and its card NAME.json
BEST_FILE, STATE_FILE = "best.safetensors", "state.safetensors"  # of a training's folder
SUFFIXES = (".tflite", ".onnx", ".safetensors", ".c", ".rpk")


@dataclass(frozen=True)
class Weights:
    """A network's weight file and the card beside it.

    >>> find("tinytracker-s").require_card().family
    'tinytracker_s'
    """

    path: Path

    @cached_property
    def card(self) -> ModelCard | None:
        """The card beside the file, None where there is none, as beside a foreign .tflite.

        Raises ModelError if it is no card, or the card of another file.
        """
        place = card_path(self.path)
        if not place.exists():
            return None
        card = read_card(place)
        if card.sha256 and card.sha256 != self.sha256:
            if fault := damage_of(self.path, ValueError()):
                raise ModelError(f"{self.path} cannot be read: {fault}; export or copy it again")
            raise ModelError(
                f"{place} is the card of another file (its sha256 is not {self.path.name}'s, unless that is "
                f"damaged); export or copy it again"
            )
        return card

    @cached_property
    def sha256(self) -> str:
        """Of the file's bytes, hexadecimal."""
        return sha256(self.path)

    def require_card(self) -> ModelCard:
        """The card; raises ModelError where there is none."""
        if self.card is None:
            expected = f"expected {card_path(self.path).name} beside it, as tinytracker writes it"
            raise ModelError(f"{self.path} has no card; {expected}")
        return self.card


def list_released(*outputs: str) -> list[str]:
    """The names of the released networks, sorted; of those whose cards give one of `outputs`, where any is
    named: "gaze" and "eyes" see faces."""
    names = sorted(path.stem for path in RELEASED.glob("*.tflite"))
    if not outputs:
        return names
    return [name for name in names if Weights(RELEASED / f"{name}.tflite").require_card().output in outputs]


def find(network: str | Path, suffixes: Sequence[str] = SUFFIXES) -> Weights:
    """The weights that a user means by a released name ("_" and "-" are the same) or a path.

    suffixes: of the files that will do. Raises ModelError saying what was expected and what came.
    """
    path = Path(network)
    released = _released(str(network))
    if released is not None:
        return Weights(released)
    try:
        is_file = path.is_file()
    except OSError as error:  # a name longer than any file's
        raise ModelError(f"there is no file {str(network)[:40]!r}... ({error.strerror})") from error
    if is_file:
        if path.suffix not in suffixes:
            raise ModelError(f"{path} will not do: expected a file that ends in {', '.join(suffixes)}")
        return Weights(path)
    if path.is_dir():
        raise ModelError(
            f"{path} is a folder; expected a file that ends in {', '.join(suffixes)}, or a released "
            f"network's name{_best_in(path)}"
        )
    if path.exists():
        raise ModelError(f"{path} is no regular file; expected one that ends in {', '.join(suffixes)}")
    names = ", ".join(list_released()) or "none yet"
    if path.suffix or len(path.parts) > 1:
        raise ModelError(f"{network} does not exist; expected a network's file or a released name ({names})")
    raise ModelError(f"there is no file or released network {str(network)!r}; released are: {names}")


def find_tflite(network: str | Path, wanted_by: str) -> Weights:
    """The int8 .tflite that a user means, for what takes nothing else; raises ModelError saying how to
    come by one."""
    if Path(network).suffix not in ("", ".tflite"):
        raise ModelError(
            f"{wanted_by} takes an int8 .tflite or a released network's name, not {network}; from a "
            "checkpoint: tinytracker export CHECKPOINT --data DATASET"
        )
    return find(network, (".tflite",))


def refuse_no_checkpoint(network: Path) -> None:
    """Raises ModelError, saying what to give instead, unless this is a checkpoint's file by its name."""
    if network.suffix == ".safetensors":
        if network.name == STATE_FILE and not card_path(network).exists():
            raise ModelError(
                f"{network} is what --resume needs, no network; give {network.with_name(BEST_FILE)}"
            )
        return
    wanted = "a checkpoint is wanted, a .safetensors file that `tinytracker train` wrote"
    if _released(str(network)) or network.suffix == ".tflite":
        raise ModelError(
            f"{wanted}; {network} is an int8 network already, which boards' targets take as it is, such as "
            f"--target mcu"
        )
    raise ModelError(f"{wanted}, not {network}{_best_in(network)}")


def _best_in(folder: Path) -> str:
    """A hint at the checkpoint that a training left in a folder, if it did."""
    return f"; give {folder / BEST_FILE}" if (folder / BEST_FILE).is_file() else ""


def _released(name: str) -> Path | None:
    """The released weights of this name; None for what is written as a path, or is another name."""
    if os.sep in name or "." in name:
        return None
    known = {released.replace("_", "-"): released for released in list_released()}
    released = known.get(name.replace("_", "-"))
    return None if released is None else RELEASED / f"{released}.tflite"
