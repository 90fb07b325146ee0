"""The profile: what was saved comes back; whatever else is in a file is refused in one line, never used and
never a traceback."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.gazers import CHECK_DEG, LAYOUT_DEG
from tinytracker.calibration.calibration import Calibration
from tinytracker.calibration.conditions import CameraUsed, Conditions, NetworkUsed, ScreenUsed
from tinytracker.calibration.dots import Dot
from tinytracker.calibration.prior import Prior
from tinytracker.calibration.profile import parse_profile, profile_json, refuse_other_network
from tinytracker.calibration.strict import Malformed
from tinytracker.devices import sized_device
from tinytracker.errors import CalibrationError, OutputError

TRUTH = np.array([[0.8, 0.06, -0.02], [-3.0, 0.03, 0.2]])
NETWORK = NetworkUsed("tinytracker-eyes", "ab" * 32)
SCREEN = ScreenUsed.of_device(sized_device("laptop", 34.0, 19.3), scale=1.25, origin_px=(-1360, 0))
CONDITIONS = Conditions(NETWORK, SCREEN, CameraUsed("/dev/video0", 640, 480, 60.0), mirrored=False)


@pytest.fixture
def calibration(prior: Prior, look: Callable[..., Dot]) -> Calibration:
    rng = np.random.default_rng(0)
    found = Calibration.fit([look(place, TRUTH, rng) for place in LAYOUT_DEG[:5]], prior, CONDITIONS)
    found = found.with_check(found.judged([look(place, TRUTH, rng) for place in CHECK_DEG]).validation)
    return found.recentred(look((0.0, -9.0), TRUTH, rng))


@pytest.fixture(scope="module")
def stored() -> dict[str, Any]:
    from tests.gazers import look_at

    rng = np.random.default_rng(0)
    found = Calibration.fit([look_at(place, TRUTH, rng) for place in LAYOUT_DEG[:3]], conditions=CONDITIONS)
    found = found.with_check(found.judged([look_at(place, TRUTH, rng) for place in CHECK_DEG[:2]]).validation)
    return profile_json(found.recentred(look_at((0.0, -9.0), TRUTH, rng)))


def test_what_was_saved_comes_back(calibration: Calibration, tmp_path: Path) -> None:
    path = tmp_path / "me.json"
    calibration.save(path)
    again = Calibration.load(path)
    assert again.id == calibration.id == json.loads(path.read_text())["id"]
    np.testing.assert_array_equal(again.coefficients, calibration.coefficients)
    np.testing.assert_array_equal(again.posterior.covariance, calibration.posterior.covariance)
    assert again.conditions == CONDITIONS
    assert again.dots == calibration.dots
    assert again.validation == calibration.validation
    assert again.undone().id == calibration.undone().id
    assert [entry.name for entry in tmp_path.iterdir()] == ["me.json"]  # nothing left beside it


def test_how_it_is_used_is_kept_beside_it(calibration: Calibration, tmp_path: Path) -> None:
    path = tmp_path / "me.json"
    calibration.carried_over().save(path)
    again = Calibration.load(path)
    assert again.id == calibration.id
    assert again.another_sitting == 0.9
    np.testing.assert_array_equal(again.coefficients, calibration.carried_over().coefficients)
    stored = json.loads(path.read_text())
    for chance in (-0.1, 1.1, "often", None, True):
        with pytest.raises(Malformed, match="another_sitting"):
            parse_profile({**stored, "another_sitting": chance})


def test_a_profile_of_before_checks_knew_what_was_usual_is_read(
    calibration: Calibration, tmp_path: Path
) -> None:
    check = calibration.validation
    assert check is not None
    old = calibration.with_check(replace(check, usual_log=None))
    stored = profile_json(old)
    assert "usual_log" not in stored["validation"]
    path = tmp_path / "me.json"
    path.write_text(json.dumps(stored))
    again = Calibration.load(path)
    assert again.id == old.id
    assert again.error_to_come.deg == pytest.approx(calibration.error_to_come.deg, rel=0.05)


def test_format_stands(stored: dict[str, Any]) -> None:
    """A change here is a change of the format: raise VERSION."""
    assert list(stored) == [
        "format",
        "version",
        "id",
        "created",
        "conditions",
        "fitted",
        "dots",
        "weights",
        "recentrings",
        "validation",
        "prior",
    ]
    assert (stored["format"], stored["version"]) == ("tinytracker calibration", 2)
    assert list(stored["dots"][0]) == [
        "x_cm",
        "y_cm",
        "target_deg",
        "raw_deg",
        "distance_cm",
        "frames",
        "valid_share",
        "spread_deg",
        "t_ns",
        "screen_px",
    ]


def test_another_networks_profile_is_refused(calibration: Calibration) -> None:
    refuse_other_network(calibration, NETWORK)
    with pytest.raises(CalibrationError, match="calibrate again with this network, or use that one"):
        refuse_other_network(calibration, NetworkUsed("tinytracker-eyes", "cd" * 32))


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (
            Conditions(NETWORK, replace(SCREEN, width_px=1920)),
            "the screen had 1360 x 772 pixels, now 1920 x 772",
        ),
        (
            Conditions(NETWORK, replace(SCREEN, width_cm=60.0)),
            "the screen measured 34 x 19.3 cm, now 60 x 19.3",
        ),
        (Conditions(NETWORK, replace(SCREEN, scale=1.0)), "the desktop's scale was 1.25, now 1"),
        (
            Conditions(NETWORK, replace(SCREEN, origin_px=(0, 0))),
            "the screen's corner lay at (-1360, 0) on the desktop",
        ),
        (
            Conditions(NETWORK, replace(SCREEN, camera_to_screen_y_cm=-20.0)),
            "the camera sits elsewhere on the screen",
        ),
        (
            Conditions(camera=CameraUsed("/dev/video2", 640, 480, 60.0)),
            "the camera was '/dev/video0', now '/dev/video2'",
        ),
        (
            Conditions(camera=CameraUsed("/dev/video0", 1280, 720, 60.0)),
            "frames had 640 x 480 pixels, now 1280 x 720",
        ),
        (
            Conditions(camera=CameraUsed("/dev/video0", 640, 480, 78.0)),
            "the field of view was 60 degrees, now 78",
        ),
        (Conditions(mirrored=True), "it was made without --mirrored, gaze now comes with --mirrored"),
    ],
)
def test_what_differs_is_said(now: Conditions, said: str) -> None:
    (difference,) = CONDITIONS.differences(now)
    assert difference.startswith(said)
    assert CONDITIONS.differences(CONDITIONS) == []
    assert CONDITIONS.differences(Conditions()) == []  # what is unknown is not compared


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "it is empty"),
        ("[]", '"format" is not "tinytracker calibration"'),
        ('{"format": "tinytracker calibration", "version": 1}', "its version is 1, this tinytracker reads 2"),
        ('{"format": "tinytracker calibration", "version": true}', "its version is True"),
        ('{"format": "tinytracker calibration", "version": 2}', "created is missing"),
        ('{"format": NaN}', "NaN is no number"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": "' + "x" * 1_100_000 + '"}', "larger than 1,000,000 bytes"),
    ],
)
def test_what_is_no_profile_is_refused_by_name(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "theirs.json"
    path.write_text(content)
    with pytest.raises(CalibrationError, match=r"theirs\.json is not a calibration") as refused:
        Calibration.load(path)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_a_line(tmp_path: Path) -> None:
    with pytest.raises(CalibrationError, match=r"cannot read .*nobody\.json: No such file"):
        Calibration.load(tmp_path / "nobody.json")


def test_a_place_that_cannot_be_written_is_a_line(calibration: Calibration, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write"):
        calibration.save(tmp_path / "file" / "me.json")


def paths_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in nested objects and lists."""
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []
    )
    return [path] * bool(path) + [inner for key, item in entries for inner in paths_of(item, (*path, key))]


RUBBISH = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**400), 10**400),
    st.floats(allow_nan=True),
    st.text(max_size=20),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


@given(st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_changed_profile_is_refused(stored: dict[str, Any], data: st.DataObject) -> None:
    """Whatever one entry is replaced by, removed or renamed: Malformed, never another exception, never
    accepted."""
    changed = copy.deepcopy(stored)
    path = data.draw(st.sampled_from(paths_of(stored)))
    holder: Any = changed
    for key in path[:-1]:
        holder = holder[key]
    before = holder[path[-1]]
    if data.draw(st.booleans()):
        after = data.draw(RUBBISH)
        holder[path[-1]] = after
        if type(after) is type(before) and repr(after) == repr(before):
            return
    else:
        del holder[path[-1]]
    with pytest.raises(Malformed):
        parse_profile(changed)


def test_a_covariance_that_is_none_is_refused_even_with_a_fitting_id(calibration: Calibration) -> None:
    broken = replace(calibration.fitted, covariance=-calibration.fitted.covariance)
    with pytest.raises(Malformed, match="positive definite"):
        parse_profile(json.loads(json.dumps(profile_json(replace(calibration, fitted=broken)))))
