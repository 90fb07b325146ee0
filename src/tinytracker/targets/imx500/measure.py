"""What a gaze costs on the sensor: accounts of time and energy, estimated, published, and measured on a
camera."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinytracker.cards import ModelCard, read_card
from tinytracker.costs.rows import CostRow
from tinytracker.domain import Box
from tinytracker.errors import ModelError, UsageError
from tinytracker.progress import Progress, no_progress
from tinytracker.results import Table
from tinytracker.targets.imx500.chip.accounting import PAPER_MACS, PUBLISHED, PartCost, estimate
from tinytracker.targets.imx500.chip.sensor import MODES, SensorMode, mode_named
from tinytracker.targets.imx500.open import PREFIX, ChipOptions, measure_lag, open_chip
from tinytracker.targets.imx500.running.camera import Hardware
from tinytracker.targets.imx500.running.live import ChipModel
from tinytracker.zoo import SUFFIXES, find

PAPER = "TinyTracker (paper)"
METRICS = {
    "read-out": "readout",
    "transfer": "transfer",
    "read-out and transfer": "readout_transfer",
    "inference": "inference",
    "inference (dnn)": "inference",
    "rest of the processor (dsp)": "processor_rest",
    "result retrieval": "result",
    "fetching the result on the host": "result",
    "end to end": "end_to_end",
    "from frame to frame": "frame_interval",
    "host, from result to gaze": "host",
    "region's command to its result": "region_lag",
    "sensor energy": "energy_sensor",
    "inference energy": "energy_inference",
    "energy, end to end": "energy_chain",
    "energy per frame": "energy_frame",
}
"""What each line of an account is called as a row."""


@dataclass(frozen=True, slots=True)
class Account:
    """What a gaze costs, line by line. network: whose; mode: how the sensor read out."""

    title: str
    network: str
    mode: str
    costs: Sequence[PartCost]

    def table(self) -> Table:
        """A line per cost, each saying how it was obtained and from what."""
        rows = [(cost.part, f"{_range(cost)} {cost.unit}", cost.how, cost.source) for cost in self.costs]
        return Table(self.title, ("part", "", "how", "from"), rows, numbers=(1,))

    def rows(self) -> list[CostRow]:
        """As rows of cost."""
        return [
            CostRow(
                platform=f"imx500, {self.mode}",
                network=self.network,
                metric=METRICS[cost.part],
                value=cost.likely,
                low=cost.low,
                high=cost.high,
                unit=cost.unit,
                how=cost.how,
                source=f"the account of docs/imx500.md: {cost.source}",
            )
            for cost in self.costs
        ]


def _range(cost: PartCost) -> str:
    return f"{cost.low:.3g}" if cost.low == cost.high else f"{cost.low:.3g} to {cost.high:.3g}"


def estimates(
    models: Sequence[str], modes: Sequence[SensorMode] = tuple(MODES.values())
) -> Iterator[Account]:
    """Per network and read-out mode what is estimated, with the host's own part, which is measured on this
    computer.

    models: files with a card beside them, cards, or released names. Raises ModelError where there is no card,
    or it counts no multiply-accumulates.
    """
    for name in models:
        card = _card(name)
        for mode in modes:
            yield account_of(card.name, _macs(card, name), mode, _host_cost(card))


def estimates_of_the_paper(modes: Sequence[SensorMode]) -> Iterator[Account]:
    """The same for the network that the paper describes."""
    for mode in modes:
        yield account_of(PAPER, PAPER_MACS, mode)


def published() -> Account:
    """What the paper says of its network on its board."""
    return Account("the paper's network on its board", PAPER, "full", PUBLISHED)


def account_of(network: str, macs: int, mode: SensorMode, more: Sequence[PartCost] = ()) -> Account:
    """What a network of so many multiply-accumulates costs, estimated, with `more` lines behind."""
    title = f"{network}, {mode.name}: {macs / 1e6:.1f} M MAC"
    return Account(title, network, mode.name, [*estimate(macs, mode), *more])


def _card(name: str) -> ModelCard:
    """Of a network, or a card's own file; a card is enough to know what inference costs."""
    path = Path(name)
    return read_card(path) if path.suffix == ".json" else find(name, (*SUFFIXES, ".rpk")).require_card()


def _macs(card: ModelCard, name: str) -> int:
    if "macs" not in card.counts:
        raise ModelError(f"the card of {name} counts no multiply-accumulates; export the network again")
    return int(card.counts["macs"])


def _host_cost(card: ModelCard, runs: int = 300) -> list[PartCost]:
    """The host's part after the result is there, on this computer: correction and scaling. Nothing for a
    network that the sensor cannot run."""
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
    return [PartCost("host, from result to gaze", median, median, "ms", "measured", "this computer, median")]


def measured(
    place: str,
    frames: int = 300,
    sensor_mode: str = "binned",
    progress: Progress = no_progress,
    hardware: Hardware | None = None,
) -> Account:
    """What the camera says and what the host sees, over `frames` frames.

    place: "imx500:NETWORK.rpk". Raises UsageError for another one, DeviceError.
    """
    if not place.startswith(PREFIX):
        raise UsageError(f"--board is imx500:NETWORK.rpk here, not {place!r}")
    mode = mode_named(sensor_mode)
    opened = open_chip(place, ChipOptions(sensor_mode), hardware=hardware)
    kpi_ms, frame_ms, fetch_ms = [], [], []
    with opened.camera as camera:
        lag = measure_lag(camera, opened.gaze)
        for done in range(1, frames + 1):
            news = camera.read().news
            frame_ms.append(news.frame_ms)
            fetch_ms.append(news.fetch_ms)
            if news.kpi_ms is not None:
                kpi_ms.append(news.kpi_ms)
            progress(done, frames)
    source = f"{len(kpi_ms)} of {frames} frames, 5th to 95th percentile"
    costs = [
        PartCost(
            "read-out",
            mode.pi_readout_ms,
            mode.pi_readout_ms,
            "ms",
            "estimated",
            "lines x the driver's line time",
        ),
        _spread("from frame to frame", frame_ms, f"{frames} frames, 5th to 95th percentile"),
        _spread("fetching the result on the host", fetch_ms, f"{frames} frames, 5th to 95th percentile"),
    ]
    if kpi_ms:
        costs.insert(1, _spread("inference (dnn)", [dnn for dnn, _ in kpi_ms], source))
        costs.insert(2, _spread("rest of the processor (dsp)", [dsp for _, dsp in kpi_ms], source))
    if lag is not None:
        lag_ms = lag * float(np.median(frame_ms))
        costs.append(
            PartCost("region's command to its result", lag_ms, lag_ms, "ms", "measured", f"{lag} frames")
        )
    network = opened.gaze.model.card.name
    return Account(f"{network} on the camera", network, sensor_mode, costs)


def _spread(part: str, values_ms: list[float], source: str) -> PartCost:
    low, high = np.percentile(values_ms, [5, 95])
    return PartCost(part, float(low), float(high), "ms", "measured", source)
