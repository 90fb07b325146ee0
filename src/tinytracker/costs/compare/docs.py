"""The tables of figures in the documents, rendered from rows: those that come with the package (costs/data,
which `tinytracker compare` shows) and those of docs/data, of which only the documents speak.

A document says `<!-- table: NAME -->` and `<!-- end -->`; what stands between is made by the function of
`TABLES` with that name. `python benchmarks/platforms.py` renders all of them after it has made the rows.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tinytracker.costs.compare.markdown import BADGES, to_markdown
from tinytracker.costs.compare.table import arranged, compare, known
from tinytracker.costs.models import published_cores, published_points
from tinytracker.costs.rows import CostRow, read_cost_rows
from tinytracker.errors import InputError
from tinytracker.files import write_text

DOCUMENTS = ("docs/platforms.md", "docs/mcu.md", "docs/imx500.md")
LIMIT_MS = 8.0
WITHIN = 0.1  # of the paper's own figures the estimates must lie
_PLACE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


class Rows:
    """Rows by platform, network and metric. data: the folder docs/data."""

    def __init__(self, data: Path) -> None:
        self.all: list[CostRow] = [row for name in ("published", "released", "sensor") for row in known(name)]
        self.of_docs: list[CostRow] = []
        for path in sorted(data.glob("*.csv")):
            with path.open(encoding="utf-8") as file:
                if file.readline().startswith("platform,"):
                    self.of_docs += read_cost_rows(path)
        self._found = {(row.platform, row.network, row.metric): row for row in (*self.all, *self.of_docs)}

    def find(self, platform: str, network: str, metric: str) -> CostRow | None:
        return self._found.get((platform, network, metric))

    def need(self, platform: str, network: str, metric: str) -> CostRow:
        """Raises InputError if nobody wrote such a row."""
        row = self.find(platform, network, metric)
        if row is None:
            raise InputError(f"no row for {platform}, {network}, {metric}: run benchmarks/platforms.py")
        return row

    def platforms(self, metric: str, network: str) -> list[str]:
        """In order, those with such a row."""
        return [key[0] for key in self._found if key[1:] == (network, metric)]

    def networks(self, platform: str, metric: str) -> list[str]:
        """In order, those with such a row."""
        return [key[1] for key in self._found if (key[0], key[2]) == (platform, metric)]


def rendered(text: str, data: Path) -> str:
    """A document with its tables made anew from the package's rows and those of the folder `data`. Raises
    InputError for a name that is no table, or a row that is missing."""
    rows = Rows(data)

    def fill(place: re.Match[str]) -> str:
        if place[2] not in TABLES:
            raise InputError(f"there is no table {place[2]!r}; expected one of {', '.join(TABLES)}")
        return f"{place[1]}{TABLES[place[2]](rows)}{place[3]}"

    return _PLACE.sub(fill, text)


def write_docs(path: Path) -> None:
    """Renders a document in its place; its rows lie in data/ beside it."""
    write_text(path, rendered(path.read_text(), path.parent / "data"))


def _comparison(rows: Rows) -> str:
    return to_markdown(compare(arranged(known("released"))))


def _cores(rows: Rows) -> str:
    return _table(
        ("core", "chip", "pJ per cycle >", "source"),
        [(chip.core, chip.chip, f"{chip.pj_per_cycle:g}", chip.source) for chip in published_cores()],
    )


def _accelerators(rows: Rows) -> str:
    lines = []
    for point in published_points():
        energy = "" if point.mj != point.mj else f"{point.mj / point.macs * 1e9:.1f}"
        speed = f"{point.macs / point.ms / 1e6:.1f}"
        lines.append((point.chip, point.network, f"{point.macs / 1e6:.1f}", speed, energy, point.source))
    return _table(("chip", "network", "M MAC >", "G MAC/s >", "pJ/MAC >", "source"), lines)


@dataclass(frozen=True, slots=True)
class Reproduced:
    """An estimate of the paper's own network beside the paper's own figure."""

    what: str
    estimated: CostRow
    published: CostRow

    @property
    def off(self) -> float:
        return self.estimated.value / self.published.value - 1


def reproduced(rows: Rows) -> list[Reproduced]:
    """What the models say of the paper's network, beside what the paper says."""
    sensor, coral, paper = "imx500, full", "coral-dev-micro", "TinyTracker (paper)"
    found = [
        Reproduced(f"imx500, {what}", rows.need(sensor, paper, metric), rows.need("imx500", paper, metric))
        for what, metric in (
            ("inference", "inference"),
            ("result", "result"),
            ("end to end", "end_to_end"),
            ("energy of inference", "energy_inference"),
            ("energy of the chain", "energy_chain"),
        )
    ]
    found += [
        Reproduced(
            f"{coral}, {what}", rows.need(coral, "tinytracker", metric), rows.need(coral, paper, metric)
        )
        for what, metric in (("end to end", "end_to_end"), ("energy of the chain", "energy_chain"))
    ]
    time = rows.need("spresense", "tinytracker-s", "inference")
    rate = rows.need("spresense", "TinyTracker-S (paper)", "frame_rate")
    frame = CostRow(
        "spresense", rate.network, "frame_interval", 1e3 / rate.value, unit="ms", source=rate.source
    )
    return [*found, Reproduced("spresense, a frame (estimated: inference alone)", time, frame)]


def _reproduced(rows: Rows) -> str:
    lines = [
        (
            one.what,
            _cell(one.estimated),
            f"{one.published.value:.3g} {one.published.unit}",
            f"{100 * one.off:+.0f} %",
            "yes" if abs(one.off) <= WITHIN else "no",
        )
        for one in reproduced(rows)
    ]
    return _table(("the paper's network", "estimated >", "published >", "off >", "within 10 %"), lines)


def _below(rows: Rows) -> str:
    full, binned = "imx500, full", "imx500, binned"
    lines = []
    for network in rows.networks(binned, "end_to_end"):
        whole = rows.need(binned, network, "end_to_end")
        macs = rows.find(binned, network, "macs") or rows.need("imx500", network, "macs")
        reached = "yes" if whole.high < LIMIT_MS else "at the best rate" if whole.low < LIMIT_MS else "no"
        lines.append(
            (
                network,
                f"{macs.value / 1e6:.1f}",
                *(_cell(rows.find(mode, network, "end_to_end"), unit=False) for mode in (full, binned)),
                reached,
                *(_cell(rows.find(mode, network, "error"), unit=False) for mode in (full, binned)),
                _cell(rows.find(binned, network, "binning_loss"), unit=False, sign="+"),
            )
        )
    lines.sort(key=lambda line: float(line[1]))
    return _table(
        (
            "network",
            "M MAC >",
            "full, ms >",
            "binned, ms >",
            "below 8 ms",
            "error full, cm >",
            "error binned, cm >",
            "binning costs, cm >",
        ),
        lines,
    )


def _boards(rows: Rows) -> str:
    lines = []
    for platform in rows.platforms("memory_used", "tinytracker"):
        for network in ("tinytracker-s", "eye-locator", "tinytracker-eyes", "tinytracker"):
            time, used = (rows.need(platform, network, metric) for metric in ("inference", "memory_used"))
            most = used.conditions.get("of_most_memory")
            lines.append(
                (
                    f"{platform}, {time.conditions['core']}, {time.conditions['clock_mhz']} MHz",
                    network,
                    *(f"{rows.need(platform, network, metric).value:,.0f}" for metric in ("flash", "ram")),
                    f"{used.value:.0f} %" + (f" ({most})" if most else ""),
                    *(
                        f"{rows.need(platform, network, metric).value / 1e6:.1f}"
                        for metric in ("instructions", "cycles")
                    ),
                    f"{time.value:.0f}",
                )
            )
    return _table(
        (
            "board",
            "network",
            "flash B >",
            "RAM B >",
            "memory used >",
            "M instructions >",
            "M cycles >",
            "ms >",
        ),
        lines,
    )


def _vela(rows: Rows) -> str:
    small, large = "ethos-u55-128", "ethos-u65-256"
    lines = []
    for network in ("tinytracker-s", "tinytracker-eyes", "tinytracker", "eye-locator"):
        times = (
            f"{rows.need(npu, network, 'cycles').value:,.0f} cycles, "
            f"{rows.need(npu, network, 'inference').value:.2f} ms"
            for npu in (small, large)
        )
        memory = (f"{rows.need(small, network, metric).value:,.0f} B" for metric in ("ram", "flash"))
        lines.append((network, *times, *memory))
    head = ("", "Ethos-U55-128, 500 MHz >", "Ethos-U65-256, 1 GHz >", "SRAM on U55 >", "weights in flash >")
    return _table(head, lines)


def _tflm(rows: Rows) -> str:
    networks = ("S-type", "S-type, TFLM", "L-type", "L-type, TFLM")
    kinds: tuple[tuple[str, str, str, Callable[[str], str]], ...] = (
        ("instructions per inference, M", "instructions", "M", str),
        ("the same in C alone, `--cpu portable`, M", "instructions", "M", lambda name: f"{name}, portable C"),
        ("flash", "flash", "B", str),
        ("of it beyond weights and 9 B a channel", "flash_beyond", "B", str),
        ("RAM with stack, rows pushed", "ram", "B", str),
    )
    lines = []
    for what, metric, unit, named in kinds:
        cells = []
        for network in networks:
            row = rows.find("cortex-m4", named(network), metric)
            scale = 1e6 if unit == "M" else 1.0
            cells.append(
                ""
                if row is None
                else f"{row.value / scale:,.{2 if unit == 'M' else 0}f}" + " B" * (unit == "B")
            )
        lines.append((what, *cells))
    return _table(("", "S-type >", "TFLM >", "L-type >", "TFLM >"), lines)


def _sensor(rows: Rows) -> str:
    lines = []
    for network in rows.networks("imx500", "int8_loss"):
        if network.endswith("(paper)"):
            continue
        time = rows.need("imx500, binned", network, "inference")
        lines.append(
            (
                f"`{network}`",
                f"{rows.need('imx500', network, 'macs').value / 1e6:.1f} M",
                *(f"{rows.need('imx500', network, metric).value:,.0f}" for metric in ("flash", "ram")),
                f"{time.low:.1f} to {time.high:.1f} ms",
                f"{rows.need('imx500', network, 'error').value:.2f} cm",
                f"{rows.need('imx500', network, 'int8_loss').value:.3f} cm",
            )
        )
    head = (
        "quantised for the sensor",
        "MAC >",
        "weights, B >",
        "maps, B >",
        "time, estimated >",
        "error >",
        "lost >",
    )
    return _table(head, lines)


def _modes(rows: Rows) -> str:
    lines = []
    for mode, picture in (("full", "4056 x 3040"), ("binned", "2028 x 1520")):
        sensor, pi = f"imx500, {mode}", f"imx500, {mode}, on a Raspberry Pi"
        lines.append(
            (
                f"`{mode}`" + " (default)" * (mode == "binned"),
                picture,
                f"{rows.need(sensor, 'any', 'readout').value:.2f} ms",
                f"{rows.need(pi, 'any', 'readout').value:.1f} ms",
                f"{rows.need(pi, 'any', 'frame_rate').value:.0f}",
            )
        )
    head = (
        "mode",
        "picture",
        "read-out at the sensor's full speed >",
        "read-out on a Raspberry Pi >",
        "frames/s on a Raspberry Pi >",
    )
    return _table(head, lines)


def _account(rows: Rows) -> str:
    paper, network = "imx500", "TinyTracker (paper)"
    parts = (
        ("read-out", "readout"),
        ("transfer", "transfer"),
        ("read-out and transfer", "readout_transfer"),
        ("inference, 11.8 M MAC", "inference"),
        ("result retrieval", "result"),
        ("end to end", "end_to_end"),
        ("inference energy", "energy_inference"),
        ("energy, end to end", "energy_chain"),
        ("energy per frame at 30 frames/s", "energy_frame"),
    )
    lines = []
    for part, metric in parts:
        estimated, published = (rows.find(place, network, metric) for place in ("imx500, full", paper))
        told = "" if published is None else f"{published.value:g} {published.unit}"
        lines.append((part, _cell(estimated), told))
    return _table(("part", "estimated >", "published (arXiv 2307.07813) >"), lines)


TABLES: dict[str, Callable[[Rows], str]] = {
    "comparison": _comparison,
    "cores": _cores,
    "accelerators": _accelerators,
    "reproduced": _reproduced,
    "below": _below,
    "boards": _boards,
    "vela": _vela,
    "tflm": _tflm,
    "sensor": _sensor,
    "modes": _modes,
    "account": _account,
}


def _cell(row: CostRow | None, unit: bool = True, sign: str = "") -> str:
    """A value with its badge and its range, if it has one."""
    if row is None:
        return ""
    spread = f" [{row.low:{sign}.3g} to {row.high:{sign}.3g}]" if row.low < row.high else ""
    return f"{row.value:{sign}.3g} " + f"{row.unit} " * unit + BADGES[row.how] + spread


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Markdown; a heading that ends in ">" is of numbers."""
    rule = "|".join("---:" if cell.endswith(">") else "---" for cell in head)
    text = [" | ".join(cell.removesuffix(" >") for cell in head), *(" | ".join(line) for line in lines)]
    return "\n".join([f"| {text[0]} |", f"|{rule}|", *(f"| {line} |" for line in text[1:])]) + "\n"


def figures_of(data: Path) -> list[dict[str, str]]:
    """The rows of figures.csv: figures in the documents' prose that are no row of cost, with sources."""
    with (data / "figures.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
