"""Puts an exported int8 network into the package under its name; its card gets figures of test people, measured here.

    tinytracker export runs/eyes/best.safetensors --data dataset --out out --name tinytracker-eyes
    python benchmarks/release.py out/tinytracker-eyes_int8.tflite dataset --trained-on "rendered people: ..." --tested-on "..."

The recipe on the card names no file of the machine that trained: a start and a teacher that were files become the released
networks that stand for them. Figures elsewhere (README.md, docs/mcu.md) are not touched; their lines print them anew.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from tinytracker.cards import ModelCard, card_path, read_card, write_card
from tinytracker.cli.progress import progress_bar
from tinytracker.data.dataset import Dataset
from tinytracker.errors import ModelError, TinytrackerError
from tinytracker.evaluation.evaluate import evaluate
from tinytracker.evaluation.report import Row
from tinytracker.evaluation.scores import BASELINE
from tinytracker.files import write_bytes
from tinytracker.released import FOLDER, list_released

TEACHER = "tinytracker-eyes"
BY_DEVICE = ("error", "share_of_mean", "error_deg")  # what a card tells of each kind of device


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", type=Path, help="an int8 .tflite with its card, as `tinytracker export` writes it")
    parser.add_argument("data", type=Path, nargs="+", help="datasets with the test people")
    parser.add_argument("--trained-on", required=True, help="the training data in words")
    parser.add_argument("--tested-on", required=True, help="the test people in words")
    parser.add_argument("--start", default="", help="the first weights in words, if they were not fresh")
    arguments = parser.parse_args()

    card = read_card(card_path(arguments.network))
    if card.number_format != "int8":
        raise ModelError(f"{arguments.network} is {card.number_format}; expected the int8 file that `tinytracker export` writes")
    with progress_bar("Evaluating") as progress:
        rows = evaluate([str(arguments.network)], Dataset.open(arguments.data), "test", persons=False, progress=progress).rows
    unseen = {
        "data": arguments.tested_on,
        "how": "measured, int8 file under LiteRT; low and high: 95 % interval over people",
        **figures(rows, card),
    }
    data = card.data | {"dataset": arguments.trained_on} | ({"start": arguments.start} if arguments.start else {})
    results = card.results | {"unseen rendered people": unseen}
    released = replace(card, data=data, results=results, recipe=portable(card))
    write_bytes(FOLDER / f"{card.name}.tflite", arguments.network.read_bytes())
    write_card(released, FOLDER / f"{card.name}.json")
    print(f"{FOLDER / card.name}.tflite: {unseen['all']}")


def figures(rows: list[Row], card: ModelCard) -> dict[str, Any]:
    """What a card tells of test people: of all, and of a gaze network by kind of device."""
    if card.output == "eyes":
        return {"all": {f"{row.metric} {row.unit}".strip(): cell(row) for row in rows if row.group == "all"}}
    (always_mean,) = (row for row in rows if row.model == BASELINE and row.group == "all" and row.metric == "error")
    kinds = sorted({row.group for row in rows if row.group.startswith("device_kind=")})
    own = [row for row in rows if row.model != BASELINE]
    table: dict[str, Any] = {"always_the_mean_cm": round(always_mean.value, 3)}
    for group in ["all", *kinds]:
        told = [row for row in own if row.group == group and (group == "all" or row.metric in BY_DEVICE)]
        table[group] = {f"{row.metric} {row.unit}".strip(): cell(row) for row in told}
    return table


def cell(row: Row) -> float | dict[str, float]:
    """A figure, with its interval if it has one."""
    if math.isnan(row.low):
        return round(row.value, 3)
    return {"value": round(row.value, 3), "low": round(row.low, 3), "high": round(row.high, 3)}


def portable(card: ModelCard) -> dict[str, Any]:
    """The card's recipe without paths."""
    recipe = dict(card.recipe)
    if recipe["start"] and recipe["start"] not in list_released():
        recipe["start"] = card.name
    if recipe["distillation"]["checkpoint"]:
        recipe["distillation"] = recipe["distillation"] | {"checkpoint": TEACHER}
    return recipe


if __name__ == "__main__":
    try:
        main()
    except TinytrackerError as error:
        raise SystemExit(f"error: {error}") from None
