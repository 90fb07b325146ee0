"""From models and a dataset on disk to rows, and the command around it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinytracker.cli.app import run
from tinytracker.data.dataset import Dataset
from tinytracker.errors import DatasetError, ModelError, OutputError, UsageError
from tinytracker.evaluation.evaluate import evaluate, frames_of, predict, predict_on_dask, unique_names
from tinytracker.evaluation.scores import BASELINE
from tinytracker.results import read_rows, value_of


def number(rows, model: str, metric: str, group: str = "all") -> float:
    row = value_of(rows, model, metric, group)
    assert row is not None, (model, metric, group)
    return row.value


def test_models_side_by_side(dataset: Dataset, known_models) -> None:
    evaluation = evaluate(["near", "far"], dataset)
    assert number(evaluation.rows, "near", "error") == pytest.approx(1, abs=1e-4)
    assert number(evaluation.rows, "far", "error") == pytest.approx(5, abs=1e-4)
    assert number(evaluation.rows, "far", "bias_y") == pytest.approx(-4, abs=1e-4)
    assert number(evaluation.rows, "far", "frames") == 40
    assert number(evaluation.rows, "far", "people", "device_kind=tablet") == 2
    assert number(evaluation.rows, "far", "frames", "orientation=1") == 20
    assert number(evaluation.rows, "near", "frames", "person=test3") == 10
    assert set(evaluation.gaze_cm) == {"near", "far"}


def test_the_baseline_is_the_training_people_s_mean(dataset: Dataset, known_models) -> None:
    evaluation = evaluate(["near"], dataset)
    learnt = dataset.split("train")
    gaze = np.stack([dataset.labels["gaze_x_cm"], dataset.labels["gaze_y_cm"]], axis=1)
    expected = np.linalg.norm(gaze[dataset.split("test")] - gaze[learnt].mean(axis=0), axis=1).mean()
    assert number(evaluation.rows, BASELINE, "error") == pytest.approx(expected)
    assert number(evaluation.rows, "near", "share_of_mean") == pytest.approx(100 / expected, rel=1e-4)


def test_training_people_only_if_asked(dataset: Dataset, known_models) -> None:
    with pytest.raises(UsageError, match="--allow-train"):
        evaluate(["near"], dataset, "train")
    assert number(evaluate(["near"], dataset, "train", allow_train=True).rows, "near", "frames") == 30


def test_an_eye_locator_is_scored_by_landmarks(dataset: Dataset, known_models) -> None:
    evaluation = evaluate(["eyes", "near"], dataset)
    assert evaluation.has_landmarks
    assert number(evaluation.rows, "eyes", "landmarks_median") > 0
    assert number(evaluation.rows, "eyes", "openness_median") == pytest.approx(0, abs=1e-6)
    assert set(evaluation.gaze_cm) == {"near"}


def test_threads_change_nothing(dataset: Dataset, known_models, monkeypatch: pytest.MonkeyPatch) -> None:
    from tinytracker.evaluation import evaluate as module

    monkeypatch.setattr(module, "CHUNK", 7)
    seen: list[tuple[int, int]] = []
    indices = dataset.split("test")[::-1]
    several = predict(
        "far", dataset, indices, jobs=3, progress=lambda done, total: seen.append((done, total))
    )
    assert np.array_equal(several, predict("far", dataset, indices))
    assert seen[-1] == (40, 40)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_a_dask_cluster_changes_nothing(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip("dask.distributed")
    from tinytracker.evaluation import evaluate as module

    monkeypatch.setattr(module, "CHUNK", 9)
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        dashboard_address=None,
        local_directory=str(tmp_path / "dask"),
    ) as cluster:
        models, scheduler = ["eye-locator", "tinytracker-s"], cluster.scheduler_address
        seen: list[tuple[int, int]] = []
        spread = evaluate(models, dataset, dask_scheduler=scheduler, progress=lambda *done: seen.append(done))
        # The same bytes, not only the same figures.
        answers = predict_on_dask("tinytracker-s", dataset, dataset.split("test"), scheduler)
    alone = evaluate(models, dataset)
    assert list(map(repr, spread.rows)) == list(map(repr, alone.rows))
    assert np.array_equal(answers, alone.gaze_cm["tinytracker-s"])
    assert seen[-1] == (80, 80)


def test_without_training_people_there_is_no_share(dataset: Dataset, known_models) -> None:
    dataset.labels["split"] = np.full(len(dataset), "test")
    rows = evaluate(["near"], dataset).rows
    assert np.isnan(number(rows, "near", "share_of_mean"))
    assert number(rows, "near", "error") == pytest.approx(1, abs=1e-4)


def test_an_empty_split_is_named(dataset: Dataset, known_models) -> None:
    dataset.labels["split"] = np.full(len(dataset), "train")
    with pytest.raises(DatasetError, match=r"no people in the split test \(it has: train\)"):
        frames_of(dataset, "test")


def test_names_tell_models_apart() -> None:
    assert unique_names(["tinytracker", "out/mine.tflite"]) == ["tinytracker", "mine"]
    assert unique_names(["out/mine.onnx", "out/mine.tflite"]) == ["mine.onnx", "mine.tflite"]
    assert unique_names(["a/m.tflite", "b/m.tflite"]) == ["a/m.tflite", "b/m.tflite"]
    with pytest.raises(UsageError, match="twice"):
        unique_names(["a/m.tflite", "a/m.tflite"])


class TestCommand:
    def test_tables_rows_and_picture(
        self, dataset_folder: Path, known_models, tmp_path: Path, capsys, monkeypatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", "160")
        csv, plot = tmp_path / "rows.csv", tmp_path / "plot.png"
        line = [
            "evaluate",
            "near",
            "far",
            "eyes",
            "--data",
            str(dataset_folder),
            "--csv",
            str(csv),
            "--plot",
            str(plot),
        ]
        assert run(line) == 0
        out = capsys.readouterr().out
        assert "device_kind=phone" in out
        assert BASELINE in out
        assert "eye locators" in out
        assert number(read_rows(csv), "far", "error") == pytest.approx(5, abs=1e-3)
        assert plot.stat().st_size > 10_000

    def test_a_user_s_mistakes_are_one_line(self, dataset_folder: Path, tmp_path: Path, capsys) -> None:
        assert (
            run(["evaluate", "nothing-of-that-name", "--data", str(dataset_folder)]) == ModelError.exit_code
        )
        assert run(["evaluate", "tinytracker", "--data", str(tmp_path / "empty")]) == DatasetError.exit_code
        assert (
            run(["evaluate", "tinytracker", "--data", str(dataset_folder), "--split", "train"])
            == UsageError.exit_code
        )
        assert (
            run(["evaluate", "tinytracker", "--data", str(dataset_folder), "--split", "all"])
            == UsageError.exit_code
        )
        assert (
            run(["evaluate", "tinytracker", "--data", str(dataset_folder), "--plot", "a.docx"])
            == UsageError.exit_code
        )
        assert (
            run(["evaluate", "gone", "--data", str(dataset_folder), "--csv", "/proc/a.csv"])
            == OutputError.exit_code
        )
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 6
        assert all(line.startswith("error: ") for line in lines)
