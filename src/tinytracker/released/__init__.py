"""The weights that come with the package, by name: NAME.tflite and its card NAME.json, in this folder."""

from __future__ import annotations

from pathlib import Path

from tinytracker.cards import ModelCard, card_path, read_card
from tinytracker.errors import ModelError

FOLDER = Path(__file__).parent


def list_released() -> list[str]:
    """The names of the released networks, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.tflite"))


def find_released(name: str) -> tuple[ModelCard, Path]:
    """The card and the weight file of a released network; "_" and "-" are the same. Raises ModelError for other names."""
    known = {released.replace("_", "-"): released for released in list_released()}
    if name.replace("_", "-") not in known:
        raise ModelError(f"there is no file or released network {name!r}; released are: {', '.join(known) or 'none yet'}")
    weights = FOLDER / f"{known[name.replace('_', '-')]}.tflite"
    return read_card(card_path(weights)), weights
