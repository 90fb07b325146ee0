"""The whole study: people -> dataset -> four trained networks -> int8 files -> one table like the paper's.

Every stage leaves files under one folder and takes up what is already there, so a study that was stopped goes
on where it was: people.json, recordings/, dataset/, train/NAME/, export/NAME_{float,int8}.tflite,
results.csv, table.csv, table.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from tinytracker.data.dataset import Dataset
from tinytracker.data.prepare import PrepareOptions, prepare
from tinytracker.data.store import MANIFEST_FILE
from tinytracker.errors import InputError
from tinytracker.evaluation.evaluate import evaluate
from tinytracker.files import begin_with
from tinytracker.progress import Progress
from tinytracker.results import Row, write_rows
from tinytracker.study.making import TEACHER, Making
from tinytracker.study.plan import Plan
from tinytracker.study.table import Line, line_of, rows_of
from tinytracker.study.workers import run_side_by_side

Bar = Callable[[str], AbstractContextManager[Progress]]

PEOPLE_FILE = "people.json"
# In the order in which they are begun: what others learn from, and what takes long, first.
NETWORKS = (TEACHER, "itracker", "tinytracker", "tinytracker-s")


def run_study(plan: Plan, data: Path | None, jobs: int, bar: Bar) -> tuple[list[Line], list[Row]]:
    """Runs a study; returns the table's lines, in the order of NETWORKS, and every row of the evaluation.

    data: a prepared dataset or recordings to use in place of rendered people. jobs: processes. bar: makes a
    progress bar of a title. Raises what the stages raise.
    """
    dataset = _dataset(plan, data, jobs, bar)
    with bar("Training and exporting") as update:
        makings = {name: Making.of(name, dataset, plan) for name in NETWORKS}
        missing = [name for name in NETWORKS if not makings[name].is_done()]
        tasks = [makings[name].as_task(missing) for name in missing]
        run_side_by_side(tasks, jobs, update)
    with bar("Evaluating") as update:
        paths = [path for name in NETWORKS for path in plan.exported(name)]
        rows = evaluate(paths, Dataset.open(dataset), "test", jobs=jobs, progress=update).rows
    with bar("Timing") as update:
        lines = [
            line_of(name, *plan.exported(name), rows, plan.budget.latency_runs)
            for name in _counted(NETWORKS, update)
        ]
    write_rows([*rows, *rows_of(lines, rows)], plan.out / "results.csv")
    return lines, rows


def _counted(names: tuple[str, ...], update: Progress) -> Iterator[str]:
    for done, name in enumerate(names):
        yield name
        update(done + 1, len(names))


def _dataset(plan: Plan, data: Path | None, jobs: int, bar: Bar) -> Path:
    """The dataset's folder: the one given, or one prepared from what was given or rendered."""
    if data is not None and (data / MANIFEST_FILE).exists():
        return data
    if data is not None and not data.is_dir():
        raise InputError(
            f"{data} is no folder; expected a dataset made by `tinytracker prepare`, or recordings"
        )
    dataset = plan.out / "dataset"
    recordings = _rendered(plan, dataset, jobs, bar) if data is None else data
    with bar("Preparing") as update:
        prepare(recordings, dataset, PrepareOptions(), jobs, progress=update)
    return dataset


def _rendered(plan: Plan, dataset: Path, jobs: int, bar: Bar) -> Path:
    """The folder of the plan's people, who are rendered unless the dataset is there already."""
    from tinytracker.synthetic.writer import Share, SynthOptions, synthesise

    recordings, rendered = plan.out / "recordings", plan.budget.rendered
    people = [f"{some.people} makehuman people of seed {plan.seed + some.seed}" for some in rendered]
    begin_with(plan.out / PEOPLE_FILE, {"people": people}, "another folder")
    if (dataset / MANIFEST_FILE).exists():
        return recordings
    for some in rendered:
        options, share = SynthOptions(plan.seed + some.seed, some.frames), Share(splits=some.splits)
        with bar("Rendering people") as update:
            synthesise(recordings, some.people, options, jobs, progress=update, share=share)
    return recordings
