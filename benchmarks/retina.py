"""What the networks for event cameras are worth: ours beside Retina's, on people nobody learnt from.

    S="--sensor davis346,dvxplorer,speck"
    tinytracker synth eyes eyes --people 120 --seconds 1.5 $S --split train
    tinytracker synth eyes eyes --people 24 --seconds 1.5 $S --seed 1 --split val
    tinytracker synth eyes others --people 63 --seconds 1.2 $S --seed 77 --split test
    tinytracker prepare eyes dataset
    tinytracker prepare others unseen
    python benchmarks/retina.py compare dataset unseen runs              # ours and Retina's ANN, three seeds
    python benchmarks/retina.py spiking dataset unseen runs              # Retina's SNN, and in whole numbers
    python benchmarks/retina.py release exported/pupil_int8.tflite dataset unseen --trained-on "in words" \\
        --made-by "tinytracker synth eyes ..." --made-by "tinytracker prepare ..." ...
    python benchmarks/retina.py ablation pose=far,leds=dim runs usual=dataset pose=no-pose leds=no-leds
    python benchmarks/retina.py closures pupil unseen                    # which closed eyes are missed

`compare` trains both recipes for the same steps of as many windows, and stands beside them
always-the-mean; --same-windows adds Retina's ANN with our windows, from which noise is left out (its authors'
have it). All are scored at the same moments.
`spiking` runs Retina's SNN in reals and in whole numbers. `release` puts an int8 file into the package as
`pupil`, with what it is worth on its card. `ablation` trains `pupil` on datasets whose people lack a
variation (`synth eyes --fixed pose`) and measures on people who are drawn from beyond one (`--shifted
pose`), a column for each set of these. `closures` follows every closure of an eye: how soon it is called
closed, for how much of it, and what other thresholds would find. Every split of the unseen dataset is
measured on. Runs that are there already are not trained again, those that were stopped go on. All figures are
measured, on rendered people.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from terminal import progress_bar

from tinytracker.cards import InputSpec, card_path, read_card, write_card
from tinytracker.errors import TinytrackerError
from tinytracker.evaluation.again import ALL_EYES, FEW_EYES, FIGURES, Again, eye_commands, headline
from tinytracker.events.dataset import SPLITS, EventDataset
from tinytracker.events.recordings import EventRecording
from tinytracker.files import write_bytes
from tinytracker.inputs import KINDS
from tinytracker.models import create_model
from tinytracker.models.checkpoint import load_card, load_network
from tinytracker.models.count import count
from tinytracker.models.retina import Retina
from tinytracker.results import Row, read_rows, value_of
from tinytracker.retina.estimates import CLOSED, estimates_of
from tinytracker.retina.evaluate import EVERY_US, estimates_along
from tinytracker.retina.integer import IntegerRetina
from tinytracker.retina.model import PupilModel
from tinytracker.retina.recipe import load_event_recipe
from tinytracker.retina.scores import ALWAYS_MEAN, Scene, mean_centre, score, score_mean
from tinytracker.retina.sequences import Track, tracks_of, window_of
from tinytracker.retina.train import train
from tinytracker.zoo import RELEASED

SHOWN = (
    ("error_mean", "mean px of 64", 2),
    ("error_median", "median", 2),
    ("p1", "within 1, %", 1),
    ("p3", "within 3, %", 1),
    ("p5", "within 5, %", 1),
    ("p10", "within 10, %", 1),
    ("error_mean_80x60", "mean px of 80x60", 2),
    ("closed_found", "closed found, %", 1),
    ("closed_right", "closed right, %", 1),
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("compare", "spiking"):
        command = commands.add_parser(name)
        command.add_argument("data", type=Path)
        command.add_argument("unseen", type=Path)
        command.add_argument("runs", type=Path)
        command.add_argument("--same-windows", action="store_true")
    command = commands.add_parser("ablation")
    command.add_argument("unseen", metavar="NAME=DATASET,...")
    command.add_argument("runs", type=Path)
    command.add_argument("sets", nargs="+", metavar="NAME=DATASET")
    command = commands.add_parser("release")
    command.add_argument("network", type=Path)
    command.add_argument("data", type=Path)
    command.add_argument("unseen", type=Path)
    command.add_argument("--trained-on", required=True, help="the people, in words")
    command.add_argument(
        "--made-by", action="append", required=True, metavar="COMMAND", help="a line that makes the weights"
    )
    for command in commands.choices.values():
        command.add_argument("--steps", type=int)
        command.add_argument("--seeds", type=int, default=3)
        command.add_argument("--int8", type=Path, help="an int8 .tflite to stand beside them")
    command = commands.add_parser("closures")
    command.add_argument("network", help="a released network of pupils, or a file of one")
    command.add_argument("unseen", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "closures":
        print_closures(arguments.network, EventDataset.open(arguments.unseen))
    elif arguments.command == "release":
        release(arguments)
    elif arguments.command == "ablation":
        print_ablation(arguments)
    elif arguments.command == "spiking":
        print_spiking(arguments)
    else:
        print_comparison(arguments)


def print_comparison(arguments: argparse.Namespace) -> None:
    data = EventDataset.open(arguments.data)
    ours = load_event_recipe("pupil")
    among = create_model(ours.model, **ours.options).spec.inputs[0].window_among
    runs = {}
    for name, recipe, options in (
        ("retina-ann", "retina-ann", {}),
        ("retina-ann, our windows", "retina-ann", {"window_among": among}),
        ("pupil", "pupil", {}),
    ):
        if not options or arguments.same_windows:
            folder = name.replace(", our windows", "-ours")
            seeds = range(arguments.seeds)
            runs[name] = [trained(recipe, data, arguments, seed, folder, options) for seed in seeds]
    if arguments.int8:
        runs[arguments.int8.stem] = [arguments.int8]
    scenes = unseen_scenes(arguments.unseen, data, {name: sees(paths[0]) for name, paths in runs.items()})
    columns = {name: [scored(path, scenes[name]) for path in paths] for name, paths in runs.items()}
    scene = next(iter(scenes.values()))
    columns[ALWAYS_MEAN] = [score_mean(scene)]
    people, sensors = len({track.person for track in scene.tracks}), groups(columns, "sensor=")
    table = Table(
        title=f"{people} unseen rendered eyes, mean and spread (s.d.) of {arguments.seeds} seeds, measured"
    )
    table.add_column("")
    for name in columns:
        table.add_column(name, justify="right")
    for metric, heading, decimals in SHOWN:
        table.add_row(heading, *(cell(rows, metric, "all", decimals) for rows in columns.values()))
    for group in ("blink=near", "blink=far", *sensors):
        table.add_row(f"mean px, {group}", *(cell(rows, "error_mean", group, 2) for rows in columns.values()))
    Console().print(table)


def print_spiking(arguments: argparse.Namespace) -> None:
    data = EventDataset.open(arguments.data)
    path = trained("retina", data, arguments, 0)
    scene = unseen_scene(arguments.unseen, data, path)
    network = load_network(path)
    assert isinstance(network, Retina)
    chip, operations, windows, spikes = IntegerRetina(network), 0, 0, np.zeros(9, np.int64)
    whole = []
    with progress_bar("In whole numbers") as update:
        for done, track in enumerate(scene.tracks, start=1):
            run = chip.run(track.planes())
            whole.append(estimates_of(run.outputs, "pupil_grid"))
            operations, windows = operations + int(run.operations.sum()), windows + len(track)
            spikes += run.spikes
            update(done, len(scene.tracks))
    table = Table(title="Retina's SNN, measured", show_header=True)
    for heading in ("", "mean px of 64", "median"):
        table.add_column(heading)
    for name, rows in (
        ("reals", scored(path, scene)),
        ("whole numbers", score("whole", "integer", whole, scene)),
        (ALWAYS_MEAN, score_mean(scene)),
    ):
        table.add_row(name, cell([rows], "error_mean", "all", 3), cell([rows], "error_median", "all", 3))
    Console().print(table)
    Console().print(
        f"synaptic operations of a window: {operations / windows:,.0f} of {count(network).macs:,} multiply-"
        f"accumulates if nothing were sparse; spikes a window by layer: "
        f"{(spikes / windows).round(0).tolist()}"
    )


def print_ablation(arguments: argparse.Namespace) -> None:
    sets = dict(one.split("=", 1) for one in arguments.sets)
    learnt = EventDataset.open(Path(next(iter(sets.values()))))
    shifted = dict(one.split("=", 1) for one in arguments.unseen.split(","))
    runs = {}
    for name, folder in sets.items():
        data = EventDataset.open(Path(folder))
        runs[name] = [
            trained("pupil", data, arguments, seed, f"ablation-{name}") for seed in range(arguments.seeds)
        ]
    first = next(iter(runs.values()))[0]
    scenes = [unseen_scene(Path(folder), learnt, first) for folder in shifted.values()]
    table = Table(title="pupil, trained without a variation, on shifted people: mean px of 64, measured")
    for heading in ("trained", *shifted):
        table.add_column(heading)
    for name, paths in runs.items():
        found = [[scored(path, scene) for path in paths] for scene in scenes]
        title = name if name == "usual" else f"without {name}"
        table.add_row(title, *(cell(rows, "error_mean", "all", 2) for rows in found))
    table.add_row(ALWAYS_MEAN, *(cell([score_mean(scene)], "error_mean", "all", 2) for scene in scenes))
    Console().print(table)


def print_closures(network: str, unseen: EventDataset) -> None:
    window = window_of(PupilModel.load(network).window)
    recordings = [one for split in SPLITS if unseen.names(split) for one in unseen.recordings(split)]
    tracks = tracks_of(recordings, window, EVERY_US)
    estimates = estimates_along(network, tracks)[1]
    table = Table(title=f"closures of {len({track.person for track in tracks})} rendered eyes, measured")
    for heading in ("recording", "from, ms", "windows", "missed", "first called closed after, ms"):
        table.add_column(heading, justify="right")
    for track, said in zip(tracks, estimates, strict=True):
        for first, end in runs_of(track.closed):
            called = said.closed[first:end] >= CLOSED
            soonest = f"{np.argmax(called) * track.every_us / 1e3:.0f}" if called.any() else "never"
            from_ms = f"{track.at_us[first] / 1e3:.0f}"
            table.add_row(track.name, from_ms, f"{len(called)}", f"{(~called).sum()}", soonest)
    Console().print(table)
    chances = np.concatenate([one.closed for one in estimates])
    closed = np.concatenate([track.closed for track in tracks])
    for least in (0.3, 0.4, CLOSED, 0.6):
        found = chances >= least
        Console().print(
            f"closed from {least} on: {found[closed].sum()} of {closed.sum()} found, "
            f"{found[closed].mean():.1%}; of {found.sum()} called so {closed[found].mean():.1%} are"
        )


def runs_of(true: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and end of each run of what is true.

    >>> runs_of(np.array([True, False, True, True]))
    [(0, 1), (2, 4)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], true, [False]]).astype(np.int8)))
    return [(int(first), int(end)) for first, end in edges.reshape(-1, 2)]


def release(arguments: argparse.Namespace) -> None:
    scene = unseen_scene(arguments.unseen, EventDataset.open(arguments.data), arguments.network)
    rows, mean = scored(arguments.network, scene), score_mean(scene)
    unseen: dict[str, Any] = {"people": len({track.person for track in scene.tracks}), "how": "measured"}
    for name, found in (("all", rows), (ALWAYS_MEAN, mean)):
        unseen[name] = {row.metric: round(row.value, 3) for row in found if row.group == "all"}
    for group in groups({"": [rows]}, "sensor="):
        row = value_of(rows, rows[0].model, "error_mean", group)
        assert row is not None
        unseen[group] = {"error_mean": round(row.value, 3)}
    unseen["again"] = again(rows[0].model, rows, eye_commands("pupil", ALL_EYES))
    card = read_card(card_path(arguments.network))
    data = {**card.data, "trained_on": arguments.trained_on, "commands": arguments.made_by}
    results = {**card.results, "unseen rendered eyes": unseen}
    recipe = {**card.recipe, "start": ""}  # a file of ours; the commands say how it came about
    released = replace(card, name="pupil", data=data, results=results, recipe=recipe)
    write_bytes(RELEASED / "pupil.tflite", arguments.network.read_bytes())
    write_card(released, RELEASED / "pupil.json")
    few = eye_commands("pupil", FEW_EYES)
    with tempfile.TemporaryDirectory() as folder:
        for line in few:
            command = [sys.executable, "-m", "tinytracker", *shlex.split(line)[1:]]
            subprocess.run(command, cwd=folder, check=True)
        small = again("pupil", read_rows(Path(folder) / FIGURES), few)
    write_card(replace(released, results={**results, "again in small": small}), RELEASED / "pupil.json")
    Console().print(unseen["all"])


def again(model: str, rows: list[Row], lines: tuple[str, ...]) -> dict[str, Any]:
    row = headline(rows, model)
    return Again(lines, row.metric, round(row.value, 4), row.unit).as_dict()


def sees(network: Path) -> InputSpec:
    """The window of events that a network's file sees."""
    card = read_card(card_path(network)) if network.suffix == ".tflite" else load_card(network)
    return next(spec for spec in card.inputs if KINDS[spec.kind].planes)


def unseen_scene(folder: Path, learnt: EventDataset, network: Path) -> Scene:
    """All recordings of a dataset, whatever their split, as a network sees them; always-the-mean is of the
    people learnt from."""
    return unseen_scenes(folder, learnt, {"": sees(network)})[""]


def unseen_scenes(folder: Path, learnt: EventDataset, inputs: dict[str, InputSpec]) -> dict[str, Scene]:
    """The same for several networks: of each recording the moments at which all of them have begun."""
    unseen = EventDataset.open(folder)
    if shared := set(unseen.people()) & {*learnt.people("train"), *learnt.people("val")}:
        raise SystemExit(f"{len(shared)} people are in both datasets; render others with --seed")
    recordings: list[EventRecording] = []
    for split in SPLITS:
        if unseen.names(split):
            recordings += unseen.recordings(split)
    begun: dict[str, int] = {}
    cut: dict[str, list[Track]] = {}
    for name, spec in inputs.items():
        cut[name] = tracks_of(recordings, window_of(spec), EVERY_US)
        for track in cut[name]:
            begun[track.name] = max(begun.get(track.name, 0), int(track.at_us[0]))
    every = [{track.name for track in tracks} for tracks in cut.values()]
    kept = set.intersection(*every)
    window = window_of(next(iter(inputs.values())))
    mean = mean_centre(tracks_of(learnt.recordings("train"), window, EVERY_US))
    return {
        name: Scene(
            unseen.folder.name,
            "all",
            [from_time(track, begun[track.name]) for track in tracks if track.name in kept],
            mean,
        )
        for name, tracks in cut.items()
    }


def from_time(track: Track, at_us: int) -> Track:
    first = int(np.searchsorted(track.at_us, at_us))
    columns = ("packed", "at_us", "newest_us", "centre", "closed", "openness")
    return replace(track, **{column: getattr(track, column)[first:] for column in columns})


def trained(
    recipe: str,
    data: EventDataset,
    arguments: argparse.Namespace,
    seed: int,
    name: str = "",
    options: dict[str, Any] | None = None,
) -> Path:
    """The best checkpoint of a run, made or gone on with where it is not whole."""
    chosen = load_event_recipe(recipe)
    chosen = replace(chosen, options={**chosen.options, **(options or {})})
    if arguments.steps:
        chosen = replace(chosen.quick(arguments.steps), validate_every=max(1, arguments.steps // 4))
    out = arguments.runs / f"{name or recipe}-{seed}"
    with progress_bar(f"{name or recipe}, seed {seed}") as update:
        return train(chosen, data, out, seed=seed, resume=True, progress=update).best


def scored(path: Path, scene: Scene) -> list[Row]:
    with progress_bar(f"Scoring {path.parent.name}") as update:
        target, estimates = estimates_along(path, scene.tracks, update)
    return score(path.stem, target, estimates, scene)


def cell(columns: Sequence[list[Row]], metric: str, group: str, decimals: int) -> str:
    found = [value_of(rows, rows[0].model, metric, group) for rows in columns]
    values = np.array([row.value for row in found if row is not None])
    if not len(values):
        return "-"
    spread = f" ± {values.std(ddof=1):.{decimals}f}" if len(values) > 1 else ""
    return f"{values.mean():.{decimals}f}{spread}"


def groups(columns: dict[str, list[list[Row]]], kind: str) -> list[str]:
    rows = next(iter(columns.values()))[0]
    return sorted({row.group for row in rows if row.group.startswith(kind)})


if __name__ == "__main__":
    try:
        main()
    except TinytrackerError as error:
        raise SystemExit(f"error: {error}") from None
