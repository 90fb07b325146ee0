"""Areas of interest as a JSON file, and in the report; what was shown, read back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.gazers import CHECK_DEG, LAYOUT_DEG, look_at
from tests.session.test_recorder import STEP_NS, frame, info
from tests.tracking.conftest import sample
from tinytracker.calibration.calibration import Calibration
from tinytracker.cli.app import run
from tinytracker.errors import UsageError
from tinytracker.session.areas import Area, areas_of, read_areas, write_areas
from tinytracker.session.check_report import check_report_html
from tinytracker.session.events import Event
from tinytracker.session.folder import CALIBRATIONS_FOLDER, STIMULI_FOLDER
from tinytracker.session.reader import read_session
from tinytracker.session.recorder import SessionRecorder
from tinytracker.session.stimuli import stimuli_of

TRUTH = np.array([[0.8, 0.06, -0.02], [-3.0, 0.03, 0.2]])
AREAS = [Area("the <face>", 500, 0, 50.5, 50), Area("elsewhere", 0, 0, 50, 50)]


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """Six frames; two things were shown, and the first one's file is there."""
    with SessionRecorder(tmp_path / "anna", info()) as recorder:
        for index in range(6):
            recorder.write(frame(index), sample(index, valid=index != 2))
        for step, name in ((1, "a.png"), (3, ""), (4, "gone.png")):
            recorder.note(Event(step * STEP_NS, "stimulus", label=name))
    (tmp_path / "anna" / STIMULI_FOLDER).mkdir()
    (tmp_path / "anna" / STIMULI_FOLDER / "a.png").write_bytes(b"")
    return tmp_path / "anna"


def test_areas_are_read_back_as_written(tmp_path: Path) -> None:
    write_areas(tmp_path / "areas.json", AREAS)
    assert read_areas(tmp_path / "areas.json") == AREAS
    assert set(json.loads((tmp_path / "areas.json").read_text())[0]) == {
        "name",
        "x_px",
        "y_px",
        "width_px",
        "height_px",
    }


@pytest.mark.parametrize(
    "text", ["", "{", "7", '{"name": "a"}', "[7]", '[{"name": "a", "x_px": 1}]', "[" * 9999]
)
def test_a_file_without_areas_is_refused_in_one_line(
    session: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    (tmp_path / "areas.json").write_text(text)
    assert run(["report", str(session), "--areas", str(tmp_path / "areas.json")]) == 3
    complaint = capsys.readouterr().err.strip()
    assert "areas.json" in complaint
    assert "\n" not in complaint
    assert not (session / "areas.json").exists()


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 1e300])
def test_areas_lie_on_a_screen(number: float) -> None:
    with pytest.raises(UsageError):
        areas_of([{"name": "a", "x_px": number, "y_px": 0, "width_px": 1, "height_px": 1}])


def test_report_tells_how_areas_were_looked_at(session: Path, tmp_path: Path) -> None:
    write_areas(tmp_path / "areas.json", AREAS)
    assert run(["report", str(session), "--areas", str(tmp_path / "areas.json")]) == 0
    page, figures = (session / "report.html").read_text(), json.loads((session / "report.json").read_text())
    assert "the &lt;face&gt;" in page
    assert [area["visits"] for area in figures["areas"]] == [2, 0]
    assert figures["areas"][0]["dwell_s"] == pytest.approx(5 * 0.033)
    assert run(["report", str(session)]) == 0  # they are kept with the session
    assert "Areas of interest" in (session / "report.html").read_text()


def test_stimuli_last_until_the_next_and_files_that_are_gone_are_left_out(session: Path) -> None:
    (shown,) = stimuli_of(read_session(session))
    assert (shown.name, shown.kind) == ("a.png", "image")
    assert (shown.start_ns, shown.end_ns) == (STEP_NS, 3 * STEP_NS)


def test_bids_names_the_files_that_were_looked_at(session: Path, tmp_path: Path) -> None:
    assert run(["convert", str(session), "--to", "bids", "--out", str(tmp_path / "study")]) == 0
    lines = (tmp_path / "study/sub-01/beh/sub-01_task-gaze_events.tsv").read_text().splitlines()
    head, *rows = [line.split("\t") for line in lines]
    assert head[-1] == "stim_file"
    assert rows == [["0.033", "0.066", "stimulus", "a.png", "n/a", "n/a", "sub-01_task-gaze/a.png"]]
    assert (tmp_path / "study/stimuli/sub-01_task-gaze/a.png").is_file()


def test_the_last_calibration_is_the_one_of_the_last_row(session: Path) -> None:
    rng = np.random.default_rng(1)
    fitted = Calibration.fit([look_at(place, TRUTH, rng) for place in LAYOUT_DEG[:5]])
    assert read_session(session).last_calibration is None
    text = (session / "gaze.csv").read_text().splitlines()
    column = text[0].split(",").index("calibration_id")
    last = text[-1].split(",")
    last[column] = fitted.id
    (session / "gaze.csv").write_text("\n".join([*text[:-1], ",".join(last)]) + "\n")
    (session / CALIBRATIONS_FOLDER).mkdir()
    fitted.save(session / CALIBRATIONS_FOLDER / f"{fitted.id}.json")
    found = read_session(session).last_calibration
    assert found is not None
    assert found.id == fitted.id


def test_a_check_is_a_page_that_needs_nothing_else() -> None:
    rng = np.random.default_rng(2)
    fitted = Calibration.fit([look_at(place, TRUTH, rng) for place in LAYOUT_DEG[:5]])
    with pytest.raises(UsageError, match="no check"):
        check_report_html(fitted)
    check = fitted.check([look_at(place, TRUTH, rng) for place in CHECK_DEG])
    page = check_report_html(fitted.with_check(check))
    assert check.sentence in page
    assert f"{check.uncalibrated_deg:.2f} degrees" in page
    for outside in ("http:", "https:", "src=", "<script", "<img"):
        assert outside not in page
