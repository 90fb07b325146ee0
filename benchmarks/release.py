"""Puts an exported int8 network into the package under its name; its card gets figures of test people,
measured here.

    tinytracker export runs/eyes/best.safetensors --data dataset --out out --name tinytracker-eyes
    python benchmarks/release.py out/tinytracker-eyes_int8.tflite dataset --trained-on "rendered people: ..."
    python benchmarks/release.py --again tinytracker-eyes

The dataset holds the test people that anybody can render (`evaluation.again.ALL_PEOPLE`), and training
people, by whose mean "always the mean" answers. The second command is also the end of the first: it obtains a
small figure by the commands that it writes into the card, where a test repeats them.

`--made-by` takes, once a line, the commands that make the weights from an empty folder: people, dataset,
start weights out of the history, training by this card, export. The card shows them, a test reads them.

The recipe on the card names no file of the machine that trained: a start and a teacher that were files become
the released networks that stand for them. Figures elsewhere (README.md, docs/mcu.md) are not touched; their
lines print them anew.
"""

from __future__ import annotations

import argparse
import math
import shlex
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from terminal import progress_bar

from tinytracker.cards import ModelCard, card_path, read_card, write_card
from tinytracker.data.dataset import Dataset
from tinytracker.errors import ModelError, TinytrackerError
from tinytracker.evaluation.again import ALL_PEOPLE, FEW_PEOPLE, FIGURES, Again, commands, headline
from tinytracker.evaluation.evaluate import evaluate
from tinytracker.evaluation.scores import BASELINE
from tinytracker.files import write_bytes
from tinytracker.results import Row, read_rows
from tinytracker.zoo import RELEASED, find, list_released

TEACHER = "tinytracker-eyes"
BY_DEVICE = ("error", "share_of_mean", "error_deg")  # what a card tells of each kind of device


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "network", type=Path, nargs="?", help="an int8 .tflite with its card, of `tinytracker export`"
    )
    parser.add_argument("data", type=Path, nargs="*", help="datasets with the test people")
    parser.add_argument("--trained-on", default="", help="the training data in words")
    parser.add_argument("--tested-on", default="", help="the test people in words, if they are others")
    parser.add_argument(
        "--made-by", action="append", default=[], metavar="COMMAND", help="a command that makes the weights"
    )
    parser.add_argument("--again", metavar="NAME", help="only obtain a small figure of a released network")
    parser.add_argument("--start", default="", help="the first weights in words, if they were not fresh")
    arguments = parser.parse_args()
    if arguments.again is None:
        if not (arguments.network and arguments.data and arguments.trained_on):
            parser.error("give a network, datasets and --trained-on, or --again NAME")
        obtain_again(release(arguments))
    else:
        obtain_again(arguments.again)


def release(arguments: argparse.Namespace) -> str:
    """Puts the network into the package; returns its name."""
    card = read_card(card_path(arguments.network))
    if card.number_format != "int8":
        raise ModelError(
            f"{arguments.network} is {card.number_format}; expected the int8 file that `tinytracker export` "
            f"writes"
        )
    with progress_bar("Evaluating") as progress:
        rows = evaluate(
            [str(arguments.network)], Dataset.open(arguments.data), "test", persons=False, progress=progress
        ).rows
    words = arguments.tested_on or f"tinytracker synth {ALL_PEOPLE}: none of them seen in training"
    unseen = {
        "data": words,
        "how": "measured, int8 file under LiteRT; low and high: 95 % interval over people",
        **figures(rows, card),
    }
    if not arguments.tested_on:
        row = headline(rows, arguments.network.stem)
        again = Again(commands(card.name, ALL_PEOPLE), row.metric, round(row.value, 4), row.unit)
        unseen["again"] = again.as_dict()
    data = (
        card.data
        | {"dataset": arguments.trained_on}
        | ({"start": arguments.start} if arguments.start else {})
        | ({"commands": arguments.made_by} if arguments.made_by else {})
    )
    results = card.results | {"unseen rendered people": unseen}
    released = replace(card, data=data, results=results, recipe=portable(card))
    write_bytes(RELEASED / f"{card.name}.tflite", arguments.network.read_bytes())
    write_card(released, RELEASED / f"{card.name}.json")
    print(f"{RELEASED / card.name}.tflite: {unseen['all']}")
    return card.name


def obtain_again(name: str) -> None:
    """Runs the commands of a small figure in an empty folder, and writes both into the card."""
    lines = commands(name, FEW_PEOPLE)
    with tempfile.TemporaryDirectory() as folder:
        for line in lines:
            command = [sys.executable, "-m", "tinytracker", *shlex.split(line)[1:]]
            if subprocess.run(command, cwd=folder).returncode:
                raise ModelError(f"`{line}` failed")
        row = headline(read_rows(Path(folder) / FIGURES), name)
    card = find(name).require_card()
    again = Again(lines, row.metric, round(row.value, 4), row.unit)
    write_card(
        replace(card, results=card.results | {"again in small": again.as_dict()}), RELEASED / f"{name}.json"
    )
    print(f"{name}: {again.metric} {again.value} {again.unit} by `{lines[0]}`")


def figures(rows: list[Row], card: ModelCard) -> dict[str, Any]:
    """What a card tells of test people: of all, and of a gaze network by kind of device."""
    if card.output == "eyes":
        return {"all": {f"{row.metric} {row.unit}".strip(): cell(row) for row in rows if row.group == "all"}}
    (always_mean,) = (
        row for row in rows if row.model == BASELINE and row.group == "all" and row.metric == "error"
    )
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
