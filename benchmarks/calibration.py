"""How much calibrating helps: rendered people whom nobody has seen, at a laptop, a monitor and a phone,
beside what others do.

    python benchmarks/calibration.py FOLDER                  # the tables
    python benchmarks/calibration.py FOLDER --write-prior    # and the prior into the released network's card

FOLDER holds what benchmarks/calibration_people.py rendered. The network's answers are kept there, by its
SHA-256: a run that was stopped goes on, and the next one only solves. The prior is learnt on the taught
people, all figures are of the unseen ones: degrees between the dot and single frames' gaze at the true
distance, mean over people; the network sees the crops of a simulated detector, distances come from eyes 6.3
cm apart and the true focal length. Peer: least squares (WebEyeTrack's affine); what others
make of a network's features is benchmarks/calibration_features.py.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from calibration_people import (
    CALIBRATION,
    FOLLOWING,
    FRAMES_PER_SECOND,
    GROUPS,
    LATER,
    LATER_DOT,
    SAME_SITTING,
    StoredCrops,
)

from tinytracker.calibration.calibration import Calibration
from tinytracker.calibration.dots import Dot, DotSummary, summarise
from tinytracker.calibration.drift import ANOTHER_START, SAME_RUN
from tinytracker.calibration.error import ExpectedError
from tinytracker.calibration.fit import fit_dots
from tinytracker.calibration.prior import Prior
from tinytracker.calibration.pursuit import Path as Followed
from tinytracker.calibration.pursuit import pursue_angles
from tinytracker.calibration.teach import TaughtPerson, teach_prior
from tinytracker.cards import card_path, write_card
from tinytracker.engines.model import GazeModel
from tinytracker.files import sha256, written_aside
from tinytracker.geometry import point_at_angle_cm, visual_angle_deg
from tinytracker.tracking.calibrating import REAL_PEOPLE_WIDER
from tinytracker.tracking.pipeline import INTEROCULAR_CM
from tinytracker.zoo import find

# As the people looked at them: the first n of thirteen, but three dots are the middle and two opposite
# corners.
LAYOUTS = {1: (0,), 3: (0, 1, 3), 5: range(5), 9: range(9), 13: range(13)}
SCREENS = ("Laptop", "Monitor", "iPhone")
SOURCE = "rendered people (seed {}) at a laptop, a monitor and a phone, simulated boxes"

CHECKED = 4
"""Of a person's sixteen other dots, those of a check."""

Correct = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Person:
    """Rows are frames. raw_deg: the network's gaze. estimated_cm, true_cm: distance."""

    name: str
    screen: str
    part: np.ndarray
    dot: np.ndarray
    raw_deg: np.ndarray
    target_cm: np.ndarray
    estimated_cm: np.ndarray
    true_cm: np.ndarray

    def frames(self, part: int, dots: Sequence[int] | None = None) -> np.ndarray:
        chosen = self.part == part
        return chosen if dots is None else chosen & np.isin(self.dot, list(dots))

    def dots(self, part: int, numbers: Sequence[int] | None = None) -> list[Dot]:
        """The dots of a part as they would have been collected, in the order of their numbers."""
        found = []
        for number in np.unique(self.dot[self.part == part]) if numbers is None else numbers:
            rows = self.frames(part, [number])
            if rows.any():
                x_cm, y_cm = self.target_cm[rows][0]
                times = np.arange(rows.sum())
                found.append(Dot(x_cm, y_cm, times, *self.raw_deg[rows].T, self.estimated_cm[rows]))
        return found

    def errors(self, rows: np.ndarray, gaze_deg: np.ndarray) -> np.ndarray:
        """Degrees by which gaze misses its dots, as seen from where the eyes truly were."""
        gaze_cm = np.stack(point_at_angle_cm(*gaze_deg.T, self.estimated_cm[rows]), axis=1)
        return np.degrees(
            np.arctan2(np.linalg.norm(gaze_cm - self.target_cm[rows], axis=1), self.true_cm[rows])
        )

    def error(self, part: int, correct: Correct | None = None) -> float:
        rows = self.frames(part)
        raw = self.raw_deg[rows]
        return float(self.errors(rows, raw if correct is None else correct(raw)).mean())

    def resting_error(self, part: int, correct: Correct) -> float:
        """The same of the mean of each dot's frames, as whoever watches a resting gaze sees it."""
        errors = []
        for number in np.unique(self.dot[self.part == part]):
            rows = self.frames(part, [number])
            gaze_cm = np.stack(
                point_at_angle_cm(*correct(self.raw_deg[rows]).T, self.estimated_cm[rows]), axis=1
            )
            off_cm = np.linalg.norm(gaze_cm.mean(axis=0) - self.target_cm[rows][0])
            errors.append(np.degrees(np.arctan2(off_cm, self.true_cm[rows].mean())))
        return float(np.mean(errors))

    def target_deg(self, rows: np.ndarray) -> np.ndarray:
        return np.stack(visual_angle_deg(*self.target_cm[rows].T, self.estimated_cm[rows]), axis=1)


def read_people(folder: Path, group: str, model: GazeModel) -> list[Person]:
    """A group's people as the network sees them; its answers are kept in the folder."""
    answers = answers_folder(folder, model)
    paths = sorted(path for path in (folder / group).glob("*.npz") if not path.name.startswith("."))
    if not paths:
        raise SystemExit(
            f"{folder / group} holds nobody; run benchmarks/calibration_people.py {folder} first"
        )
    people = []
    for path in paths:
        answer = answers / f"{group}-{path.stem}.npz"
        if not answer.exists():
            _ask(path, answer, model)
            print(f"\r{group}: {len(people) + 1} of {len(paths)} people seen", end="", file=sys.stderr)
        people.append(_read_person(path, answer))
    print(file=sys.stderr)
    return people


def answers_folder(folder: Path, model: GazeModel) -> Path:
    """Where a network's answers are kept, by its bytes."""
    return folder / "answers" / f"{model.card.name}-{sha256(Path(model.source))[:12]}"


def stored_crops(path: Path, model: GazeModel) -> tuple[StoredCrops, int]:
    """A person's crops as a network takes them, and of how many frames."""
    with np.load(path) as stored:
        crops = {name: stored[name] for name in stored.files}
    large = max(spec.width_px for spec in model.card.inputs) > 64
    return StoredCrops(crops, "large_face" if large else "face"), len(crops["part"])


def _ask(path: Path, answer: Path, model: GazeModel) -> None:
    """What the network says of a person's frames, kept whole or not at all."""
    source, count = stored_crops(path, model)
    gaze_cm = model.predict_batch(source, np.arange(count))
    with written_aside(answer) as aside, aside.open("wb") as file:
        np.savez(file, gaze_cm=gaze_cm)


def _read_person(path: Path, answer: Path) -> Person:
    with np.load(path) as stored:
        names = set(stored.files) - {"face", "large_face", "left_eye", "right_eye"}
        kept = {name: stored[name] for name in names}
    with np.load(answer) as answers:
        gaze_cm = answers["gaze_cm"]
    estimated = kept["f_px"] * INTEROCULAR_CM / kept["interocular_px"]
    raw = np.stack(visual_angle_deg(*gaze_cm.astype(float).T, estimated), axis=1)
    screen = str(kept["screen"]).split()[0]
    return Person(
        path.stem,
        screen,
        kept["part"],
        kept["dot"],
        raw,
        kept["target_cm"],
        estimated,
        kept["distance_cm"],
    )


@cache
def seen(person: Person, part: int) -> tuple[DotSummary, ...]:
    """What is kept of each dot of a part, in the order of their numbers (every one was seen)."""
    return tuple(summarise(dot) for dot in person.dots(part))


def chosen(person: Person, dots: Sequence[int]) -> list[DotSummary]:
    return [seen(person, CALIBRATION)[number] for number in dots]


# Methods: a person and the numbers of the dots they looked at -> what to do with their raw gaze.


def shrunk(person: Person, dots: Sequence[int], prior: Prior) -> Correct:
    return applied(Calibration.fit(chosen(person, dots), prior))


def least_squares(person: Person, dots: Sequence[int], offset_alone: bool = False) -> Correct:
    raw, residuals = (
        np.array([getattr(dot, name) for dot in chosen(person, dots)]) for name in ("raw_deg", "residual_deg")
    )
    columns = 1 if offset_alone else 3
    design = np.column_stack([np.ones(len(raw)), raw / 10])[:, :columns]
    solution = np.linalg.lstsq(design, residuals, rcond=None)[0]
    return lambda gaze: gaze + np.column_stack([np.ones(len(gaze)), gaze / 10])[:, :columns] @ solution


def applied(calibration: Calibration) -> Correct:
    return lambda gaze: np.stack(calibration.apply(*gaze.T), axis=1)


def learnt(taught: list[Person]) -> Prior:
    """The prior over people."""
    return teach_prior(
        [TaughtPerson(p.dots(CALIBRATION), p.dots(SAME_SITTING), p.dots(LATER)) for p in taught],
        f"{len(taught)} {SOURCE.format(GROUPS['taught'])}",
    )


def print_table(people: list[Person], prior: Prior) -> None:
    """Same sitting, later sitting, and later with one new dot; and how many that dot makes worse."""
    print(
        f"{'degrees, same sitting':34s}" + "".join(f"{n:>7d}" for n in LAYOUTS) + " | later:  5      9     13"
    )
    later = (5, 9, 13)

    def line(
        name: str, same: Callable[[Person, int], float], after: Callable[[Person, int], float], least: int = 1
    ) -> None:
        cells = [np.mean([same(person, n) for person in people]) if n >= least else np.nan for n in LAYOUTS]
        cells += [np.mean([after(person, n) for person in people]) for n in later]
        texts = [f"{cell:7.2f}" if np.isfinite(cell) else "      -" for cell in cells]
        print(f"{name:34s}" + "".join(texts[:5]) + " |" + "".join(texts[5:]))

    def method(name: str, make: Callable[[Person, int], Correct], least: int = 1) -> None:
        line(
            name,
            lambda p, n: p.error(SAME_SITTING, make(p, n)),
            lambda p, n: p.error(LATER, make(p, n)),
            least,
        )

    line("uncalibrated", lambda p, n: p.error(SAME_SITTING), lambda p, n: p.error(LATER))
    method("shrunk affine (ours)", lambda p, n: shrunk(p, LAYOUTS[n], prior))

    def stored(person: Person, n: int) -> Calibration:
        return Calibration.fit(chosen(person, LAYOUTS[n]), prior).carried_over()

    line(
        "  as used in another sitting",
        lambda p, n: p.error(SAME_SITTING, applied(stored(p, n))),
        lambda p, n: p.error(LATER, applied(stored(p, n))),
    )
    line(
        "  the mean of a dot's three frames",
        lambda p, n: p.resting_error(SAME_SITTING, shrunk(p, LAYOUTS[n], prior)),
        lambda p, n: p.resting_error(LATER, applied(stored(p, n))),
    )

    def recentred(person: Person, n: int) -> float:
        fitted = Calibration.fit(chosen(person, LAYOUTS[n]), prior)
        return person.error(LATER, applied(fitted.recentred(seen(person, LATER_DOT)[0])))

    line(
        "  with one new dot later",
        lambda p, n: p.error(SAME_SITTING, shrunk(p, LAYOUTS[n], prior)),
        recentred,
    )
    print_recentring(people, prior)
    wider = prior.with_offsets_wider(REAL_PEOPLE_WIDER)
    method("ours, prior as for real people", lambda p, n: shrunk(p, LAYOUTS[n], wider))
    method("offset, least squares", lambda p, n: least_squares(p, LAYOUTS[n], offset_alone=True))
    method("affine, least squares", lambda p, n: least_squares(p, LAYOUTS[n]), least=3)


def print_recentring(people: list[Person], prior: Prior) -> None:
    """One dot after five: in a later sitting, and where nobody has moved (a check dot, the others tell)."""
    for part, dot, rest, chance in (
        (LATER, (LATER_DOT, 0), range(16), ANOTHER_START),
        (LATER, (LATER_DOT, 0), range(16), SAME_RUN),
        (SAME_SITTING, (SAME_SITTING, 0), range(1, 16), SAME_RUN),
    ):
        rows = []
        for person in people:
            stored = Calibration.fit(chosen(person, LAYOUTS[5]), prior)
            moved = stored.recentred(seen(person, dot[0])[dot[1]], chance)
            frames = person.frames(part, rest)
            raw = person.raw_deg[frames]
            rows.append([person.errors(frames, applied(one)(raw)).mean() for one in (stored, moved)])
        before, after = np.array(rows).T
        where = "another sitting" if part == LATER else "the same sitting"
        print(
            f"  one dot, {where}, thought another by {chance:.0%}: "
            f"{before.mean():.2f} -> {after.mean():.2f}, made worse {(after > before).sum()} "
            f"(by 0.3 deg {(after > before + 0.3).sum()})"
        )


def print_kinds(people: list[Person], prior: Prior) -> None:
    print("\nby screen: uncalibrated | shrunk affine 1, 3, 5, 9, 13 dots | people made worse by it")
    for screen in (*SCREENS, ""):
        group = [person for person in people if person.screen.startswith(screen)]
        before = np.array([person.error(SAME_SITTING) for person in group])
        after = {
            n: np.array([p.error(SAME_SITTING, shrunk(p, LAYOUTS[n], prior)) for p in group]) for n in LAYOUTS
        }
        means = "  ".join(f"{values.mean():.2f}" for values in after.values())
        worse = "  ".join(str(int((values > before).sum())) for values in after.values())
        print(f"{screen or 'all':8s} {len(group):3d}   {before.mean():.2f} | {means} | {worse}")


def print_harm(people: list[Person], prior: Prior) -> None:
    """Who is worse off than uncalibrated: by the dots alone, and once four other dots have judged the
    calibration and taught it. Both on the twelve dots that remain."""
    print(
        "\nmade worse, of all (by more than 0.1 deg): by the dots alone; deg | once four check dots have "
        "judged and taught; deg"
    )
    for n in LAYOUTS:
        rows = []
        for person in people:
            alone = Calibration.fit(chosen(person, LAYOUTS[n]), prior)
            judged = alone.judged(person.dots(SAME_SITTING, range(CHECKED)))
            rest = person.frames(SAME_SITTING, range(CHECKED, 16))
            raw = person.raw_deg[rest]
            before, bold, taught = (
                float(person.errors(rest, gaze).mean())
                for gaze in (raw, applied(alone)(raw), applied(judged)(raw))
            )
            rows.append((before, bold, taught if judged.is_useful else before))
        before, *after = np.array(rows).T
        told = (f"{(deg > before).sum()} ({(deg > before + 0.1).sum()}); {deg.mean():.2f}" for deg in after)
        print(f"{n:3d} dots: " + " | ".join(told))


def print_spoiled(people: list[Person], prior: Prior) -> None:
    """One dot was not looked at: the eyes were still on the dot before it."""
    print("\none dot spoiled: weighed (ours) / Gaussian, against unspoiled")
    for n in (5, 9, 13):
        rng = np.random.default_rng(3)
        errors = []
        for person in people:
            clean = chosen(person, LAYOUTS[n])
            number = int(rng.integers(1, n))
            spoiled = [*clean]
            spoiled[number] = replace(clean[number], raw_deg=clean[number - 1].raw_deg)
            row = []
            for dots, robust in ((spoiled, True), (spoiled, False), (clean, True)):
                posterior = fit_dots(dots, prior, robust).posterior
                row.append(person.error(SAME_SITTING, lambda gaze, p=posterior: gaze + p.correction(*gaze.T)))
            errors.append(row)
        ours, plain, unspoiled = np.mean(errors, axis=0)
        print(f"{n:3d} dots: {ours:.2f} / {plain:.2f}, {unspoiled:.2f}")


def print_honesty(people: list[Person], prior: Prior) -> None:
    """What a person is told against what is true of dots that nobody told of."""
    print(
        "\nexpected error: people within its 68 % interval before a check | after 4 dots | 8; rms gap of "
        "what is told"
    )
    for n in LAYOUTS:
        inside: dict[str, list[bool]] = {"before": [], "4": [], "8": []}
        gaps: dict[str, list[float]] = {"4": [], "8": []}
        for person in people:
            calibration = Calibration.fit(chosen(person, LAYOUTS[n]), prior)
            others = person.dots(SAME_SITTING)
            raw = np.array([dot.raw_deg for dot in seen(person, SAME_SITTING)])
            inside["before"].append(
                _holds(calibration.expected_error(*raw.T), mean_error(calibration, others))
            )
            for held in (CHECKED, 8):
                judged = calibration.judged(others[:held])
                assert judged.validation is not None
                expected, truth = judged.validation.expected, mean_error(judged, others[held:])
                inside[str(held)].append(_holds(expected, truth))
                gaps[str(held)].append(expected.deg - truth)
        shares = " | ".join(f"{100 * np.mean(values):.0f} %" for values in inside.values())
        rms = ", ".join(f"{np.sqrt(np.mean(np.square(values))):.2f}" for values in gaps.values())
        print(f"{n:3d} dots: {shares}; {rms} deg")


def print_pursuit(people: list[Person], following: list[Person], prior: Prior) -> None:
    """Fifteen seconds of following a moving dot (ten frames a second) beside dots of six frames each."""
    by_name = {person.name: person for person in people}
    errors, lags = [], []
    for moving in following:
        person, place_ns = by_name[moving.name], moving.dot * round(1e9 / FRAMES_PER_SECOND)
        path = Followed(place_ns, *moving.target_cm.T)
        pursued = pursue_angles(path, place_ns, *moving.raw_deg.T, moving.estimated_cm)
        lags.append(pursued.lag_ms)
        pieces = Calibration.fit(pursued.dots, prior)
        errors.append(
            [
                person.error(SAME_SITTING),
                person.error(SAME_SITTING, applied(pieces)),
                *(person.error(SAME_SITTING, shrunk(person, LAYOUTS[n], prior)) for n in (5, 9, 13)),
            ]
        )
    before, pursuit, *dots = np.array(errors).T
    told = ", ".join(f"{values.mean():.2f}" for values in dots)
    print(
        f"\npursuit, {len(errors)} people: uncalibrated {before.mean():.2f}, followed {pursuit.mean():.2f} "
        f"({int((pursuit > before).sum())} made worse), their 5, 9, 13 dots {told} deg; lag found "
        f"{np.mean(lags):.0f} ms on average"
    )


def _holds(expected: ExpectedError, truth_deg: float) -> bool:
    return expected.low_deg <= truth_deg <= expected.high_deg


def mean_error(calibration: Calibration, dots: Sequence[Dot]) -> float:
    return calibration.check(dots).error_deg


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="tinytracker-eyes")
    parser.add_argument("--write-prior", action="store_true", help="into the network's card")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    model = GazeModel.load(options.model)
    taught, unseen = (read_people(options.folder, group, model) for group in ("taught", "unseen"))
    prior = learnt(taught)
    if options.write_prior:
        weights = find(options.model)
        card = weights.require_card()
        write_card(replace(card, calibration_prior=prior.as_json()), card_path(weights.path))
        print(f"prior written into {card_path(weights.path)}")
    prior = Prior.from_json(prior.as_json())  # as it is stored
    print(f"{options.model}: {len(unseen)} unseen people; prior by {prior.people} others")
    print_table(unseen, prior)
    print_kinds(unseen, prior)
    print_harm(unseen, prior)
    print_spoiled(unseen, prior)
    print_honesty(unseen, prior)
    if (options.folder / FOLLOWING).is_dir():
        print_pursuit(unseen, read_people(options.folder, FOLLOWING, model), prior)


if __name__ == "__main__":
    main()
