"""Beginning a folder of rendered recordings, or going on with it: what it was begun with is noted there."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from tinytracker.data.store import MANIFEST_FILE, OPTIONS_FILE
from tinytracker.errors import OutputError
from tinytracker.files import begin_with

Kind = Literal["faces", "eyes"]


def begin_recordings(root: Path, kind: Kind, seed: int, options: dict[str, Any]) -> None:
    """Notes the options of a seed in the folder, or checks that it was begun with the same ones.

    Raises OutputError if it was not, if the folder is a dataset, or holds recordings of the other kind:
    `prepare` takes one kind from a folder.
    """
    if (root / MANIFEST_FILE).exists() or (root / OPTIONS_FILE).exists():
        raise OutputError(f"{root} is a dataset; choose another folder for recordings")
    for note in sorted(root.glob("synth-*.json")):
        if note.name.startswith("synth-eyes-") != (kind == "eyes"):
            other = "faces" if kind == "eyes" else "eyes"
            raise OutputError(
                f"{root} holds recordings of {other} ({note.name} says so), and a dataset is prepared from "
                f"one kind; choose another folder"
            )
    name = f"synth-{seed:05d}.json" if kind == "faces" else f"synth-eyes-{seed:05d}.json"
    begin_with(root / name, options, "another folder or another seed")
