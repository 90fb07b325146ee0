"""The study in miniature, for real: rendered people, two networks, int8 files, and the lines of the table."""

from __future__ import annotations

import csv
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.recordings import make_recording
from tinytracker.cli import reproduce
from tinytracker.cli.app import run
from tinytracker.data.dataset import Dataset
from tinytracker.errors import InputError, OutputError
from tinytracker.results import read_rows
from tinytracker.study import study
from tinytracker.study.plan import QUICK, Budget, Plan, Rendered
from tinytracker.study.study import run_study
from tinytracker.study.table import Line, write_lines

LINE = Line(
    "tinytracker",
    "face 112x112x5",
    900,
    426_694,
    11_839_208,
    1_718_000,
    606_000,
    4.1,
    4.13,
    3.9,
    4.4,
    47.0,
    0.33,
    0.2,
)
ITRACKER = Line(
    "itracker", "face", 50, 6_286_274, 1_324_500_000, 25_151_000, 6_352_000, 7, 7, 6, 8, 90.0, 46, 13
)


@contextmanager
def no_bar(title: str):
    yield lambda done, total: None


def test_people_to_table_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study, "NETWORKS", ("tinytracker-eyes", "tinytracker-s"))
    steps = {"tinytracker-eyes": 3, "tinytracker-s": 3}
    budget = Budget(
        rendered=(Rendered(0, 10, 2, ("train", "val")), Rendered(5, 10, 2, ("test",))),
        steps=steps,
        validation_samples=9,
        calibration_samples=8,
        check_samples=4,
        qat_steps=0,
        latency_runs=5,
    )
    lines, _ = run_study(Plan(tmp_path, budget, 1), None, 2, no_bar)
    people = sorted(path.name for path in (tmp_path / "recordings").iterdir() if path.is_dir())
    assert people == [*(f"{100_000 + number}" for number in (0, 1, *range(3, 10))), "600002"]
    assert [line.name for line in lines] == ["tinytracker-eyes", "tinytracker-s"]
    eyes, small = lines
    assert eyes.macs <= 18e6  # the limits that the networks were designed to
    assert eyes.parameters <= 450_000
    assert small.int8_bytes < eyes.int8_bytes < eyes.float_bytes
    assert small.int8_ms > 0
    assert abs(eyes.loss_cm) < 0.5
    assert eyes.error_int8_low_cm != eyes.error_int8_low_cm  # NaN: one test person has no interval
    sizes = {row.model: row.value for row in read_rows(tmp_path / "results.csv") if row.metric == "size"}
    assert sizes["tinytracker-eyes_int8"] == eyes.int8_bytes

    def made() -> dict[Path, int]:
        kept = [
            path
            for path in tmp_path.rglob("*")
            if path.is_file() and path.name not in ("results.csv", "manifest.json")
        ]
        return {path: path.stat().st_mtime_ns for path in kept if "options" not in path.name}

    before = made()
    again, _ = run_study(Plan(tmp_path, budget, 1), None, 2, no_bar)
    assert made() == before, "a whole study was made anew"
    assert [line.error_int8_cm for line in again] == [line.error_int8_cm for line in lines]


def test_other_people_want_another_folder(tmp_path: Path) -> None:
    few, others = (replace(QUICK, rendered=(Rendered(seed, 1, 1),)) for seed in (0, 41))
    study._dataset(Plan(tmp_path, few), None, 1, no_bar)
    with pytest.raises(OutputError, match=r"was begun with .*1 makehuman people of seed 0"):
        study._dataset(Plan(tmp_path, others), None, 1, no_bar)


def test_recordings_or_a_dataset_in_place_of_rendered_people(tmp_path: Path) -> None:
    for number, split in enumerate(("train", "val", "test")):
        make_recording(tmp_path / "gazecapture", f"0000{number}", split=split)
    dataset = study._dataset(Plan(tmp_path / "out", QUICK), tmp_path / "gazecapture", 1, no_bar)
    assert dataset == tmp_path / "out/dataset"
    assert len(Dataset.open(dataset).labels["frame"]) == 12
    assert study._dataset(Plan(tmp_path / "other", QUICK), dataset, 1, no_bar) == dataset
    assert not (tmp_path / "other").exists()


def test_data_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["reproduce", "--quick", "--data", str(tmp_path / "nowhere"), "--out", str(tmp_path / "out")]
    assert run(line) == InputError.exit_code
    assert "nowhere" in capsys.readouterr().err


def test_the_table(tmp_path: Path) -> None:
    cells = dict(zip(reproduce.HEADINGS, reproduce._cells(LINE, [LINE, ITRACKER]), strict=True))
    assert cells["MAC"] == "11.8 M"
    assert cells["smaller than iTracker"] == "41.5 x"
    assert cells["loss by int8 cm"] == "+0.030"
    assert cells["error int8 cm"] == "4.13 (3.90-4.40)"
    text = reproduce._markdown(
        "title", [reproduce._cells(line, [LINE, ITRACKER]) for line in (LINE, ITRACKER)]
    )
    assert "| tinytracker | face 112x112x5 | 426,694 |" in text
    write_lines([LINE, ITRACKER], tmp_path / "table.csv")
    rows = list(csv.DictReader((tmp_path / "table.csv").read_text().splitlines()))
    assert float(rows[0]["loss_cm"]) == pytest.approx(0.03)
    assert rows[1]["name"] == "itracker"
