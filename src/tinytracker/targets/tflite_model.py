"""Finding the .tflite that a user means."""

from __future__ import annotations

from pathlib import Path

from tinytracker.errors import ModelError


def find_tflite(model: Path, wanted_by: str) -> Path:
    """A .tflite file, given as such or as a released network's name; raises ModelError saying how to come by one."""
    if model.suffix == ".tflite":
        if not model.is_file():
            raise ModelError(f"{model} does not exist; expected an int8 .tflite, as `tinytracker export` writes it")
        return model
    if model.suffix or model.exists():
        raise ModelError(f"{wanted_by} takes an int8 .tflite or a released network's name, not {model}; from a checkpoint: "
                         "tinytracker export CHECKPOINT --data DATASET")  # fmt: skip
    from tinytracker.released import find_released

    return find_released(str(model))[1]
