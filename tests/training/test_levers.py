"""What benchmarks/levers.py tries, and the table that it left in docs/training.md."""

from __future__ import annotations

import sys
from pathlib import Path

import levers
import numpy as np
import pytest
from documents import table_in

from tests.training.tiny import make_dataset, write_dataset
from tinytracker.results import read_rows


@pytest.mark.parametrize(
    ("network", "name"), [(network, name) for network, own in levers.LEVERS.items() for name in own]
)
def test_a_lever_changes_what_it_says_and_nothing_else(network: str, name: str) -> None:
    lever = levers.LEVERS[network][name]
    control, own = (
        _flat(levers.recipe_of(network, one, network, 500).as_dict())
        for one in (levers.LEVERS[network][levers.CONTROL], lever)
    )
    changed = {field for field in own if own[field] != control.get(field)}
    assert changed == set(lever.change)
    assert {field: own[field] for field in changed} == lever.change


def test_all_but_the_heads_asked_for_leave_training_alone() -> None:
    dataset = make_dataset()
    kinds = np.array(["procedural", "ict", "makehuman", "ict"])[np.arange(len(dataset.labels["split"])) % 4]
    dataset.labels["truth_heads"] = kinds
    some = levers.of_heads(dataset, ("ict",))
    assert set(kinds[some.split("train")]) == {"ict"}
    assert len(some.split("train")) == len(dataset.split("train")) // 2
    for split in ("val", "test"):
        assert some.split(split).tolist() == dataset.split(split).tolist()
    assert len(levers.of_heads(dataset, ()).split("train")) == 48


def test_levers_are_trained_measured_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_dataset(tmp_path / "people")
    runs = tmp_path / "runs"

    def try_levers(*names: str) -> set[tuple[str, ...]]:
        arguments = ["--data", str(tmp_path / "people"), "--check", f"new={tmp_path / 'people'}"]
        arguments += ["--steps", "2", "--runs", str(runs), "--levers", *names]
        monkeypatch.setattr(sys, "argv", ["levers.py", *arguments])
        levers.main()
        rows = read_rows(runs / "levers-tinytracker-eyes.csv")
        assert all(row.low <= row.value <= row.high or np.isnan(row.low) for row in rows)
        return {(row.model, row.data, row.split, row.group) for row in rows}

    sets = {
        ("validation", "val", "truth_heads=makehuman"),
        ("new", "test", "truth_heads=makehuman"),
    }
    before = {("first weights", *one) for one in sets}
    assert try_levers("first weights", "control") == before | {("control", *one) for one in sets}
    first = (runs / "tinytracker-eyes" / "control" / "last.safetensors").stat().st_mtime_ns
    assert try_levers("control", "face hidden") == before | {
        (lever, *one) for lever in ("control", "face hidden") for one in sets
    }
    assert (runs / "tinytracker-eyes" / "control" / "last.safetensors").stat().st_mtime_ns == first


@pytest.mark.parametrize("network", ["tinytracker-eyes", "tinytracker"])
def test_the_documents_table_is_of_the_rows(network: str) -> None:
    rows = read_rows(levers.rows_of(network))
    assert table_in(levers.DOCUMENT, f"levers of {network}") == levers.table_of(network, rows)


def _flat(content: dict[str, object], before: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in content.items():
        flat |= _flat(value, f"{before}{name}.") if isinstance(value, dict) else {f"{before}{name}": value}
    return flat
