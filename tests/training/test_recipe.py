"""Recipes: the ones we ship are whole, and a wrong one is refused by name."""

import os
from pathlib import Path

import pytest

from tinytracker.errors import UsageError
from tinytracker.models import count, create_model
from tinytracker.retina.recipe import is_event_recipe, load_event_recipe
from tinytracker.training.recipe import list_recipes, load_recipe, recipe_from_dict

SHIPPED = [
    "eye-locator",
    "itracker",
    "tinytracker",
    "tinytracker-eyes",
    "tinytracker-imx",
    "tinytracker-imx-band",
    "tinytracker-imx-grid",
    "tinytracker-paper",
    "tinytracker-s",
]


def test_the_recipes_we_ship():
    assert list_recipes() == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_recipes_build_their_network_and_survive_a_card(name):
    recipe = load_recipe(name)
    assert recipe.name == name
    assert count(create_model(recipe.model, **recipe.options)).macs > 1e6
    assert recipe_from_dict(recipe.as_dict()) == recipe


def test_the_papers_recipe_is_the_papers():
    recipe = load_recipe("tinytracker-paper")
    assert (recipe.loss, recipe.optimiser, recipe.learning_rate, recipe.batch_size) == (
        "mse",
        "adam",
        1e-3,
        128,
    )
    assert (recipe.schedule, recipe.decay_steps, recipe.options) == (
        "exponential",
        10_000,
        {"output_scale_cm": 30.0},
    )
    assert recipe.geometric.flip == recipe.geometric.face_shift == recipe.auxiliary == recipe.ema == 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("stepz = 3", "no field stepz; it has auxiliary"),
        ('steps = "many"', "steps: expected int, got 'many'"),
        ("learning_rate = -1.0", "learning_rate: expected 0 to"),
        ("learning_rate = nan", "learning_rate: expected 0 to 1,000,000,000, got nan"),
        ("ema = 1e400", "ema: expected 0 to 1,000,000,000, got inf"),
        ("weight_decay = 1" + "0" * 400, "weight_decay: expected 0 to"),
        ("steps = 1" + "0" * 400, "steps: expected 0 to"),
        ("ema = true", "ema: expected float, got True"),
        ('name = "../mine"', "name is '../mine', expected"),
        ("options = 5", "options: expected a table, got 5"),
        ('loss = "huber"', "loss: expected one of euclidean, mse, got 'huber'"),
        ("[photometric]\nbrigthness = 1", "photometric has no field brigthness"),
        ("photometric = 3", "photometric: expected a table"),
        ("steps = 0", "steps is 0, expected at least 1"),
        ("batch_size = 0", "batch_size is 0, expected at least 1"),
        ("ema = 1.0", "ema is 1.0, expected 0 to 0.999999"),
        ("face_dropout = 1.5", "face_dropout is 1.5, expected 0 to 1"),
        ("[photometric]\nfinest = 0.5", "photometric: finest is 0.5, expected 1 to 4"),
        ("[photometric]\ngamma = 1e9", "photometric: gamma is 1000000000.0, expected 0 to 3"),
        ("[geometric]\nface_zoom = 1e9", "geometric: face_zoom is 1000000000.0, expected 0 to 3"),
        ("[geometric]\nflip = 2", "geometric: flip is 2.0, expected 0 to 1"),
        ("steps = ", "not a readable TOML recipe"),
        ("steps = " + "[" * 10_000, "nested too deeply"),
        ("photometric = " + "{a=" * 5_000, "nested too deeply"),
        ("a." * 50_000 + "a = 1", "larger than 16,384 bytes"),  # the parser would take minutes
    ],
)
def test_wrong_recipes_are_refused_by_name(tmp_path, line, message):
    path = tmp_path / "mine.toml"
    path.write_text(f'model = "tinytracker"\n{line}\n')
    with pytest.raises(UsageError, match=r"mine\.toml") as refused:
        load_recipe(path)
    assert message in str(refused.value)


def test_a_recipe_without_a_model_or_a_file_is_refused(tmp_path):
    (tmp_path / "a.toml").write_text("steps = 3\n")
    with pytest.raises(UsageError, match="lacks model"):
        load_recipe(tmp_path / "a.toml")
    with pytest.raises(UsageError, match=r"no recipe nonsense; there are eye-locator.*card \(\.json\)"):
        load_recipe("nonsense")
    assert load_recipe("tinytracker_eyes") == load_recipe("tinytracker-eyes")
    assert is_event_recipe("retina_ann")
    with pytest.raises(UsageError, match=r"a\.tflite is a network, no recipe; its card holds one: .*a\.json"):
        load_recipe(tmp_path / "a.tflite")
    with pytest.raises(UsageError, match=r"did you mean pupil\?\); there are .*, pupil, retina"):
        load_recipe("pupils", ["pupil", "retina"])


def test_what_is_no_regular_file_is_no_recipe(tmp_path):
    os.mkfifo(tmp_path / "pipe.toml")  # nobody writes: reading it would wait for ever
    for path in (tmp_path / "pipe.toml", Path("/dev/zero"), tmp_path):
        with pytest.raises(UsageError, match="no regular file"):
            load_recipe(path)


def test_a_folder_or_file_of_a_recipes_name_hides_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("tinytracker-eyes").mkdir()  # as `train --out` or `synth` may have left it
    Path("pupil").write_text("of somebody else")
    assert load_recipe("tinytracker-eyes").name == "tinytracker-eyes"
    assert load_event_recipe("pupil").name == "pupil"
    with pytest.raises(UsageError, match="no regular file"):
        load_recipe("./tinytracker-eyes")


@pytest.mark.parametrize("size", ["'x'", "[1]", "nan", "1e300"])
def test_options_that_no_network_is_built_with_are_one_line(tmp_path, size):
    (tmp_path / "mine.toml").write_text(f'model = "tinytracker_s"\n[options]\nsize_px = {size}\n')
    recipe = load_recipe(tmp_path / "mine.toml")
    with pytest.raises(UsageError, match=r"tinytracker_s cannot be built with .*size_px"):
        create_model(recipe.model, **recipe.options)


def test_quick_shrinks_the_schedule():
    recipe = load_recipe("tinytracker-eyes").quick(300)
    assert (recipe.steps, recipe.warmup_steps) == (300, 15)
    assert recipe.validate_every <= 150
    assert recipe.ema == pytest.approx(1 - 10 / 300)


def test_a_cards_recipe_is_a_recipe():
    from tinytracker.cards import card_path
    from tinytracker.retina.recipe import is_event_recipe, load_event_recipe
    from tinytracker.zoo import find, list_released

    for name in list_released("gaze", "eyes"):
        recipe = load_recipe(card_path(find(name).path))
        assert recipe.name == name
        assert recipe.steps > 0
    for name in list_released("pupil"):
        card = card_path(find(name).path)
        assert is_event_recipe(card)
        assert load_event_recipe(card).steps > 0
