"""A network is built with options that make sense, or refused by the option's name before anything is."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tinytracker.errors import UsageError
from tinytracker.models import create_model


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("tinytracker", {"size_px": 0}, "size_px 0; expected a whole number above 0 or [a whole"),
        ("tinytracker", {"size_px": [96, -3]}, "size_px [96, -3]; expected a whole number above 0 or ["),
        ("tinytracker_s", {"size_px": True}, "size_px True; expected a whole number"),
        ("tinytracker_s", {"low_pass_px": -1.0}, "low_pass_px -1.0; expected a number of at least 0"),
        ("tinytracker_s", {"squeeze_excite": 1}, "squeeze_excite 1; expected true or false"),
        ("eye_locator", {"colour": "blue"}, "colour 'blue'; expected one of rgb, grey"),
        ("itracker", {"output_scale_cm": 0}, "output_scale_cm 0; expected a number above 0"),
        ("itracker", {"size_px": 20}, "size_px 20: its layers do not go together then"),
        ("tinytracker", {"size_px": 1_000_000}, "face is of 1000000 x 1000000 pixels, expected 1 to 4096"),
        ("tinytracker_eyes", {"face_blank_rows": 99}, "99 blank_rows, expected 0 to its height, 64"),
        ("pupil", {"window_events": 0}, "window_events 0; expected a whole number above 0"),
        ("retina", {"size_px": 8}, "300 window_events, expected 1 to its number of pixels"),
    ],
)
def test_what_cannot_be_built_or_run_is_refused_by_name(name: str, options: Any, told: str) -> None:
    with pytest.raises(UsageError) as refused:
        create_model(name, **options)
    assert str(refused.value).startswith(f"model {name} cannot be built with ")
    assert told in str(refused.value)


def test_a_near_name_is_told() -> None:
    with pytest.raises(UsageError, match=r"no model 'tinytracker-s' \(did you mean tinytracker_s\?\); there"):
        create_model("tinytracker-s")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("tinytracker", {"size_px": [64, 96], "position": "baked", "low_pass_px": 0}),
        ("tinytracker_imx", {"correct_by_box": None}),
        ("pupil", {"window_among": 0}),
        ("retina", {"window_among": 32, "decimation": 2}),
    ],
)
def test_what_is_asked_beforehand_changes_no_weight(name: str, options: Any) -> None:
    from tinytracker.models.registry import _BUILDERS

    torch.manual_seed(1)
    direct = _BUILDERS[name](**options).state_dict()
    torch.manual_seed(1)
    made = create_model(name, **options).state_dict()
    assert all(torch.equal(direct[key], made[key]) for key in direct | made)
