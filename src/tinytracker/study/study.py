"""The whole study: people -> dataset -> four trained networks -> int8 files -> one table like the paper's.

Every stage leaves files under one folder and takes up what is already there, so a study that was stopped goes
on where it was: people.json, recordings/, dataset/, train/NAME/, export/NAME_{float,int8}.tflite,
results.csv, table.csv, table.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tinytracker.cards import ModelCard, card_path, read_card
from tinytracker.data.dataset import Dataset
from tinytracker.data.prepare import PrepareOptions, prepare
from tinytracker.data.recording import Split
from tinytracker.data.store import MANIFEST_FILE
from tinytracker.errors import InputError
from tinytracker.evaluation.evaluate import evaluate
from tinytracker.evaluation.latency import measure_latency
from tinytracker.files import begin_with, read_json, sha256, write_text
from tinytracker.progress import Progress
from tinytracker.results import Row, write_rows
from tinytracker.study.workers import Task, run_side_by_side

Update = Progress
Bar = Callable[[str], AbstractContextManager[Update]]

TEACHER = "tinytracker-eyes"
PEOPLE_FILE = "people.json"
# In the order in which they are begun: what others learn from, and what takes long, first.
NETWORKS = (TEACHER, "itracker", "tinytracker", "tinytracker-s")
STUDENTS = ("tinytracker", "tinytracker-s")


@dataclass(frozen=True, slots=True)
class Rendered:
    """Some of a study's people, as `synth` renders them. seed: what the study's own seed is added to. frames:
    per person. splits: only the people of these, of all if none is named."""

    seed: int
    people: int
    frames: int
    splits: tuple[Split, ...] = ()


@dataclass(frozen=True, slots=True)
class Budget:
    """How much of everything: the one place to tune.

    rendered: the people. steps: of training per network; one that is not named takes its
    recipe's own.
    validation_samples: at most, at each of training's validations; a training whose steps are named here
    validates once, at
    its end. calibration_samples, check_samples: of quantisation. qat_steps: of fake-quant training where
    calibration alone costs
    more than 0.05 cm. latency_runs: timed runs per network.
    """

    rendered: tuple[Rendered, ...]
    steps: Mapping[str, int]
    validation_samples: int
    calibration_samples: int
    check_samples: int
    qat_steps: int
    latency_runs: int


# Seconds per step (batch 64; teacher and observer asked) on two idle cores, without AVX-512 and with it: eyes
# 0.26, 0.09; TinyTracker 0.49, 0.22; TinyTracker-S 0.25, 0.13; iTracker 11, 4.5. The first core trains eyes,
# then TinyTracker; the second iTracker, then TinyTracker-S.
QUICK = Budget(
    rendered=(Rendered(0, 240, 20),),
    steps={"tinytracker-eyes": 1000, "itracker": 15, "tinytracker": 600, "tinytracker-s": 900},
    validation_samples=200,
    calibration_samples=150,
    check_samples=150,
    qat_steps=0,
    latency_runs=200,
)
# The people whom the released networks were trained on last, and those whom the cards' figures are of
# (evaluation.again). Weights are fresh ones here; the released ones went on from those before them
# (docs/training.md).
FULL = Budget(
    rendered=(
        Rendered(7411, 13000, 4, ("train", "val")),
        Rendered(22, 4100, 12, ("test",)),
    ),
    steps={},
    validation_samples=2000,
    calibration_samples=500,
    check_samples=2000,
    qat_steps=300,
    latency_runs=1000,
)


@dataclass(frozen=True, slots=True)
class Line:
    """One network's line of the table. Errors in cm with the ends of their 95 % interval over people; bytes
    of the files; latency of the engine alone, LiteRT on one thread."""

    name: str
    input: str
    steps: int
    parameters: int
    macs: int
    float_bytes: int
    int8_bytes: int
    error_float_cm: float
    error_int8_cm: float
    error_int8_low_cm: float
    error_int8_high_cm: float
    share_of_mean: float
    float_ms: float
    int8_ms: float

    @property
    def loss_cm(self) -> float:
        """What quantisation costs."""
        return self.error_int8_cm - self.error_float_cm


def run_study(
    out: Path, budget: Budget, data: Path | None, jobs: int, seed: int, bar: Bar
) -> tuple[list[Line], list[Row]]:
    """Runs the study under `out`; returns the table's lines, in the order of NETWORKS, and every row of the
    evaluation.

    data: a prepared dataset or recordings to use in place of rendered people. jobs: processes. bar: makes a
    progress bar of a title. Raises what the stages raise.
    """
    dataset = _dataset(out, budget, data, jobs, seed, bar)
    with bar("Training and exporting") as update:
        makings = {name: _Making.of(name, dataset, out, budget, seed) for name in NETWORKS}
        missing = [name for name in NETWORKS if not makings[name].is_done()]
        tasks = [makings[name].as_task(missing) for name in missing]
        run_side_by_side(tasks, jobs, update)
    with bar("Evaluating") as update:
        paths = [path for name in NETWORKS for path in _exported(out, name)]
        rows = evaluate(paths, Dataset.open(dataset), "test", jobs=jobs, progress=update).rows
    with bar("Timing") as update:
        lines = [_line(name, *_exported(out, name), rows, budget) for name in _counted(NETWORKS, update)]
    write_rows([*rows, *_latency_rows(lines, rows)], out / "results.csv")
    return lines, rows


def _counted(names: tuple[str, ...], update: Update) -> Iterator[str]:
    for done, name in enumerate(names):
        yield name
        update(done + 1, len(names))


def _dataset(out: Path, budget: Budget, data: Path | None, jobs: int, seed: int, bar: Bar) -> Path:
    """The dataset's folder: the one given, or one prepared from what was given or rendered."""
    if data is not None and (data / MANIFEST_FILE).exists():
        return data
    if data is not None and not data.is_dir():
        raise InputError(
            f"{data} is no folder; expected a dataset made by `tinytracker prepare`, or recordings"
        )
    recordings = data if data is not None else out / "recordings"
    if data is None:
        people = [f"{some.people} makehuman people of seed {seed + some.seed}" for some in budget.rendered]
        begin_with(out / PEOPLE_FILE, {"people": people}, "another folder")
    if data is None and not (out / "dataset" / MANIFEST_FILE).exists():
        from tinytracker.synthetic.writer import Share, SynthOptions, synthesise

        for some in budget.rendered:
            options, share = SynthOptions(seed + some.seed, some.frames), Share(splits=some.splits)
            with bar("Rendering people") as update:
                synthesise(recordings, some.people, options, jobs, progress=update, share=share)
    with bar("Preparing") as update:
        prepare(recordings, out / "dataset", PrepareOptions(), jobs, progress=update)
    return out / "dataset"


@dataclass(frozen=True, slots=True)
class _Making:
    """The training and export of one network: all it hangs on, and the stamps that say what is done.

    recipe: as plain values. after: the networks it learns from.
    """

    name: str
    recipe: dict[str, Any]
    dataset: Path
    out: Path
    budget: Budget
    seed: int
    after: tuple[str, ...]

    @classmethod
    def of(cls, name: str, dataset: Path, out: Path, budget: Budget, seed: int) -> _Making:
        from tinytracker.training.recipe import load_recipe

        recipe = replace(load_recipe(name), validation_samples=budget.validation_samples)
        if name in budget.steps:
            steps = budget.steps[name]
            recipe = replace(recipe.quick(steps), validate_every=steps)
        if name not in STUDENTS:
            return cls(name, recipe.as_dict(), dataset, out, budget, seed, ())
        distillation = replace(recipe.distillation, checkpoint=str(_checkpoint(out, TEACHER)))
        return cls(
            name, replace(recipe, distillation=distillation).as_dict(), dataset, out, budget, seed, (TEACHER,)
        )

    def as_task(self, missing: list[str]) -> Task:
        """missing: the networks that are still to be made."""
        after = tuple(name for name in self.after if name in missing)
        return Task(self.name, _train_and_export, (self,), self.recipe["steps"], after)

    def is_done(self) -> bool:
        return self.trained().is_there() and self.exported().is_there()

    def trained(self) -> _Stamp:
        teachers = {name: _sha256_of(_checkpoint(self.out, name)) for name in self.after}
        made_of = {
            "recipe": self.recipe,
            "dataset": sha256(self.dataset / MANIFEST_FILE),
            "seed": self.seed,
            "teachers": teachers,
        }
        return _Stamp(self.out / "train" / self.name / "done.json", made_of)

    def exported(self) -> _Stamp:
        budget = self.budget
        quantisation = {
            "samples": budget.calibration_samples,
            "check": budget.check_samples,
            "qat": budget.qat_steps,
        }
        checkpoint = _sha256_of(_checkpoint(self.out, self.name))
        files = {path.name: _sha256_of(path) for path in _exported(self.out, self.name)}
        return _Stamp(
            self.out / "export" / f"{self.name}.done",
            {"checkpoint": checkpoint, **quantisation, "files": files},
        )


def _train_and_export(making: _Making, progress: Update) -> None:
    """One network, in a process of its own; what was done before is not done again, a run that was stopped
    is taken up."""
    from tinytracker.training.recipe import recipe_from_dict
    from tinytracker.training.train import train

    if not making.trained().is_there():
        # The last tenth of the bar is the export.
        train(
            recipe_from_dict(making.recipe),
            Dataset.open(making.dataset),
            making.out / "train" / making.name,
            seed=making.seed,
            resume=True,
            progress=lambda done, total: progress(9 * done, 10 * total),
        )
        making.trained().write()
    if not making.exported().is_there():
        _export(making.name, making.dataset, making.out, making.budget, making.seed)
        making.exported().write()
    progress(1, 1)


def _sha256_of(path: Path) -> str:
    return sha256(path) if path.exists() else ""


def _checkpoint(out: Path, name: str) -> Path:
    return out / "train" / name / "best.safetensors"


def _exported(out: Path, name: str) -> tuple[Path, Path]:
    """The float and the int8 file."""
    return out / "export" / f"{name}_float.tflite", out / "export" / f"{name}_int8.tflite"


def _export(name: str, dataset: Path, out: Path, budget: Budget, seed: int) -> None:
    from tinytracker.models.checkpoint import load_card, load_network
    from tinytracker.quantization.ground import FaceGround
    from tinytracker.targets.litert.package import Int8Options, export_float, export_int8

    checkpoint = _checkpoint(out, name)
    network, card = load_network(checkpoint), replace(load_card(checkpoint), name=name)
    float_file = export_float(network, card, out / "export").path
    options = Int8Options(
        calibration_samples=budget.calibration_samples,
        check_samples=budget.check_samples,
        steps_if_needed=budget.qat_steps,
        seed=seed,
    )
    export_int8(network, card, float_file, FaceGround(Dataset.open(dataset), card), out / "export", options)


def _line(name: str, float_file: Path, int8_file: Path, rows: list[Row], budget: Budget) -> Line:
    card = read_card(card_path(int8_file))
    by_metric = {
        (path, row.metric): row
        for row in rows
        if row.group == "all"
        for path in (float_file, int8_file)
        if row.model == path.stem
    }
    error = by_metric[int8_file, "error"]
    counts = read_card(card_path(float_file)).counts
    return Line(
        name=name,
        input=" + ".join(_input(card)),
        steps=int(card.recipe.get("steps", 0)),
        parameters=counts["parameters"],
        macs=counts["macs"],
        float_bytes=float_file.stat().st_size,
        int8_bytes=int8_file.stat().st_size,
        error_float_cm=by_metric[float_file, "error"].value,
        error_int8_cm=error.value,
        error_int8_low_cm=error.low,
        error_int8_high_cm=error.high,
        share_of_mean=by_metric[int8_file, "share_of_mean"].value,
        float_ms=measure_latency(float_file, budget.latency_runs).median_ms,
        int8_ms=measure_latency(int8_file, budget.latency_runs).median_ms,
    )


def _input(card: ModelCard) -> Iterator[str]:
    """What a network eats, briefly: "face 112x112x5", "2 eyes 64x64x3", "box"."""
    shapes = {spec.kind: "x".join(map(str, spec.shape)) for spec in card.inputs}
    if "face" in shapes:
        yield f"face {shapes['face']}"
    if "left_eye" in shapes:
        yield f"2 eyes {shapes['left_eye']}"
    yield from (name for kind, name in (("face_box", "box"), ("face_grid", "grid")) if kind in shapes)


def _latency_rows(lines: list[Line], rows: list[Row]) -> list[Row]:
    """The table's other figures, as rows like the evaluation's."""
    data, split = rows[0].data, rows[0].split
    found = []
    for line in lines:
        for number_format, milliseconds, size in (
            ("float", line.float_ms, line.float_bytes),
            ("int8", line.int8_ms, line.int8_bytes),
        ):
            model = f"{line.name}_{number_format}"
            found.append(Row(model, "litert", data, split, "all", "latency_median", milliseconds, unit="ms"))
            found.append(Row(model, "litert", data, split, "all", "size", size, unit="bytes"))
    return found


@dataclass(frozen=True, slots=True)
class _Stamp:
    """Says that a stage is whole and what it was made of."""

    path: Path
    made_of: dict[str, Any]

    def is_there(self) -> bool:
        try:
            return read_json(self.path) == json.loads(json.dumps(self.made_of))
        except (OSError, ValueError):
            return False

    def write(self) -> None:
        write_text(self.path, json.dumps(self.made_of, indent=1) + "\n")


def write_lines(lines: list[Line], path: Path) -> None:
    """The table's lines as CSV, whole or not at all."""
    import csv
    import io

    text = io.StringIO()
    writer = csv.DictWriter(text, [*asdict(lines[0]), "loss_cm"], lineterminator="\n")
    writer.writeheader()
    for line in lines:
        writer.writerow({**asdict(line), "loss_cm": line.loss_cm})
    write_text(path, text.getvalue())
