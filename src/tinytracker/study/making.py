"""Making one network of a study: its training, its export, and the stamps that say what is done."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tinytracker.data.dataset import Dataset
from tinytracker.data.store import MANIFEST_FILE
from tinytracker.files import read_json, sha256, write_text
from tinytracker.progress import Progress
from tinytracker.study.plan import Plan
from tinytracker.study.workers import Task

TEACHER = "tinytracker-eyes"
STUDENTS = ("tinytracker", "tinytracker-s")


@dataclass(frozen=True, slots=True)
class Stamp:
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


@dataclass(frozen=True, slots=True)
class Making:
    """The training and export of one network, and all they hang on.

    recipe: as plain values. after: the networks it learns from.
    """

    name: str
    recipe: dict[str, Any]
    dataset: Path
    plan: Plan
    after: tuple[str, ...]

    @classmethod
    def of(cls, name: str, dataset: Path, plan: Plan) -> Making:
        from tinytracker.training.recipe import load_recipe

        budget = plan.budget
        recipe = replace(load_recipe(name), validation_samples=budget.validation_samples)
        if name in budget.steps:
            steps = budget.steps[name]
            recipe = replace(recipe.quick(steps), validate_every=steps)
        if name not in STUDENTS:
            return cls(name, recipe.as_dict(), dataset, plan, ())
        distillation = replace(recipe.distillation, checkpoint=str(plan.checkpoint(TEACHER)))
        return cls(name, replace(recipe, distillation=distillation).as_dict(), dataset, plan, (TEACHER,))

    def as_task(self, missing: list[str]) -> Task:
        """missing: the networks that are still to be made."""
        after = tuple(name for name in self.after if name in missing)
        return Task(self.name, train_and_export, (self,), self.recipe["steps"], after)

    def is_done(self) -> bool:
        return self.trained().is_there() and self.exported().is_there()

    def trained(self) -> Stamp:
        teachers = {name: _sha256_of(self.plan.checkpoint(name)) for name in self.after}
        made_of = {
            "recipe": self.recipe,
            "dataset": sha256(self.dataset / MANIFEST_FILE),
            "seed": self.plan.seed,
            "teachers": teachers,
        }
        return Stamp(self.plan.out / "train" / self.name / "done.json", made_of)

    def exported(self) -> Stamp:
        budget = self.plan.budget
        quantisation = {
            "samples": budget.calibration_samples,
            "check": budget.check_samples,
            "qat": budget.qat_steps,
        }
        checkpoint = _sha256_of(self.plan.checkpoint(self.name))
        files = {path.name: _sha256_of(path) for path in self.plan.exported(self.name)}
        return Stamp(
            self.plan.out / "export" / f"{self.name}.done",
            {"checkpoint": checkpoint, **quantisation, "files": files},
        )


def train_and_export(making: Making, progress: Progress) -> None:
    """One network, in a process of its own; what was done before is not done again, a run that was stopped
    is taken up."""
    from tinytracker.training.recipe import recipe_from_dict
    from tinytracker.training.train import train

    if not making.trained().is_there():
        # The last tenth of the bar is the export.
        train(
            recipe_from_dict(making.recipe),
            Dataset.open(making.dataset),
            making.plan.out / "train" / making.name,
            seed=making.plan.seed,
            resume=True,
            progress=lambda done, total: progress(9 * done, 10 * total),
        )
        making.trained().write()
    if not making.exported().is_there():
        _export(making)
        making.exported().write()
    progress(1, 1)


def _export(making: Making) -> None:
    from tinytracker.models.checkpoint import load_card, load_network
    from tinytracker.quantization.ground import FaceGround
    from tinytracker.targets.litert.package import Int8Options, export_float, export_int8

    plan, budget = making.plan, making.plan.budget
    checkpoint, folder = plan.checkpoint(making.name), plan.out / "export"
    network, card = load_network(checkpoint), replace(load_card(checkpoint), name=making.name)
    float_file = export_float(network, card, folder).path
    options = Int8Options(
        calibration_samples=budget.calibration_samples,
        check_samples=budget.check_samples,
        steps_if_needed=budget.qat_steps,
        seed=plan.seed,
    )
    export_int8(network, card, float_file, FaceGround(Dataset.open(making.dataset), card), folder, options)


def _sha256_of(path: Path) -> str:
    return sha256(path) if path.exists() else ""
