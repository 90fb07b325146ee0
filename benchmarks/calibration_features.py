"""What a network's last layer but one is good for on the people of benchmarks/calibration.py: for gaze, as
others use it, and for trust.

    python benchmarks/calibration_features.py FOLDER

Peers fit the person's own gaze from these features: ridge (EyeTrax's way) and RBF-SVR (iTracker's and
GazeFollower's; C 20, gamma 1 / (4 * features), not tuned). Ours could add a ridge on what the affine leaves.
And how unlike the taught people's a face's features are may tell by how much it will be off. Features are
kept in FOLDER beside the network's answers; making them takes about a minute and a half for 120 people.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from calibration import (
    LAYOUTS,
    Person,
    answers_folder,
    applied,
    chosen,
    learnt,
    mean_error,
    read_people,
    seen,
    stored_crops,
)
from calibration_people import CALIBRATION, LATER, LATER_DOT, SAME_SITTING, StoredCrops

from tinytracker.calibration.calibration import Calibration
from tinytracker.calibration.prior import Prior
from tinytracker.engines.model import GazeModel
from tinytracker.files import written_aside


@dataclass(frozen=True, eq=False)
class Featured(Person):
    """features: (n, 128)."""

    features: np.ndarray


def read_featured(folder: Path, group: str, model: GazeModel) -> list[Featured]:
    """A group's people with what the network's last layer but one says of them."""
    people = []
    for person in read_people(folder, group, model):
        kept = answers_folder(folder, model) / f"features-{group}-{person.name}.npy"
        if not kept.exists():
            features = _features(model, *stored_crops(folder / group / f"{person.name}.npz", model))
            with written_aside(kept) as aside, aside.open("wb") as file:
                np.save(file, features)
            print(f"\r{group}: features of {len(people) + 1} people", end="", file=sys.stderr)
        people.append(Featured(**vars(person), features=np.load(kept)))
    return people


def _features(model: GazeModel, source: StoredCrops, count: int) -> np.ndarray:
    """What the last layer but one says (n, 128)."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    from tinytracker.engines.feed import read_crops

    path = Path(model.source)
    reference = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(
        model_content=path.read_bytes(),
        experimental_op_resolver_type=reference,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    hidden = [tensor for tensor in interpreter.get_tensor_details() if tuple(tensor["shape"]) == (1, 128)]
    if not hidden:
        raise SystemExit(f"{path} has no layer of 128 numbers; expected tinytracker-eyes")
    feed, order = model._feed, model._order
    rows = []
    for index in range(count):
        arrays = feed.from_crops(read_crops(source, np.array([index]), feed.kinds))
        for tensor, number in zip(interpreter.get_input_details(), order, strict=True):
            interpreter.set_tensor(tensor["index"], arrays[number])
        interpreter.invoke()
        scale, zero = hidden[-1]["quantization"]
        rows.append((interpreter.get_tensor(hidden[-1]["index"])[0].astype(np.float32) - zero) * (scale or 1))
    return np.array(rows)


def by_features(person: Featured, dots: Sequence[int], part: int, how: str) -> float:
    """Error on a part of ridge or SVR from this person's features alone, standardised, to the target's
    direction."""
    taught, asked = person.frames(CALIBRATION, dots), person.frames(part)
    middle, spread = person.features[taught].mean(axis=0), person.features[taught].std(axis=0) + 1e-3
    known, unknown = ((person.features[rows] - middle) / spread for rows in (taught, asked))
    targets = person.target_deg(taught)
    if how == "ridge":
        kernel = known @ known.T + 100.0 * np.eye(len(known))
        mean = targets.mean(axis=0)
        gaze = mean + unknown @ (known.T @ np.linalg.solve(kernel, targets - mean))
    else:
        gaze = np.stack([_svr(known, column, unknown) for column in targets.T], axis=1)
    return float(person.errors(asked, gaze).mean())


def _svr(known: np.ndarray, targets: np.ndarray, unknown: np.ndarray) -> np.ndarray:
    machine = cv2.ml.SVM_create()
    machine.setType(cv2.ml.SVM_EPS_SVR)
    machine.setKernel(cv2.ml.SVM_RBF)
    machine.setC(20.0)
    machine.setGamma(1.0 / known.shape[1] / 4)
    machine.setP(0.1)
    machine.train(known.astype(np.float32), cv2.ml.ROW_SAMPLE, targets.astype(np.float32))
    return machine.predict(unknown.astype(np.float32))[1][:, 0]


def print_fits(people: list[Featured], taught: list[Featured], prior: Prior) -> None:
    """Gaze from features, and a second step after the affine where there are many frames."""
    for how in ("ridge", "svr"):
        rows = (
            (part, [np.mean([by_features(p, LAYOUTS[n], part, how) for p in people]) for n in (5, 9, 13)])
            for part in (SAME_SITTING, LATER)
        )
        told = "; ".join(
            f"{'later' if part == LATER else 'same sitting'} " + ", ".join(f"{cell:.2f}" for cell in row)
            for part, row in rows
        )
        print(f"{how} on the features, 5, 9, 13 dots: {told}")
    known = np.concatenate([person.features for person in taught])
    middle, spread = known.mean(axis=0), known.std(axis=0) + 1e-3
    print("features after the affine (ridge 300 on what it leaves): same sitting, later, later re-centred")
    for n in (5, 9, 13):
        table = [_second_step(person, LAYOUTS[n], prior, middle, spread) for person in people]
        print(f"{n:3d} dots: " + ", ".join(f"{mean:.2f}" for mean in np.mean(table, axis=0)))


def print_trust(people: list[Featured], taught: list[Featured], prior: Prior) -> None:
    """How much surer an expected error gets by how unlike the taught people's a face's features are
    (deviations, root mean square), and by how much the gaze trembles at the dots, which needs no features.

    Learnt on the taught people (each one's features against the other folds'), measured on the unseen: root
    mean square of the logarithm of true over expected error.
    """
    print(
        "\ntrust: how far true errors lie from the expected (log): as it is | by tremble | by features | both"
    )
    strange = {
        "taught": np.array(
            [
                _strangeness(p, [q for j, q in enumerate(taught) if j % 4 != i % 4])
                for i, p in enumerate(taught)
            ]
        ),
        "unseen": np.array([_strangeness(p, taught) for p in people]),
    }
    groups = {"taught": taught, "unseen": people}
    for n in (0, 1, 5, 9):
        off, tremble = (
            {name: np.array([how(p, n, prior) for p in group]) for name, group in groups.items()}
            for how in (_log_off, _log_tremble)
        )
        sets: tuple[list[dict[str, np.ndarray]], ...] = ([], [tremble], [strange], [tremble, strange])
        told = " | ".join(f"{_left(off, causes):.3f}" for causes in sets)
        print(f"{n:3d} dots: {told}" if n else f"uncalibrated, against the mean over people: {told}")
    held = {n: _after_check(people, taught, strange, prior, n) for n in (1, 5)}
    for n, (without, by_features) in held.items():
        print(f"{n:3d} dots and a check of four: {without:.3f}, by features {by_features:.3f}")


def _strangeness(person: Featured, known: Sequence[Featured]) -> float:
    features = np.concatenate([other.features for other in known])
    away = (person.features[person.part == CALIBRATION] - features.mean(axis=0)) / (
        features.std(axis=0) + 1e-3
    )
    return float(np.log(np.sqrt((away**2).mean(axis=1)).mean()))


def _log_tremble(person: Person, n: int, prior: Prior) -> float:
    return float(np.log(np.median([dot.spread_deg for dot in chosen(person, LAYOUTS[n or 5])])))


def _log_off(person: Person, n: int, prior: Prior) -> float:
    """Logarithm of the true error over the expected one; uncalibrated, of the error alone."""
    if not n:
        return float(np.log(person.error(SAME_SITTING)))
    calibration = Calibration.fit(chosen(person, LAYOUTS[n]), prior)
    raw = np.array([dot.raw_deg for dot in seen(person, SAME_SITTING)])
    expected = calibration.expected_error(*raw.T).deg
    return float(np.log(person.error(SAME_SITTING, applied(calibration)) / expected))


def _left(off: dict[str, np.ndarray], causes: list[dict[str, np.ndarray]]) -> float:
    """What a line by these causes, fitted to the taught, leaves of the unseen: root mean square."""
    designs = {
        name: np.column_stack([np.ones(len(off[name])), *(cause[name] for cause in causes)]) for name in off
    }
    line = np.linalg.lstsq(designs["taught"], off["taught"], rcond=None)[0]
    return float(np.sqrt(np.mean((off["unseen"] - designs["unseen"] @ line) ** 2)))


def _after_check(
    people: list[Featured], taught: list[Featured], strange: dict[str, np.ndarray], prior: Prior, n: int
) -> tuple[float, float]:
    """The same after a check of four other dots, weighed against the expected by how sure each is."""
    off = {
        name: np.array([_log_off(p, n, prior) for p in group])
        for name, group in (("taught", taught), ("unseen", people))
    }
    left = []
    for causes in ([], [strange]):
        design = np.column_stack([np.ones(len(taught)), *(cause["taught"] for cause in causes)])
        line = np.linalg.lstsq(design, off["taught"], rcond=None)[0]
        sd = float((off["taught"] - design @ line).std())
        shifts = np.column_stack([np.ones(len(people)), *(cause["unseen"] for cause in causes)]) @ line
        gaps = []
        for person, shift in zip(people, shifts, strict=True):
            calibration = Calibration.fit(
                chosen(person, LAYOUTS[n]), replace(prior, error_log_mean=0.0, error_log_sd=sd)
            )
            surer = replace(calibration, prior=replace(calibration.prior, error_log_mean=float(shift)))
            others = person.dots(SAME_SITTING)
            told = surer.check(others[:4]).expected.deg
            gaps.append(np.log(told / mean_error(calibration, others[4:])))
        left.append(float(np.sqrt(np.mean(np.square(gaps)))))
    return left[0], left[1]


def _second_step(
    person: Featured, dots: Sequence[int], prior: Prior, middle: np.ndarray, spread: np.ndarray
) -> tuple[float, float, float]:
    calibration = Calibration.fit(chosen(person, dots), prior)
    rows = person.frames(CALIBRATION, dots)
    left = person.target_deg(rows) - applied(calibration)(person.raw_deg[rows])
    known = (person.features[rows] - middle) / spread
    weights = known.T @ np.linalg.solve(known @ known.T + 300.0 * np.eye(len(known)), left)

    def error(part: int, used: Calibration) -> float:
        asked = person.frames(part)
        gaze = applied(used)(person.raw_deg[asked]) + (person.features[asked] - middle) / spread @ weights
        return float(person.errors(asked, gaze).mean())

    recentred = calibration.recentred(seen(person, LATER_DOT)[0])
    return error(SAME_SITTING, calibration), error(LATER, calibration), error(LATER, recentred)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="tinytracker-eyes")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    model = GazeModel.load(options.model)
    taught, unseen = (read_featured(options.folder, group, model) for group in ("taught", "unseen"))
    prior = learnt(list(taught))
    print_fits(unseen, taught, prior)
    print_trust(unseen, taught, replace(prior, error_log_mean=0.0))


if __name__ == "__main__":
    main()
