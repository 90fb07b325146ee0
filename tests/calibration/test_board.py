"""gaze_calibration.h: the board's points are the host's, within float rounding; measured by compiling it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.gazers import CHECK_DEG, LAYOUT_DEG
from tinytracker.calibration.calibration import Calibration
from tinytracker.calibration.dots import Dot
from tinytracker.calibration.prior import Prior
from tinytracker.cli.app import run
from tinytracker.errors import CalibrationError
from tinytracker.geometry import point_at_angle_cm, visual_angle_deg
from tinytracker.targets.mcu.boards import sources
from tinytracker.targets.mcu.calibration import HEADER, board_header

TRUTH = np.array([[0.8, 0.06, -0.02], [-3.0, 0.03, 0.2]])
PROGRAM = """
#include "gaze_calibration.h"
#include "gaze_calibrate.h"
#include <stdio.h>
int main(void) {
    static const gaze_calibration person = {
        GAZE_CALIBRATION_DISTANCE_CM, {GAZE_CALIBRATION_RIGHT, GAZE_CALIBRATION_UP}
    };
    float x, y;
    while (scanf("%f %f", &x, &y) == 2) {
        gaze_calibrate(&person, &x, &y);
        printf("%.9g %.9g\\n", (double)x, (double)y);
    }
    return 0;
}
"""


@pytest.fixture
def calibration(prior: Prior, look: Callable[..., Dot]) -> Calibration:
    rng = np.random.default_rng(0)
    return Calibration.fit([look(place, TRUTH, rng) for place in LAYOUT_DEG[:5]], prior)


def compiled(folder: Path, header: str, points_cm: np.ndarray) -> np.ndarray:
    """What a board's C makes of points (n, 2) in cm."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    (folder / HEADER).write_text(header)
    (folder / "gaze_calibrate.h").write_text(sources("link")["gaze_calibrate.h"])
    (folder / "main.c").write_text(PROGRAM)
    flags = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-O2"]
    subprocess.run([compiler, *flags, "main.c", "-o", "main", "-lm"], cwd=folder, check=True)
    asked = "\n".join(f"{x:.9g} {y:.9g}" for x, y in points_cm)
    answer = subprocess.run([folder / "main"], input=asked, capture_output=True, text=True, check=True)
    return np.array([[float(word) for word in line.split()] for line in answer.stdout.splitlines()])


def test_a_board_gives_the_hosts_points(calibration: Calibration, tmp_path: Path) -> None:
    points = np.random.default_rng(1).uniform((-30, -40), (30, 10), (200, 2)).astype(np.float32)
    found = compiled(tmp_path, board_header(calibration), points)
    distance_cm = float(np.median([dot.distance_cm for dot in calibration.dots]))
    angles = calibration.apply(*visual_angle_deg(*points.T.astype(float), distance_cm))
    expected = np.stack(point_at_angle_cm(*angles, distance_cm), axis=1)
    assert np.abs(expected - points).max() > 1.0
    np.testing.assert_allclose(found, expected, atol=2e-5, rtol=2e-6)


def test_a_calibration_that_does_not_help_is_no_boards(
    calibration: Calibration, look: Callable[..., Dot]
) -> None:
    check = calibration.check([look(place, TRUTH, np.random.default_rng(2)) for place in CHECK_DEG])
    useless = calibration.with_check(replace(check, error_deg=check.uncalibrated_deg + 1))
    with pytest.raises(CalibrationError, match="found not to help"):
        board_header(useless)


def test_an_exported_project_holds_it(
    calibration: Calibration, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tinytracker.calibration.conditions import Conditions, NetworkUsed
    from tinytracker.zoo import find

    weights = find("tinytracker-s")
    mine = replace(calibration, conditions=Conditions(NetworkUsed("tinytracker-s", weights.sha256)))
    mine.save(tmp_path / "me.json")
    given = ["export", "tinytracker-s", "--target", "spresense-arduino", "--out", str(tmp_path / "out")]
    assert run([*given, "--calibration", str(tmp_path / "me.json")]) == 0
    (header,) = (tmp_path / "out").rglob(HEADER)
    assert header.read_text() == board_header(mine.carried_over())  # whoever uses it sits down anew
    theirs = replace(calibration, conditions=Conditions(NetworkUsed("another", "00" * 32)))
    theirs.save(tmp_path / "theirs.json")
    assert run([*given, "--calibration", str(tmp_path / "theirs.json")]) == 3
    assert "was made with another" in capsys.readouterr().err
