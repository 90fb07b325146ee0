"""What each choice in a network's training is worth: one change at a time to its recipe, each on as many
steps from the same weights, measured on rendered people and, where the material is there, on a real one.

    python benchmarks/levers.py --data people --check "new set=new" --check "old set=old" --write
    python benchmarks/levers.py --data people --check "new=new" --real GIT_DIR --levers control "whole face"
    python benchmarks/levers.py --network tinytracker --data people --check "new set=new" --write

`--data`: datasets to train on, whose validation people are measured too, each kind of heads apart; `--check
NAME=DATASET`: others, whose test people are. `--real`: the git directory that ../shared/tools/real_check.py
takes (its pictures are measured here, never trained on). Errors are of the averaged float weights after the
last step. A lever that has been trained is not trained again, one that was stopped goes on, and what it was
measured on already is not measured again.

`--write` keeps the rows in docs/data/levers-NETWORK.csv and puts their table into docs/training.md.

What a few steps say is where a choice leads, not where it ends; and a lever that is far from what the first
weights have learnt (sharp eyes, the whole face) has the longer way. `control, other seed` shows what chance
does.
"""

from __future__ import annotations

import argparse
import copy
import types
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from documents import markdown, put_table
from terminal import progress_bar

import tinytracker as tt
from tinytracker.data.dataset import Dataset
from tinytracker.errors import TinytrackerError
from tinytracker.evaluation.evaluate import predict
from tinytracker.evaluation.intervals import mean_over_frames
from tinytracker.faces.eyes import eyes_closed
from tinytracker.results import Row, read_rows, write_rows
from tinytracker.training.recipe import Recipe, load_recipe, recipe_from_dict
from tinytracker.training.train import train

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "training.md"
REAL_CHECK = ROOT.parent / "shared" / "tools" / "real_check.py"
LEARNING_RATE = 1.5e-3  # of a short run from weights that know much already
MOST_SAMPLES = 1200  # that are measured of each kind of heads in a set, evenly drawn
REAL = "real person"
START, CONTROL = "first weights", "control"


@dataclass(frozen=True, slots=True)
class Lever:
    """One change. what: in words. change: fields of the recipe, those of its tables with a dot, and their
    values. heads: the kinds of heads to train on; all that there are if none is named."""

    what: str
    change: dict[str, Any] = field(default_factory=dict)
    heads: tuple[str, ...] = ()
    seed: int = 0


OF_EYES = {
    CONTROL: Lever("the recipe as it is"),
    # Of datasets from when there were procedural heads too (made by formulas), of which the kept rows are.
    "no procedural heads": Lever("MakeHuman and ICT heads", heads=("makehuman", "ict")),
    "MakeHuman alone": Lever("MakeHuman heads", heads=("makehuman",)),
    "control, other seed": Lever("the recipe as it is", seed=1),
    "sharp eyes": Lever(
        "no low-pass; worse cameras now and then",
        {
            "options.eye_low_pass_px": 0.0,
            "photometric.low_resolution": 0.15,
            "photometric.finest": 1.3,
        },
    ),
    "low-pass 1.5": Lever("of the eye crops, px", {"options.eye_low_pass_px": 1.5}),
    "low-pass 2.5": Lever("of the eye crops, px", {"options.eye_low_pass_px": 2.5}),
    "low-pass not varied": Lever(
        "2 px, worse cameras now and then", {"photometric.low_resolution": 0.15, "photometric.finest": 1.3}
    ),
    "whole face": Lever("its upper half is seen too", {"options.face_blank_rows": 0}),
    "face hidden": Lever("from a fifth of the samples", {"face_dropout": 0.2}),
    "stronger light": Lever(
        "ramps, contrast, gamma, brightness",
        {
            "photometric.ramp": 0.25,
            "photometric.contrast": 0.3,
            "photometric.gamma": 0.3,
            "photometric.brightness": 0.08,
        },
    ),
    "no observer": Lever("the truth alone teaches", {"distillation.observer": 0.0}),
}
OF_FACE = {
    CONTROL: Lever("the recipe as it is"),
    "control, other seed": Lever("the recipe as it is", seed=1),
    **{
        f"low-pass {sigma_px:g}": Lever(
            "of the face crop, px, varied",
            {
                "options.low_pass_px": sigma_px,
                "photometric.low_resolution": 1.0,
                "photometric.finest": sigma_px,
            },
        )
        for sigma_px in (1.0, 1.5, 2.0)
    },
    "ICT alone": Lever("ICT heads", heads=("ict",)),
    "worse cameras": Lever("every second sample through one", {"photometric.low_resolution": 0.5}),
    "stronger light": OF_EYES["stronger light"],
}
LEVERS = {"tinytracker-eyes": OF_EYES, "tinytracker": OF_FACE, "tinytracker-s": OF_FACE}
"""Of each network, in the order in which they are tried."""


def rows_of(network: str) -> Path:
    """Where the rows behind the document's table of a network lie."""
    return ROOT / "docs" / "data" / f"levers-{network}.csv"


def recipe_of(network: str, lever: Lever, start: str, steps: int) -> Recipe:
    """The network's recipe with the change, for a short run from `start`."""
    content = load_recipe(network).quick(steps).as_dict()
    content |= {
        "start": start,
        "learning_rate": LEARNING_RATE,
        "warmup_steps": max(1, steps // 8),
        "validate_every": steps,
        "validation_samples": 200,
    }
    for name, value in lever.change.items():
        table, _, last = name.rpartition(".")
        (content[table] if table else content)[last] = value
    return recipe_from_dict(content)


def of_heads(dataset: Dataset, kinds: Sequence[str]) -> Dataset:
    """The dataset with the training people alone who have such heads; with all of them if none is named."""
    return _trained_on(dataset, np.isin(dataset.labels["truth_heads"], list(kinds))) if kinds else dataset


def of_people(dataset: Dataset, most: int) -> Dataset:
    """The dataset with at most so many training people, evenly drawn."""
    people = np.unique(dataset.labels["person"][dataset.split("train")])
    return _trained_on(dataset, np.isin(dataset.labels["person"], evenly(people, most)))


def _trained_on(dataset: Dataset, kept: np.ndarray) -> Dataset:
    """The dataset with its training samples where `kept` (n,) alone; the other splits stay."""
    split = dataset.labels["split"]
    some = copy.copy(dataset)
    some.labels = dataset.labels | {"split": np.where(kept | (split != "train"), split, "")}
    return some


def evenly(values: np.ndarray, most: int) -> np.ndarray:
    """At most so many of them, evenly drawn.

    >>> evenly(np.arange(100), 3)
    array([ 0, 50, 99])
    """
    if len(values) <= most:
        return values
    return values[np.linspace(0, len(values) - 1, most).round().astype(int)]


def rendered_rows(lever: str, weights: str | Path, name: str, dataset: Dataset, split: str) -> list[Row]:
    """Errors on each kind of heads in a split, in cm with the interval over people."""
    indices, rows = dataset.split(split), []
    for heads in np.unique(dataset.labels["truth_heads"][indices]):
        own = evenly(indices[dataset.labels["truth_heads"][indices] == heads], MOST_SAMPLES)
        labels = {name: column[own] for name, column in dataset.labels.items()}
        truth_cm = np.stack([labels["gaze_x_cm"], labels["gaze_y_cm"]], axis=1)
        error = np.linalg.norm(predict(weights, dataset, own) - truth_cm, axis=1)
        found = mean_over_frames(error, labels["person"])
        rows.append(
            Row(
                lever,
                "torch",
                name,
                split,
                f"truth_heads={heads}",
                "error",
                found.value,
                found.low,
                found.high,
                "cm",
            )
        )
    return rows


class RealPerson:
    """The frames of real_check.py, found and located once."""

    def __init__(self, git_dir: Path, every: int) -> None:
        self._tool = _functions_of(REAL_CHECK)
        rows, pictures = self._tool.material(git_dir)
        tracker = tt.FaceTracker(tt.open_finder(), tt.open_locator())
        screen_cm, blocks = self._tool.SCREEN_CM, self._tool.BLOCKS
        self._seen, truth_cm, block = [], [], []
        for number in range(1, len(rows), every):
            if (number * blocks // len(rows)) % 2:
                continue  # kept back
            packed = np.frombuffer(pictures[rows[number]["File Path Face Image"]], np.uint8)
            crop = cv2.cvtColor(cv2.imdecode(packed, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
            tracker.reset()
            face = tracker.update(self._tool.in_a_frame(crop)).face
            if face is None or eyes_closed(face.landmarks):
                continue
            dot = rows[number - 1]  # labels lag by one frame
            x, y = float(dot["x"]) / 1920 - 0.5, float(dot["y"]) / 1080
            self._seen.append((crop, face))
            truth_cm.append((x * screen_cm[0], -1 - y * screen_cm[1]))
            block.append(number * blocks // len(rows))
        self._truth_cm, self._block = np.array(truth_cm), np.array(block)

    def rows(self, lever: str, weights: str | Path) -> list[Row]:
        """Error without calibration, its bias, and the errors after 5 and 13 frames of calibration."""
        model = tt.GazeModel.load(weights)
        points = (model.predict(self._tool.in_a_frame(crop), face) for crop, face in self._seen)
        gaze_cm = np.array([(point.x_cm, point.y_cm) for point in points])
        missed_cm = gaze_cm - self._truth_cm
        values = {
            "error": float(np.linalg.norm(missed_cm, axis=1).mean()),
            "bias_x": float(missed_cm[:, 0].mean()),
            "bias_y": float(missed_cm[:, 1].mean()),
        }
        for frames in (5, 13):
            calibrated = self._tool.calibrated(gaze_cm, self._truth_cm, self._block, frames)
            values[f"error_{frames}_shrunk"] = calibrated["shrunk"]
        return [
            Row(lever, "torch", REAL, "test", "all", name, value, unit="cm") for name, value in values.items()
        ]


@lru_cache
def opened(folders: tuple[Path, ...]) -> Dataset:
    """The dataset in these folders, opened when something is first asked of it."""
    return Dataset.open(folders)


real_person = lru_cache(RealPerson)


def _functions_of(script: Path) -> Any:
    """A script that ends in a call of its main, without that call."""
    module = types.ModuleType(script.stem)
    source = script.read_text().rstrip().removesuffix("main()")
    exec(compile(source, str(script), "exec"), module.__dict__)
    return module


def table_of(network: str, rows: Sequence[Row]) -> str:
    """A network's levers down, what they were measured on across, as Markdown."""
    sets = list(dict.fromkeys((row.data, row.split, row.group) for row in rows if row.metric == "error"))
    columns = [(*one, "error") for one in sorted(sets, key=lambda one: one[0] == REAL)]
    columns += [(REAL, "test", "all", name) for name in ("bias_y", "error_5_shrunk", "error_13_shrunk")]
    found = {(row.model, row.data, row.split, row.group, row.metric): row.value for row in rows}
    columns = [column for column in columns if (CONTROL, *column) in found]
    lines = []
    what = {START: "before those steps; int8 if they are released ones"} | {
        name: lever.what for name, lever in LEVERS[network].items()
    }
    for lever in (name for name in what if any(row.model == name for row in rows)):
        cells = []
        for column in columns:
            value = found.get((lever, *column))
            text = "" if value is None else f"{value:+.1f}" if column[3] == "bias_y" else f"{value:.2f}"
            cells.append(text)
        lines.append((lever, what[lever], *cells))
    return markdown(("lever", "what it is", *(f"{_heading(*column)} >" for column in columns)), lines)


def _heading(data: str, split: str, group: str, metric: str) -> str:
    if data == REAL:
        names = {
            "error": "zero-shot",
            "bias_y": "bias y",
            "error_5_shrunk": "5 frames",
            "error_13_shrunk": "13 frames",
        }
        return f"{data}, {names[metric]}"
    return f"{data}, {group.removeprefix('truth_heads=')}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="prepared datasets to train on")
    parser.add_argument("--check", action="append", default=[], metavar="NAME=DATASET")
    parser.add_argument("--real", type=Path, metavar="GIT_DIR")
    parser.add_argument("--real-every", type=int, default=1, help="of the real frames, each so-manieth")
    parser.add_argument("--network", choices=LEVERS, default="tinytracker-eyes")
    parser.add_argument("--start", help="the first weights of every run, the released ones if none are named")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--people", type=int, default=100_000, help="to train on, at most")
    parser.add_argument("--levers", nargs="+", metavar="LEVER", help="some of them: see LEVERS")
    parser.add_argument("--runs", type=Path, default=Path("out/levers"), help="folder for runs and rows")
    parser.add_argument("--write", action="store_true", help="docs/data and docs/training.md")
    arguments = parser.parse_args()
    network, start = arguments.network, arguments.start or arguments.network
    levers = arguments.levers or [START, *LEVERS[network]]
    if unknown := set(levers) - {START, *LEVERS[network]}:
        parser.error(f"{network} has no lever {sorted(unknown)}; it has {', '.join(LEVERS[network])}")
    data = tuple(arguments.data)
    checks = {"validation": (data, "val")}
    for check in arguments.check:
        name, _, folder = check.partition("=")
        checks[name] = ((Path(folder),), "test")
    kept = arguments.runs / f"levers-{network}.csv"
    rows = read_rows(kept) if kept.exists() else []
    for lever in levers:
        weights: str | Path = start
        if lever != START:
            out = arguments.runs / network / lever.replace(" ", "-").replace(",", "")
            weights = out / "last.safetensors"
            if not weights.exists():
                one = LEVERS[network][lever]
                recipe = recipe_of(network, one, start, arguments.steps)
                with progress_bar(lever) as progress:
                    people = of_heads(of_people(opened(data), arguments.people), one.heads)
                    train(recipe, people, out, seed=one.seed, resume=True, progress=progress)
        measured = {row.data for row in rows if row.model == lever}
        for name, (folders, split) in checks.items():
            if name not in measured:
                rows += rendered_rows(lever, weights, name, opened(folders), split)
        if arguments.real and REAL not in measured:
            rows += real_person(arguments.real, arguments.real_every).rows(lever, weights)
        write_rows(rows, kept)
        print(table_of(network, rows), flush=True)
    if arguments.write:
        write_rows(rows, rows_of(network))
        put_table(DOCUMENT, f"levers of {network}", table_of(network, rows))


if __name__ == "__main__":
    try:
        main()
    except TinytrackerError as error:
        raise SystemExit(f"error: {error}") from None
