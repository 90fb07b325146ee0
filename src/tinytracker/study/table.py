"""The table that a study ends in, a line a network."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tinytracker.cards import ModelCard, card_path, read_card
from tinytracker.evaluation.latency import measure_latency
from tinytracker.files import write_text
from tinytracker.results import Row


@dataclass(frozen=True, slots=True)
class Line:
    """One network's line of the table. Errors in cm with the ends of their 95 % interval over people; bytes
    of the files; latency of the engine alone, LiteRT on one thread."""

    name: str
    input: str
    steps: int
    parameters: int
    macs: int
    float_bytes: int
    int8_bytes: int
    error_float_cm: float
    error_int8_cm: float
    error_int8_low_cm: float
    error_int8_high_cm: float
    share_of_mean: float
    float_ms: float
    int8_ms: float

    @property
    def loss_cm(self) -> float:
        """What quantisation costs."""
        return self.error_int8_cm - self.error_float_cm


def line_of(name: str, float_file: Path, int8_file: Path, rows: list[Row], latency_runs: int) -> Line:
    """A network's line, of its files and the evaluation's rows; times it `latency_runs` times."""
    card = read_card(card_path(int8_file))
    by_metric = {
        (path, row.metric): row
        for row in rows
        if row.group == "all"
        for path in (float_file, int8_file)
        if row.model == path.stem
    }
    error = by_metric[int8_file, "error"]
    counts = read_card(card_path(float_file)).counts
    return Line(
        name=name,
        input=" + ".join(_input(card)),
        steps=int(card.recipe.get("steps", 0)),
        parameters=counts["parameters"],
        macs=counts["macs"],
        float_bytes=float_file.stat().st_size,
        int8_bytes=int8_file.stat().st_size,
        error_float_cm=by_metric[float_file, "error"].value,
        error_int8_cm=error.value,
        error_int8_low_cm=error.low,
        error_int8_high_cm=error.high,
        share_of_mean=by_metric[int8_file, "share_of_mean"].value,
        float_ms=measure_latency(float_file, latency_runs).median_ms,
        int8_ms=measure_latency(int8_file, latency_runs).median_ms,
    )


def _input(card: ModelCard) -> Iterator[str]:
    """What a network eats, briefly: "face 112x112x5", "2 eyes 64x64x3", "box"."""
    shapes = {spec.kind: "x".join(map(str, spec.shape)) for spec in card.inputs}
    if "face" in shapes:
        yield f"face {shapes['face']}"
    if "left_eye" in shapes:
        yield f"2 eyes {shapes['left_eye']}"
    yield from (name for kind, name in (("face_box", "box"), ("face_grid", "grid")) if kind in shapes)


def rows_of(lines: list[Line], rows: list[Row]) -> list[Row]:
    """The table's other figures, as rows like the evaluation's."""
    data, split = rows[0].data, rows[0].split
    found = []
    for line in lines:
        for number_format, milliseconds, size in (
            ("float", line.float_ms, line.float_bytes),
            ("int8", line.int8_ms, line.int8_bytes),
        ):
            model = f"{line.name}_{number_format}"
            found.append(Row(model, "litert", data, split, "all", "latency_median", milliseconds, unit="ms"))
            found.append(Row(model, "litert", data, split, "all", "size", size, unit="bytes"))
    return found


def write_lines(lines: list[Line], path: Path) -> None:
    """The table's lines as CSV, whole or not at all."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [*asdict(lines[0]), "loss_cm"], lineterminator="\n")
    writer.writeheader()
    for line in lines:
        writer.writerow({**asdict(line), "loss_cm": line.loss_cm})
    write_text(path, text.getvalue())
