"""Scores of predictions whose worth is known beforehand."""

import numpy as np
import pytest

from tinytracker.evaluation.scores import BASELINE, Frames, mean_over_training_people, score, score_mean
from tinytracker.results import Row, value_of

PEOPLE, DOTS, SHOTS = 20, 8, 5


@pytest.fixture
def frames() -> Frames:
    random = np.random.default_rng(5)
    dots = random.uniform(-6, 6, (PEOPLE * DOTS, 2)).repeat(SHOTS, axis=0)
    person = np.array([f"p{index:02d}" for index in range(PEOPLE)]).repeat(DOTS * SHOTS)
    kinds = np.where(np.arange(len(dots)) < len(dots) // 2, "phone", "tablet")
    return Frames(
        "people",
        "test",
        dots,
        person,
        person,
        np.full(len(dots), 40.0),
        np.array([0.5, -0.5]),
        {"device_kind": kinds},
    )


def get(rows: list[Row], metric: str, group: str = "all") -> Row:
    row = value_of(rows, rows[0].model, metric, group)
    assert row is not None, (metric, group)
    return row


def test_a_constant_shift(frames: Frames) -> None:
    rows = score("shifted", "litert", frames.truth_cm + [3, -4], frames)
    assert get(rows, "error").value == pytest.approx(5)
    assert get(rows, "error_deg").value == pytest.approx(np.degrees(np.arctan(5 / 40)))
    assert (get(rows, "bias_x").value, get(rows, "bias_y").value) == pytest.approx((3, -4))
    assert get(rows, "correlation_x").value == pytest.approx(1)
    assert get(rows, "jitter").value == pytest.approx(0, abs=1e-9)
    assert get(rows, "frames").value == PEOPLE * DOTS * SHOTS
    assert get(rows, "people", "device_kind=phone").value == PEOPLE / 2


def test_groups_and_persons_are_split(frames: Frames) -> None:
    worse = np.where(frames.groups["device_kind"] == "tablet", 2.0, 1.0)
    rows = score("model", "litert", frames.truth_cm + np.stack([worse, np.zeros(len(worse))], axis=1), frames)
    assert get(rows, "error", "device_kind=phone").value == pytest.approx(1)
    assert get(rows, "error", "device_kind=tablet").value == pytest.approx(2)
    assert get(rows, "error").value == pytest.approx(1.5)
    assert get(rows, "error").low < 1.5 < get(rows, "error").high
    assert sum(row.group.startswith("person=") and row.metric == "error" for row in rows) == PEOPLE


def test_the_mean_is_its_own_whole(frames: Frames) -> None:
    rows = score_mean(frames)
    assert rows[0].model == BASELINE
    assert get(rows, "share_of_mean").value == pytest.approx(100)
    assert get(rows, "error").value == pytest.approx(
        np.linalg.norm(frames.truth_cm - frames.mean_cm, axis=1).mean()
    )
    assert np.isnan(get(rows, "correlation_x").value)


def test_invalid_gaze_is_counted_and_left_out(frames: Frames) -> None:
    predicted = frames.truth_cm + [3.0, -4.0]
    predicted[::4] = np.nan
    rows = score("model", "litert", predicted, frames)
    assert get(rows, "invalid").value == pytest.approx(25)
    assert get(rows, "error").value == pytest.approx(5)
    assert get(rows, "bias_x").value == pytest.approx(3)
    share = (
        5 / np.linalg.norm((frames.truth_cm - frames.mean_cm)[np.isfinite(predicted[:, 0])], axis=1).mean()
    )
    assert get(rows, "share_of_mean").value == pytest.approx(100 * share)


def test_the_training_mean_counts_people_not_frames() -> None:
    gaze = np.array([[0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [4.0, 8.0]])
    assert mean_over_training_people(gaze, np.array(["a", "a", "a", "b"])).tolist() == [2, 4]
