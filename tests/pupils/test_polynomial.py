"""From pupil to gaze: exact where gaze is a polynomial, refused where dots do not tell, strict on reading."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.pupils.eyes import at_dots, circling, finder
from tinytracker.errors import CalibrationError, UsageError
from tinytracker.events.crops import crop_for
from tinytracker.events.labels import labels_of
from tinytracker.pupils.calibrating import calibrate_pupil
from tinytracker.pupils.dots import fixations_of
from tinytracker.pupils.follow import follow
from tinytracker.pupils.opening import EventSource
from tinytracker.pupils.polynomial import GazePolynomial

CROP = crop_for(346, 260)
GRID = np.array([[x, y] for y in (80.0, 120, 160) for x in (100.0, 150, 200)])


def curved(pupils: np.ndarray) -> np.ndarray:
    x, y = (pupils - [150, 120]).T / 40
    return np.stack([1 + 9 * x + 0.5 * x * y + 0.8 * x**2, -2 + 7 * y - 0.6 * y**2 + 0.3 * x], 1)


def fitted(pupils: np.ndarray = GRID, noise: float = 0.0) -> GazePolynomial:
    targets = curved(pupils) + noise * np.random.default_rng(1).normal(size=pupils.shape)
    return GazePolynomial.fit(pupils, targets, "deg", "pupil", (346, 260))


def test_a_polynomial_of_the_second_order_is_found_exactly() -> None:
    found = fitted()
    for place in ((101.0, 95.0), (160.0, 150.0), (200.0, 80.0)):
        np.testing.assert_allclose(found.gaze(*place), curved(np.array([place]))[0], atol=1e-9)
    assert found.error == pytest.approx(0, abs=1e-9)


def test_the_error_of_dots_that_took_no_part_is_that_of_fitting_anew() -> None:
    rng = np.random.default_rng(2)
    pupils = GRID.mean(0) + rng.uniform(-50, 50, (25, 2))
    noise = rng.normal(size=pupils.shape)
    whole = GazePolynomial.fit(pupils, curved(pupils) + noise, "deg", "pupil", (346, 260))
    missed = []
    for left_out in range(len(pupils)):
        rest = np.arange(len(pupils)) != left_out
        without = GazePolynomial.fit(pupils[rest], (curved(pupils) + noise)[rest], "deg", "pupil", (346, 260))
        x, y = (pupils[left_out] - without.middle_px) / without.spread_px
        terms = np.array([1, x, y, x * y, x * x, y * y])
        gaze = np.array([terms @ without.coefficients_x, terms @ without.coefficients_y])
        missed.append(np.linalg.norm(gaze - (curved(pupils) + noise)[left_out]))
    assert whole.error == pytest.approx(float(np.median(missed)), rel=1e-6)


@pytest.mark.parametrize(
    ("pupils", "reason"),
    [
        (GRID[:5], "5 dots were seen"),
        (np.repeat(GRID[:1], 9, 0), "did not move"),
        (np.stack([np.arange(9.0), np.arange(9.0) * 2], 1), "do not tell"),
        (np.stack([np.arange(9.0), np.full(9, 3.0)], 1), "did not move"),
        (np.repeat(GRID[[0, 2, 6, 8]], 3, 0), "do not tell"),
    ],
)
def test_dots_that_do_not_tell_are_refused(pupils: np.ndarray, reason: str) -> None:
    with pytest.raises(CalibrationError, match=reason):
        GazePolynomial.fit(pupils, curved(pupils), "deg", "pupil", (346, 260))


def test_far_beyond_the_dots_there_is_no_gaze() -> None:
    assert fitted().gaze(340.0, 20.0) is None
    assert fitted().gaze(float("nan"), 20.0) is None


def test_it_comes_back_from_its_file(tmp_path: Path) -> None:
    found = fitted(noise=0.3)
    found.save(tmp_path / "me.json")
    assert GazePolynomial.load(tmp_path / "me.json") == found


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": "tinytracker calibration"}, "it is no tinytracker pupil calibration"),
        ({"version": 9}, "version 9"),
        ({"coefficients_x": [1, 2]}, "coefficients_x"),
        ({"reach": "far"}, "reach"),
        ({"unit": "miles"}, "its unit is 'miles'"),
        ({"extra": 1}, "extra"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, change: dict, reason: str) -> None:
    path = tmp_path / "me.json"
    fitted().save(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(CalibrationError, match=reason):
        GazePolynomial.load(path)
    path.write_text("[")
    with pytest.raises(CalibrationError, match="it is cut off"):
        GazePolynomial.load(path)


def test_nine_dots_give_gaze(tmp_path: Path) -> None:
    """Events of somebody at nine dots -> a map; the same events followed with it -> the dots."""
    recording, dots = at_dots()
    path = tmp_path / "dots.csv"
    path.write_text("start_s,end_s,x_deg,y_deg\n" + "".join(f"{a},{b},{x},{y}\n" for a, b, x, y in dots))
    source = EventSource(recording.events, CROP, None, [])
    done = calibrate_pupil(source, finder(), path)
    assert done.polynomial.dots == 9
    assert done.unseen == ()
    assert done.polynomial.error is not None
    assert done.polynomial.error < 0.6
    samples = list(follow(recording.events, finder(), CROP, gaze_map=done.polynomial))
    late = [sample for sample in samples if (sample.t_us - recording.events.t_us[0]) / 1e6 % 0.6 > 0.4]
    for sample in late:
        wanted = dots[min(int((sample.t_us - recording.events.t_us[0]) / 6e5), 8)][2:]
        assert sample.gaze is not None
        assert np.linalg.norm(np.subtract(sample.gaze, wanted)) < 1.0


def test_rests_of_the_gaze_in_labels_are_dots() -> None:
    recording, dots = at_dots()
    found = fixations_of(recording.labels)
    np.testing.assert_allclose([(dot.x, dot.y) for dot in found], [dot[2:] for dot in dots], atol=0.05)
    assert [dot.is_check for dot in found] == [False, False, False, True] * 2 + [False]
    source = EventSource(recording.events, CROP, recording.labels, [])
    done = calibrate_pupil(source, finder())
    assert done.polynomial.dots == 7
    assert len(done.check_errors) == 2
    assert fixations_of(circling().labels) == [], "a pursuit is no rest"
    with pytest.raises(UsageError, match="do not say where the eye looked"):
        fixations_of(labels_of([1, 2, 3]))
    with pytest.raises(UsageError, match="give --dots"):
        calibrate_pupil(EventSource(recording.events, CROP, None, []), finder())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("start_s,end_s,x_mm,y_mm\n", "expected start_s,end_s,x_deg,y_deg"),
        ("start_s,end_s,x_deg,y_deg\n0,1,a,0\n", "line 2: expected numbers"),
        ("start_s,end_s,x_deg,y_deg\n0,1,0,0\n3,2,0,0\n", "line 3: a dot from 3.0 to 2.0"),
        ("start_s,end_s,x_deg,y_deg\n0,1,0\n", "line 2: expected numbers"),
        ("start_s,end_s,x_deg,y_deg\n0,1,2,5,3\n", "line 2: more values than the 4 columns"),
        ("start_s,end_s,x_deg,y_deg,use\n0,1,2,3,chek\n", "line 2: use is 'chek', expected fit or check"),
    ],
)
def test_a_bad_file_of_dots_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "dots.csv"
    path.write_text(text)
    with pytest.raises(CalibrationError, match=reason):
        calibrate_pupil(EventSource(circling(0.1).events, CROP, None, []), finder(), path)
