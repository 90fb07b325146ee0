"""What estimates of pupils are worth: distances in cells of the window and at the field's scales, shares
within so many pixels, people, blinks apart, and how old what was seen is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinytracker.results import Row
from tinytracker.retina.estimates import CLOSED, Estimates
from tinytracker.retina.sequences import Track

NEAR_BLINK_US = 150_000  # around a closed eye
WITHIN_PX = (1, 3, 5, 10)
CHALLENGE_PX = (80, 60)  # the picture at which 3ET+'s challenges count pixels
ALWAYS_MEAN = "always the mean"


@dataclass(frozen=True, slots=True)
class Scene:
    """What is scored on: a dataset's name, the split, its tracks, and always-the-mean's answer: the mean
    centre of the training people, shares of the window."""

    data: str
    split: str
    tracks: Sequence[Track]
    mean: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class _Errors:
    """Of windows with a pupil to find: distances in cells and at 80 x 60, which person and sensor each is
    of, and whether a blink is near."""

    cells: NDArray[np.float64]
    small_px: NDArray[np.float64]
    person: NDArray[np.str_]
    sensor: NDArray[np.str_]
    near_blink: NDArray[np.bool_]

    def part(self, chosen: NDArray[np.bool_]) -> _Errors:
        return _Errors(
            *(getattr(self, name)[chosen] for name in ("cells", "small_px", "person", "sensor", "near_blink"))
        )


def mean_centre(tracks: Sequence[Track]) -> NDArray[np.float32]:
    """The mean of the people's own mean centres, (2,), shares of the window."""
    people = sorted({track.person for track in tracks})
    means = []
    for person in people:
        known = [track.centre[track.known] for track in tracks if track.person == person]
        together = np.concatenate(known)
        if len(together):
            means.append(together.mean(axis=0))
    return np.asarray(np.mean(means, axis=0), np.float32)


def score(model: str, target: str, estimates: Sequence[Estimates], scene: Scene) -> list[Row]:
    """Rows of a model whose estimates stand in the order of the scene's tracks."""
    errors = _errors([one.centre for one in estimates], scene.tracks)

    def row(group: str, metric: str, value: float, unit: str = "px") -> Row:
        return Row(model, target, scene.data, scene.split, group, metric, value, unit=unit)

    rows = [row("all", *figure) for figure in _figures(errors)]
    rows += [row("all", *figure) for figure in _ages(scene.tracks)]
    rows += [row("all", *figure) for figure in _closed(estimates, scene.tracks)]
    groups = [("blink=near", errors.near_blink), ("blink=far", ~errors.near_blink)]
    for name, column in (("sensor", errors.sensor), ("person", errors.person)):
        groups += [(f"{name}={value}", column == value) for value in sorted(set(column.tolist()))]
    for group, chosen in groups:
        rows += [row(group, *figure) for figure in _figures(errors.part(chosen))]
    return rows


def score_mean(scene: Scene) -> list[Row]:
    """Rows of answering always the training people's mean."""
    answers = [np.broadcast_to(scene.mean, track.centre.shape) for track in scene.tracks]
    unknown = [np.full(len(track), np.nan, np.float32) for track in scene.tracks]
    estimates = [Estimates(answer, none, none) for answer, none in zip(answers, unknown, strict=True)]
    rows = score(ALWAYS_MEAN, "none", estimates, scene)
    return [row for row in rows if not row.metric.startswith("age")]


def _errors(centres: Sequence[NDArray[np.float32]], tracks: Sequence[Track]) -> _Errors:
    columns: list[list[NDArray[np.generic]]] = [[], [], [], [], []]
    for centre, track in zip(centres, tracks, strict=True):
        known = track.known
        apart = (centre - track.centre)[known].astype(np.float64) * track.crop.size
        width_px, height_px = track.sensor_px
        shrink = np.array([CHALLENGE_PX[0] / width_px, CHALLENGE_PX[1] / height_px]) * track.crop.scale
        for column, values in zip(
            columns,
            (
                np.linalg.norm(apart, axis=1),
                np.linalg.norm(apart * shrink, axis=1),
                np.full(len(apart), track.person),
                np.full(len(apart), track.sensor or "unknown"),
                _near_blink(track)[known],
            ),
            strict=True,
        ):
            column.append(values)
    return _Errors(*(np.concatenate(column) for column in columns))


def _near_blink(track: Track) -> NDArray[np.bool_]:
    """Windows within NEAR_BLINK_US of one whose eye is closed."""
    closed_us = track.at_us[track.closed]
    if not len(closed_us):
        return np.zeros(len(track), bool)
    after = np.searchsorted(closed_us, track.at_us).clip(0, len(closed_us) - 1)
    before = (after - 1).clip(0)
    nearest = np.minimum(abs(closed_us[after] - track.at_us), abs(closed_us[before] - track.at_us))
    return np.asarray(nearest <= NEAR_BLINK_US)


def _figures(errors: _Errors) -> Iterator[tuple[str, float, str]]:
    """(metric, value, unit); nothing where there is no window."""
    if not len(errors.cells):
        return
    people = sorted(set(errors.person.tolist()))
    means = [float(np.mean(errors.cells[errors.person == person])) for person in people]
    yield "error_mean", float(errors.cells.mean()), "px of 64"
    yield "error_median", float(np.median(errors.cells)), "px of 64"
    yield "error_people", float(np.mean(means)), "px of 64"
    yield "error_mean_80x60", float(errors.small_px.mean()), "px of 80x60"
    yield "error_median_80x60", float(np.median(errors.small_px)), "px of 80x60"
    for within in WITHIN_PX:
        yield f"p{within}", 100 * float((errors.cells < within).mean()), "% of 64"
        yield f"p{within}_80x60", 100 * float((errors.small_px < within).mean()), "% of 80x60"
    yield "windows", len(errors.cells), ""
    yield "people", len(people), ""


def _ages(tracks: Sequence[Track]) -> Iterator[tuple[str, float, str]]:
    """How old the newest event of a window is when the estimate is asked for."""
    age_ms = np.concatenate([(track.at_us - track.newest_us) / 1e3 for track in tracks])
    yield "age_median", float(np.median(age_ms)), "ms"
    yield "age_p95", float(np.percentile(age_ms, 95)), "ms"


def _closed(estimates: Sequence[Estimates], tracks: Sequence[Track]) -> Iterator[tuple[str, float, str]]:
    """How many closed eyes are called so, and how many of those called so are."""
    chances = np.concatenate([one.closed for one in estimates])
    if not np.isfinite(chances).all():
        return
    truth, said = np.concatenate([track.closed for track in tracks]), chances >= CLOSED
    if truth.any():
        yield "closed_found", 100 * float(said[truth].mean()), "%"
    if said.any():
        yield "closed_right", 100 * float(truth[said].mean()), "%"
