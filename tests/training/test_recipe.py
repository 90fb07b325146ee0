"""Recipes: the ones we ship are whole, and a wrong one is refused by name."""

import pytest

from tinytracker.errors import UsageError
from tinytracker.models import count, create_model
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
        ("learning_rate = -1.0", "learning_rate: expected 0 or more"),
        ('loss = "huber"', "loss: expected one of euclidean, mse, got 'huber'"),
        ("[photometric]\nbrigthness = 1", "photometric has no field brigthness"),
        ("photometric = 3", "photometric: expected a table"),
        ("steps = ", "not a readable TOML recipe"),
        ("steps = " + "[" * 100_000, "nested too deeply"),
        ("photometric = " + "{a=" * 100_000, "nested too deeply"),
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
    with pytest.raises(UsageError, match="there are eye-locator"):
        load_recipe("nonsense")


def test_quick_shrinks_the_schedule():
    recipe = load_recipe("tinytracker-eyes").quick(300)
    assert (recipe.steps, recipe.warmup_steps) == (300, 15)
    assert recipe.validate_every <= 150
    assert recipe.ema == pytest.approx(1 - 10 / 300)


def test_a_cards_recipe_is_a_recipe():
    from tinytracker.cards import card_path
    from tinytracker.zoo import find, list_released

    for name in list_released("gaze", "eyes"):
        recipe = load_recipe(card_path(find(name).path))
        assert recipe.name == name
        assert recipe.steps > 0
