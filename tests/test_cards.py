"""A card is read whole and sensible, or refused in one line that names the field."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from tinytracker.cards import InputSpec, ModelCard, read_card, write_card
from tinytracker.errors import ModelError
from tinytracker.zoo import find, list_released

CARD = ModelCard(
    "mine", "tinytracker", (InputSpec("face", "face", 112, 112), InputSpec("face_box", "face_box"))
)


def damaged(**changes: object) -> dict[str, object]:
    """A card's JSON with fields changed; those of its first input by `input_NAME`."""
    fields = json.loads(json.dumps(asdict(CARD)))
    for name, value in changes.items():
        (fields["inputs"][0] if name.startswith("input_") else fields)[name.removeprefix("input_")] = value
    return fields


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"output_scale_cm": float("nan")}, "output_scale_cm is nan, expected a finite number"),
        ({"output_scale_cm": 1e308}, r"output_scale_cm is 1e\+308, expected more than 0 and at most 1000"),
        ({"output_scale_cm": -30}, "output_scale_cm is -30, expected more than 0"),
        ({"output_scale_cm": True}, "output_scale_cm is True"),
        ({"output": "smile"}, "output is 'smile', expected one of gaze, eyes"),
        ({"number_format": ["int8"]}, "number_format is"),
        ({"counts": {"macs": "many"}}, "counts is"),
        ({"sha256": 7}, "sha256 is 7, expected text"),
        ({"input_colour": "infrared"}, "colour is 'infrared', expected one of rgb, grey"),
        ({"input_kind": "nose"}, "kind is 'nose', expected one of face, left_eye"),
        ({"input_pixel_scale": float("inf")}, "pixel_scale is inf"),
        ({"input_pixel_scale": 0}, "expected a scale of 1e-06 to 1000"),
        ({"input_pixel_offset": -1e300}, "expected a scale of 1e-06 to 1000"),
        ({"input_width_px": 0}, "face is of 0 x 112 pixels"),
        ({"input_width_px": 112.5}, r"width_px is 112\.5, expected a whole number"),
        ({"input_height_px": 10**9}, "expected 1 to 4096"),
        ({"input_name": "face_box"}, "two of its inputs have one name"),
        ({"input_mirrored": "no"}, "mirrored is 'no', expected true or false"),
        ({"output_scale_cm": 10**400}, "it has a number of 401 digits"),
        ({"input_pixel_offset": -(10**400)}, "it has a number of 402 digits"),
        ({"input_pixel_scale": 5e-324}, "expected a scale of 1e-06 to 1000"),
        ({"input_low_pass_px": 1e-300}, "low_pass_px of 1e-300, expected 0, or 0.1 to 16"),
        ({"correction": {"scale": {"bias": [1, float("nan")]}}}, "correction holds nan, expected finite"),
        ({"correction": {"scale": {"bias": [1, 10**400]}}}, "it has a number of 401 digits"),
        ({"calibration_prior": {"mean": [[0, -1e300]]}}, r"calibration_prior holds -1e\+300"),
        ({"name": "../../mine"}, "name is '../../mine', expected 1 to 200 characters"),
        ({"name": "a\nb"}, "name is 'a.nb'"),
        ({"name": ""}, "name is ''"),
        ({"name": "n" * 300}, "name is 'nnn"),
        ({"input_flavour": 1}, "has a field 'flavour', which there is not"),
        ({"inputs": []}, "it has no inputs"),
        ({"inputs": "face"}, "it holds no list of inputs"),
        ({"inputs": [3]}, r"inputs\[0\] is 3, expected an object"),
    ],
)
def test_what_makes_no_sense_is_named(changes: dict[str, object], message: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(damaged(**changes)))
    with pytest.raises(ModelError, match=f"mine.json is not a model card: .*{message}"):
        read_card(path)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"inputs":' + "[" * 100_000, "[]", "7", "", "\udcff", '{"name": "x"}']
)
def test_what_is_no_card_is_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ModelError, match="is not a model card") as caught:
        read_card(tmp_path / "x.json")
    assert len(str(caught.value).splitlines()) == 1


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write_card(CARD, tmp_path / "mine.json")
    assert read_card(tmp_path / "mine.json") == CARD
    assert all(find(name).card is not None for name in list_released())
