"""`tinytracker bench imx500`: the account of time and energy, estimated, published, and measured on a board."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from tinytracker.cards import ModelCard, card_path, read_card
from tinytracker.cli.bench import BenchRequest
from tinytracker.cli.progress import progress_bar
from tinytracker.cli.track_imx500 import PREFIX, ChipOptions, measure_lag, open_chip
from tinytracker.domain import Box
from tinytracker.errors import ModelError, UsageError
from tinytracker.evaluation.report import Row, write_rows
from tinytracker.released import find_released
from tinytracker.targets.imx500.accounting import PAPER_MACS, PUBLISHED, Cost, estimate
from tinytracker.targets.imx500.camera import Hardware
from tinytracker.targets.imx500.live import ChipModel
from tinytracker.targets.imx500.sensor import MODES, mode_named

FRAMES = 300
PAPER = "TinyTracker as published, 112 px"


def run(request: BenchRequest, hardware: Hardware | None = None) -> None:
    """Prints the tables and, if asked, writes their rows."""
    modes = [mode_named(request.sensor_mode)] if request.sensor_mode else list(MODES.values())
    networks: dict[str, tuple[int, ModelCard | None]] = {}
    for name in request.models:
        card = _card(name)
        networks[card.name] = _macs(card, name), card
    if not networks and request.board is None:
        networks[PAPER] = PAPER_MACS, None
    rows: list[Row] = []
    for name, (macs, known) in networks.items():
        for mode in modes:
            costs = [*estimate(macs, mode), *_host_cost(known)]
            _print(f"{name}, {mode.name}: {macs / 1e6:.1f} M MAC", costs)
            rows += _rows(name, mode.name, costs)
    if request.board is not None:
        network, costs = _measure(request, hardware)
        _print(f"{network} on the camera", costs)
        rows += _rows(network, request.sensor_mode or "binned", costs)
    _print("the paper's network on its board", list(PUBLISHED))
    rows += _rows(PAPER, "full", list(PUBLISHED))
    if request.csv is not None:
        write_rows(rows, request.csv)
        typer.echo(f"wrote {len(rows)} rows to {request.csv}")


def _card(name: str) -> ModelCard:
    path = Path(name)
    if path.suffix == ".json":
        return read_card(path)
    if path.suffix:
        if not card_path(path).is_file():
            raise ModelError(f"{name} has no card; expected {card_path(path).name} beside it, as tinytracker writes it")
        return read_card(card_path(path))
    return read_card(card_path(find_released(name)[1]))


def _macs(card: ModelCard, name: str) -> int:
    if "macs" not in card.counts:
        raise ModelError(f"the card of {name} counts no multiply-accumulates; export the network again")
    return int(card.counts["macs"])


def _host_cost(card: ModelCard | None, runs: int = 300) -> list[Cost]:
    """The host's part after the result is there, on this computer: correction and scaling. None without a card that fits."""
    if card is None:
        return []
    try:
        model = ChipModel(card)
    except ModelError:
        return []
    numbers, box = np.array([0.1, -0.2], np.float32), Box(200.0, 100.0, 150.0, 150.0)
    times_ms = []
    for _ in range(runs):
        began = time.perf_counter_ns()
        model.take(numbers, box, (640, 480))
        times_ms.append((time.perf_counter_ns() - began) / 1e6)
    median = float(np.median(times_ms))
    return [Cost("host, from result to gaze", median, median, "ms", "measured", "this computer, median")]


def _measure(request: BenchRequest, hardware: Hardware | None) -> tuple[str, list[Cost]]:
    """What the camera says and what the host sees, over `frames` frames."""
    assert request.board is not None
    if not request.board.startswith(PREFIX):
        raise UsageError(f"--board is imx500:NETWORK.rpk here, not {request.board!r}")
    frames = request.frames or FRAMES
    options = ChipOptions(request.sensor_mode or "binned")
    camera, pipeline = open_chip(request.board, options, hardware=hardware)
    kpi_ms, frame_ms, fetch_ms = [], [], []
    with camera, progress_bar("Measuring") as update:
        measure_lag(camera, pipeline)
        for done in range(1, frames + 1):
            camera.read()
            news = camera.news
            assert news is not None
            frame_ms.append(news.frame_ms)
            fetch_ms.append(camera.fetch_ms)
            if news.kpi_ms is not None:
                kpi_ms.append(news.kpi_ms)
            update(done, frames)
    source = f"{len(kpi_ms)} of {frames} frames, 5th to 95th percentile"
    mode = mode_named(options.sensor_mode)
    costs = [
        Cost("read-out", mode.pi_readout_ms, mode.pi_readout_ms, "ms", "estimated", "lines x the driver's line time"),
        _spread("from frame to frame", frame_ms, f"{frames} frames, 5th to 95th percentile"),
        _spread("fetching the result on the host", fetch_ms, f"{frames} frames, 5th to 95th percentile"),
    ]
    if kpi_ms:
        costs.insert(1, _spread("inference (dnn)", [dnn for dnn, _ in kpi_ms], source))
        costs.insert(2, _spread("rest of the processor (dsp)", [dsp for _, dsp in kpi_ms], source))
    lag = pipeline.loop_lag_frames
    if lag is not None:
        lag_ms = lag * float(np.median(frame_ms))
        costs.append(Cost("region's command to its result", lag_ms, lag_ms, "ms", "measured", f"{lag} frames"))
    return pipeline.chip_model.card.name, costs


def _spread(part: str, values_ms: list[float], source: str) -> Cost:
    low, high = np.percentile(values_ms, [5, 95])
    return Cost(part, float(low), float(high), "ms", "measured", source)


def _print(title: str, costs: list[Cost]) -> None:
    table = Table("part", title=title, title_justify="left")
    table.add_column("", justify="right")
    for column in ("how", "from"):
        table.add_column(column)
    for cost in costs:
        value = f"{cost.low:.3g}" if cost.low == cost.high else f"{cost.low:.3g} to {cost.high:.3g}"
        table.add_row(cost.part, f"{value} {cost.unit}", cost.how, cost.source, end_section="end to end" in cost.part)
    Console().print(table)


def _rows(network: str, mode: str, costs: list[Cost]) -> list[Row]:
    """As result rows: the value is the middle of the range."""
    return [
        Row(network, "imx500", "", "", mode, cost.part, (cost.low + cost.high) / 2, cost.low, cost.high, cost.unit, cost.how)
        for cost in costs
    ]
