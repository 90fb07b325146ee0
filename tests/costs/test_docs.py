"""No figure of cost in the documents that is not a row: the tables are rendered from rows, the sentences are
held to them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tinytracker.cards import read_card
from tinytracker.costs.compare.docs import DOCUMENTS, LIMIT_MS, Rows, figures_of, rendered
from tinytracker.costs.compare.table import known
from tinytracker.costs.rows import MODEL_HASH, CostRow
from tinytracker.targets.imx500.chip.accounting import (
    INFERENCE_POWER_MW,
    PAPER_INFERENCE_MJ,
    PAPER_MACS,
    SENSOR_POWER_MW,
    most_macs,
)
from tinytracker.targets.imx500.chip.sensor import MODES
from tinytracker.zoo import RELEASED, find, list_released

ROOT = Path(__file__).parents[2]
DATA = ROOT / "docs" / "data"
AGAIN = "python benchmarks/platforms.py makes the rows and tables anew, with --docs the tables alone"

UNITS: dict[str, tuple[str, float]] = {
    "ms": ("ms", 1.0),
    "mJ": ("mJ", 1.0),
    "uJ": ("mJ", 1e-3),
    "mW": ("mW", 1.0),
    "kB": ("bytes", 1e3),
    "MB": ("bytes", 1e6),
    "GB": ("bytes", 1e9),
    "B": ("bytes", 1.0),
    "M MAC": ("", 1e6),
    "frames/s": ("1/s", 1.0),
    **{
        unit: ("nothing that rows have", 1.0)
        for unit in ("pJ/cycle", "pJ/MAC", "kB/s", "G MAC/s", "crops/s", "MAC per cycle", "MHz", "GHz")
    },
}
"""What is written behind a figure of cost -> the unit of its rows, and how many of that it is."""
_LONGEST_FIRST = "|".join(map(re.escape, sorted(UNITS, key=len, reverse=True)))
FIGURE = re.compile(rf"(?<![\w.,-])(\d[\d,]*(?:\.\d+)?)\s({_LONGEST_FIRST})(?![\w/])")
COSTLY = re.compile(r"\b(ms|mJ|mW|kB|flash|RAM|SRAM|cycles|MAC|latency|energy)\b", re.IGNORECASE)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_tables_are_the_rows(name: str) -> None:
    text = (ROOT / name).read_text()
    assert text.count("<!-- table: ") >= 3
    assert rendered(text, DATA) == text, AGAIN


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_table_of_costs_is_written_by_hand(name: str) -> None:
    for heading, body in _tables(_prose((ROOT / name).read_text())):
        numbers = re.findall(r"\d", body)
        assert not (COSTLY.search(heading) and numbers), f"{name}: | {heading} | is no table of rows"


@pytest.mark.parametrize(
    "name", ["README.md", *sorted(f"docs/{path.name}" for path in ROOT.glob("docs/*.md"))]
)
def test_figures_in_sentences_are_rows(name: str) -> None:
    """Each is a row's value, low or high as far as it is written out, or stands in docs/data/figures.csv with
    its source."""
    rows = Rows(DATA)
    told = {row["figure"] for row in figures_of(DATA) if row["document"] == name}
    found = {" ".join(match[0].split()) for match in FIGURE.finditer(_prose((ROOT / name).read_text()))}
    unknown = {figure for figure in found if not _is_row(figure, [*rows.all, *rows.of_docs])} - told
    assert not unknown, f"{name} says {sorted(unknown)}: no row does, nor docs/data/figures.csv"
    assert told <= found, f"docs/data/figures.csv has {sorted(told - found)}, which {name} no longer says"


def test_figures_without_rows_have_sources() -> None:
    for row in figures_of(DATA):
        assert row["how"] in ("measured", "emulated", "estimated", "published")
        assert len(row["source"]) > 5
        if row["source"].startswith("the file: "):
            size = (ROOT / row["source"].removeprefix("the file: ")).stat().st_size
            assert row["figure"] == f"{size / 1e3:.0f} kB"


def test_figures_that_follow_from_constants() -> None:
    worst, best = most_macs(LIMIT_MS, MODES["binned"])
    told = {(row["document"], row["figure"]) for row in figures_of(DATA)}
    for figure in (f"{worst / 1e6:.1f} M MAC", f"{best / 1e6:.1f} M MAC", f"{SENSOR_POWER_MW:.0f} mW"):
        assert ("docs/platforms.md", figure) in told
    assert ("docs/platforms.md", f"{PAPER_INFERENCE_MJ / PAPER_MACS * 1e9:.1f} pJ/MAC") in told
    assert ("docs/imx500.md", f"{INFERENCE_POWER_MW:.0f} mW") in told


def test_the_readmes_table_is_the_cards() -> None:
    text = (ROOT / "README.md").read_text()
    for name in ("tinytracker-eyes", "tinytracker", "tinytracker-s"):
        card = read_card(RELEASED / f"{name}.json")
        line = next(line for line in text.splitlines() if line.startswith(f"| {name} |"))
        cells = [cell.strip() for cell in line.split("|")]
        unseen = card.results["unseen rendered people"]
        error_cm, phones_cm = (unseen[group]["error cm"] for group in ("all", "device_kind=phone"))
        told_cm = [float(number) for number in re.findall(r"[\d.]+", cells[6])]
        assert told_cm == pytest.approx([error_cm[end] for end in ("value", "low", "high")], abs=0.006)
        assert cells[7] == f"{unseen['all']['share_of_mean %']['value']:.0f} %"
        assert float(cells[9]) == pytest.approx(phones_cm["value"], abs=0.006)
        assert f"{card.counts['parameters'] / 1e3:.0f} k" in cells
        assert f"{card.counts['macs'] / 1e6:.1f} M" in cells
        assert f"{find(name).path.stat().st_size / 1e3:.0f} kB" in cells


def test_rows_are_of_the_networks_that_are_released() -> None:
    hashes = {name: find(name).sha256 for name in list_released()}
    for row in [*known("released"), *Rows(DATA).of_docs]:
        if row.network in hashes:
            its = row.conditions.get(MODEL_HASH)
            assert its == hashes[row.network], f"{row.network} is another ({row.source}): {AGAIN}"


def _prose(text: str) -> str:
    """Without the rendered tables, commands and indented code."""
    text = re.sub(r"<!-- table: \w+ -->.*?<!-- end -->", "", text, flags=re.DOTALL)
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return "\n".join(line for line in text.splitlines() if not line.startswith("    "))


def _tables(text: str) -> Iterator[tuple[str, str]]:
    """(heading, body) of each Markdown table."""
    for block in re.findall(r"(?:^\|.*\|\n?)+", text, flags=re.MULTILINE):
        heading, _, *body = block.splitlines()
        yield heading.strip("| "), "\n".join(body)


def _is_row(figure: str, rows: list[CostRow]) -> bool:
    number, unit = figure.split(" ", 1)
    of_rows, factor = UNITS[unit]
    value = float(number.replace(",", "")) * factor
    decimals = len(number.partition(".")[2])
    half = 0.5 * 10**-decimals * factor * 1.0001
    return any(
        row.unit == of_rows
        and (of_rows or row.metric == "macs")
        and any(
            abs(known - value) <= half for known in (row.value, row.low, row.high) if not math.isnan(known)
        )
        for row in rows
    )
