"""Are shut eyes told from open ones? Rendered people in time: dots all over the screen, heads that sway, lids
that blink; every frame through the eye locator and through `faces.lids.Lids`, as tracking does.

    python benchmarks/blinks.py                          (40 test people of seed 22, some 2 minutes)
    python benchmarks/blinks.py --people 100 --locator runs/locator/mine.tflite

Shut: in a blink, the lids of both eyes less than SHUT of the eye's width apart, which covers the pupil. Open:
not in a blink, be the eyes ever so narrow or cast down. What lies between, lids on their way, is counted
apart. "Frame alone": refused by this frame's openness only; "over time": by what is usual for the person too.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from terminal import progress_bar

from tinytracker.domain import Box, EyeLandmarks, Image
from tinytracker.evaluation.landmarks import SHUT_OPENNESS as SHUT
from tinytracker.faces.eyes import eyes_closed
from tinytracker.faces.lids import Lids
from tinytracker.synthetic.clip import BLINK_S, Swaying, lids_shut
from tinytracker.synthetic.session import added
from tinytracker.synthetic.subject import Expression
from tinytracker.synthetic.writer import SynthOptions, session_of, split_of
from tinytracker.tracking.assemble import open_locator

CROP_PX = 160
FRAMES_PER_S = 15.0
DOT_S = 1.2
BLINK_EVERY_S = (1.2, 3.0)
BANDS = (0.0, 0.02, 0.05, 0.08, 0.10, 0.15, 0.20, 1.0)


@dataclass(frozen=True)
class Seen:
    """A frame: the face crop and what is true of it. openness: of [left, right]."""

    face: Image
    openness: np.ndarray
    blinks: bool


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=8.0, help="for each person")
    parser.add_argument("--seed", type=int, default=22)
    parser.add_argument("--split", default="test", choices=("train", "val", "test"))
    parser.add_argument("--locator", type=Path, default=None, help="the released one by default")
    arguments = parser.parse_args()

    chosen = [index for index in range(10 * arguments.people + 10) if split_of(index) == arguments.split]
    locator = open_locator(arguments.locator)
    answers: list[Answer] = []
    with progress_bar("Rendering") as progress:
        for number, index in enumerate(chosen[: arguments.people]):
            lids = Lids()
            for seen in sequence(arguments.seed, index, arguments.seconds):
                found = locator.locate(seen.face, Box(0, 0, CROP_PX, CROP_PX))
                answers.append(Answer(seen, found, eyes_closed(found), lids.are_shut(found)))
            progress(number + 1, arguments.people)
    print_table(answers, arguments.people)


@dataclass(frozen=True)
class Answer:
    seen: Seen
    found: EyeLandmarks
    shut_alone: bool
    shut_over_time: bool


def sequence(seed: int, index: int, seconds: float) -> Iterator[Seen]:
    """What the camera sees of a person, faces only; frames in which no detector would find them are left
    out."""
    session, rng = session_of(SynthOptions(seed, 1), index), np.random.default_rng([seed, index, 8])
    times_s = np.arange(round(seconds * FRAMES_PER_S)) / FRAMES_PER_S
    sways, mood, blink_s = Swaying.draw(rng).at(times_s), Expression.draw_lively(rng, 0.0), 1.0
    for number, time_s in enumerate(times_s):
        if number % round(DOT_S * FRAMES_PER_S) == 0:
            trial = session.trial
            place = session.setup.target_points(rng, trial.orientation, trial.sitting.distance_cm)
            lasting = Expression.draw_lively(rng, 0.0).lid_jitter_cm
        if time_s > blink_s + BLINK_S:
            blink_s = time_s + float(rng.uniform(*BLINK_EVERY_S))
        shut = float(lids_shut(np.array([time_s - blink_s]))[0])
        expression = replace(mood, blink=shut, lid_jitter_cm=lasting)
        frame = session.frame_at(session.target(*place), added(sways[number], sways[0]), expression, time_s)
        if frame.boxes is not None:
            yield Seen(
                face=frame.crop(frame.boxes.face, CROP_PX, 1),
                openness=np.array([frame.truth["left_openness"], frame.truth["right_openness"]]),
                blinks=bool(frame.truth["blink"]),
            )


def print_table(answers: list[Answer], people: int) -> None:
    truth = np.stack([answer.seen.openness for answer in answers])
    blinks = np.array([answer.seen.blinks for answer in answers])
    told = np.array([(answer.shut_alone, answer.shut_over_time) for answer in answers])
    read = np.stack([answer.found.openness for answer in answers])
    table = Table(
        "eyes",
        "true openness",
        "frames",
        "read as",
        "frame alone, %",
        "over time, %",
        title=f"refused as shut, of {people} rendered people (measured)",
    )

    def add(name: str, band: str, mask: np.ndarray) -> None:
        if mask.any():
            shares = [f"{100 * share:.1f}" for share in told[mask].mean(axis=0)]
            table.add_row(name, band, str(mask.sum()), f"{np.median(read[mask]):.3f}", *shares)

    shut = blinks & (truth < SHUT).all(axis=1)
    add("shut", f"below {SHUT:.2f}", shut)
    add("open", "any", ~blinks)
    add("on their way", "any", blinks & ~shut)
    table.add_section()
    mean = truth.mean(axis=1)
    for name, group in (("in a blink", blinks), ("open", ~blinks)):
        for low, high in pairwise(BANDS):
            add(name, f"{low:.2f} to {high:.2f}", group & (mean >= low) & (mean < high))
    Console().print(table)


if __name__ == "__main__":
    main()
