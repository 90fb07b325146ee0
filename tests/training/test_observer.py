"""The observer: what it may know, that it fits, and that a network learns from it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.training.tiny import make_dataset
from tinytracker.errors import UsageError
from tinytracker.training.observer import ask_observer, fit, measure, observe
from tinytracker.training.recipe import Distillation
from tinytracker.training.train import train


def seen_people(count: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Labels of people whose irises lie off the middle of the corners by their gaze angle, and by
    something of their own."""
    labels = make_dataset(count).labels
    distance_cm, width_px = labels["truth_distance_cm"], labels["face_w_px"]
    for axis, gaze in (("x", -labels["gaze_x_cm"]), ("y", -labels["gaze_y_cm"])):
        for eye in ("left", "right"):
            middle = (labels[f"truth_{eye}_inner_{axis}_px"] + labels[f"truth_{eye}_outer_{axis}_px"]) / 2
            own = rng.normal(0, 0.01, count)
            labels[f"truth_{eye}_centre_{axis}_px"] = middle + (gaze / distance_cm * 0.2 + own) * width_px
    return labels


def test_it_learns_what_shows_and_no_more():
    rng = np.random.default_rng(1)
    labels = seen_people(3000, rng)
    gaze_cm = np.stack([labels["gaze_x_cm"], labels["gaze_y_cm"]], 1)
    train_part, rest = (
        {name: column[part] for name, column in labels.items()}
        for part in (slice(0, 2400), slice(2400, None))
    )
    misses = observe(fit(train_part, steps=1500), rest) - gaze_cm[2400:]
    # Two eyes, each off by a deviation of 0.01 where a slope of 0.2 turns one into the other, at 42.5 cm.
    unseen_cm = 0.01 / 0.2 * 42.5 / np.sqrt(2)
    assert unseen_cm * 0.8 < misses.std() < unseen_cm * 1.5


def test_it_is_told_nothing_of_the_gaze():
    labels = make_dataset(20).labels
    others = labels | {name: column + 5 for name, column in labels.items() if "gaze" in name}
    assert torch.equal(measure(labels)[0], measure(others)[0])
    assert not torch.equal(measure(labels)[2], measure(others)[2])


def test_a_mirrored_person_is_measured_as_in_a_mirror():
    seen, distance_cm, gaze_cm = measure(make_dataset(20).labels)
    mirrored, same_distance_cm, other_gaze_cm = measure(make_dataset(20).labels, mirrored=True)
    assert torch.equal(distance_cm, same_distance_cm)
    assert torch.equal(gaze_cm * torch.tensor([-1, 1]), other_gaze_cm)
    # Iris over corners, left x, y, right x, y: eyes change places, x its sign.
    assert torch.allclose(mirrored[:, :4], seen[:, [2, 3, 0, 1]] * torch.tensor([-1, 1, -1, 1]), atol=1e-5)


def test_the_same_seed_gives_the_same_observer():
    labels = make_dataset(60).labels
    state = torch.random.get_rng_state()
    first, second, other = (observe(fit(labels, 20, seed), labels) for seed in (0, 0, 1))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_its_answers_are_for_the_samples_that_train(recipe):
    dataset = make_dataset()
    dataset.labels["truth_left_openness"][:5] = dataset.labels["truth_right_openness"][:5] = 0.02
    dataset.labels["truth_distance_cm"][7] = np.nan
    answers = ask_observer(dataset, replace(recipe, min_openness=0.1))
    assert answers is not None
    assert answers.shape == (2, 43, 2)
    assert np.flatnonzero(np.isnan(answers[0, :, 0])).tolist() == [
        2
    ]  # the eighth, behind five that are left out
    assert np.array_equal(answers[1, 3:], answers[0, 3:] * np.array([-1, 1], np.float32))


def test_a_network_learns_from_it(recipe, tmp_path):
    dataset = make_dataset()
    alone = train(recipe, dataset, tmp_path / "alone")
    parts: list[tuple[int, int]] = []
    taught = replace(recipe, distillation=Distillation(observer=1.0))
    with_it = train(
        taught, dataset, tmp_path / "with", observer_progress=lambda done, total: parts.append((done, total))
    )
    assert parts[-1][0] == parts[-1][1] > 0
    assert with_it.last_score.value != pytest.approx(alone.last_score.value)


def test_weights_beyond_the_whole_and_eye_locators_are_refused(recipe, tmp_path):
    with pytest.raises(UsageError, match=r"gaze 0\.5 and observer 0\.7"):
        Distillation("tinytracker-eyes", gaze=0.5, observer=0.7)
    locator = replace(
        recipe,
        model="eye_locator",
        options={"size_px": 32},
        distillation=Distillation(gaze=0.0, observer=0.7),
    )
    taught = replace(locator, distillation=Distillation("tinytracker-eyes"))
    for one in (locator, taught):
        with pytest.raises(UsageError, match="eye locator"):
            train(one, make_dataset(), tmp_path / "locator")


@pytest.mark.parametrize("has_columns", [False, True])
def test_without_the_renderers_truth_the_gaze_stands_for_its_answers(recipe, tmp_path, has_columns):
    dataset = make_dataset(truth=False)
    if has_columns:  # as beside rendered people that are all in another split
        dataset.labels["truth_distance_cm"] = np.full(len(dataset.labels["frame"]), np.nan)
    alone = train(recipe, dataset, tmp_path / "alone")
    taught = train(replace(recipe, distillation=Distillation(observer=0.7)), dataset, tmp_path / "with")
    assert taught.last_score.value == alone.last_score.value
