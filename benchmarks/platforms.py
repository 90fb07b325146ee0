"""The figures of the released networks on every platform, as the rows that `tinytracker compare` shows
without arguments.

    python benchmarks/platforms.py            writes src/tinytracker/costs/data/released.csv, docs/data and
    the tables of the documents
    python benchmarks/platforms.py --pupils   the rows of the networks of pupils alone, and the tables
    python benchmarks/platforms.py --docs     the tables alone, from the rows that are there

Bytes by the linker and instructions by QEMU are counted here; times and energies are *estimated*, by the
models of the targets and of `tinytracker.costs.models`. Errors are the released cards' own; those by read-out
are of benchmarks/imx500_readout.py (costs/data/readout.csv). Needs the extras export and ethos-u,
gcc-arm-none-eabi and qemu-system-arm: about five minutes on two idle cores. Nothing here is measured with a
meter: there is none.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from tinytracker.costs.compare.docs import DOCUMENTS, write_docs
from tinytracker.costs.compare.table import known
from tinytracker.costs.rows import CostRow, write_cost_rows
from tinytracker.targets.hashes import with_hashes
from tinytracker.targets.imx500.chip.sensor import MODES
from tinytracker.targets.imx500.measure import account_of
from tinytracker.targets.target import Caller, ask
from tinytracker.zoo import find, list_released

ROOT = Path(__file__).parents[1]
NETWORKS = ("tinytracker", "tinytracker-eyes", "tinytracker-s")
PUPILS = ("pupil",)


DATA, DOCS_DATA = ROOT / "src" / "tinytracker" / "costs" / "data", ROOT / "docs" / "data"
LOCATOR = "eye-locator"
PAPER_SUFFIX = "(paper)"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--docs", action="store_true", help="only render the documents' tables")
    parser.add_argument("--pupils", action="store_true", help="the rows of networks of pupils alone")
    chosen = parser.parse_args()
    if chosen.pupils:
        others = [row for row in known("released") if row.network not in PUPILS]
        write_cost_rows([*others, *with_hashes(of_pupils(), PUPILS)], DATA / "released.csv")
    elif not chosen.docs:
        write_rows()
    for document in DOCUMENTS:
        write_docs(ROOT / document)


def write_rows() -> None:
    networks = tuple(name for name in NETWORKS if name in list_released())
    rows: list[CostRow] = []
    rows += ask("bench", "mcu").call(networks, Caller(), given={"boards": True})
    sensor = ask("bench", "imx500").call((), Caller(), given={})  # of the paper's network
    rows += of_the_sensor(networks)
    rows += ask("bench", "coral").call(networks, Caller(), given={})
    rows += ask("bench", "chips").call(networks, Caller(), given={})
    rows += by_vela(networks)
    rows += [
        row
        for name in networks
        for row in of_the_card(name, {row.platform for row in rows if row.network == name})
    ]
    rows += of_pupils()
    hashed = with_hashes(rows, (*networks, *PUPILS))
    write_cost_rows([*hashed, *known("readout")], DATA / "released.csv")  # they say whose they are
    locator = [*ask("bench", "mcu").call((LOCATOR,), Caller(), given={"boards": True}), *by_vela((LOCATOR,))]
    write_cost_rows(with_hashes(locator, (LOCATOR,)), DOCS_DATA / "eye-locator.csv")
    paper = [row for row in sensor if row.network.endswith(PAPER_SUFFIX) and row.how == "estimated"]
    write_cost_rows([*paper, *of_the_modes()], DOCS_DATA / "sensor-account.csv")


def of_pupils() -> list[CostRow]:
    """Networks of pupils on the boards, without what their window of events costs (docs/events.md)."""
    rows: list[CostRow] = ask("bench", "mcu").call(PUPILS, Caller(), given={"boards": True})
    for name in PUPILS:
        card = find(name).require_card()
        error = card.results["unseen rendered eyes"]["all"]["error_mean"]
        conditions = {"data": "rendered eyes, of 64 x 64"}
        for platform in sorted({row.platform for row in rows if row.network == name}):
            for metric, value, unit in (
                ("parameters", card.counts["parameters"], ""),
                ("macs", card.counts["macs"], ""),
                ("error_px", error, "px"),
            ):
                rows.append(
                    CostRow(
                        platform,
                        name,
                        metric,
                        float(value),
                        unit=unit,
                        how="measured",
                        source="the network's card",
                        conditions=conditions if metric == "error_px" else {},
                    )
                )
    return rows


def by_vela(networks: tuple[str, ...]) -> list[CostRow]:
    rows: list[CostRow] = []
    for accelerator in ("ethos-u55-128", "ethos-u65-256"):
        rows += ask("bench", "ethos-u").call(networks, Caller(), given={"accelerator": accelerator})
    return rows


def of_the_sensor(networks: tuple[str, ...]) -> list[CostRow]:
    """The released networks as if they ran in the sensor, which feeds them too few channels; and those that
    were trained for it."""
    rows = [
        row
        for row in ask("bench", "imx500").call(networks, Caller(), given={})
        if row.how == "estimated" and PAPER_SUFFIX not in row.network
    ]
    limits = "the sensor feeds one picture of three channels, without its place"
    rows += [
        CostRow(f"imx500, {mode}", name, "fits", 0.0, how="estimated", source=limits)
        for name in networks
        for mode in MODES
    ]
    trained = known("sensor")
    for name in dict.fromkeys(row.network for row in trained):
        own = [row for row in trained if row.network == name]
        macs = next(int(row.value) for row in own if row.metric == "macs")
        for mode in MODES.values():
            rows += account_of(name, macs, mode).rows()
            at_full = [row for row in own if row.metric not in ("error", "int8_loss") or mode.name == "full"]
            rows += [replace(row, platform=f"imx500, {mode.name}") for row in at_full]
    return rows


def of_the_modes() -> list[CostRow]:
    """Read-out by the sensor's constants, and by the Raspberry Pi driver's."""
    rows = []
    driver = "Raspberry Pi's kernel driver: line length and blanking (chip/sensor.py)"
    for name, mode in MODES.items():
        pi = f"imx500, {name}, on a Raspberry Pi"
        for platform, metric, value, unit, source in (
            (f"imx500, {name}", "readout", mode.fastest_readout_ms, "ms", "Sony's documented line times"),
            (pi, "readout", mode.pi_readout_ms, "ms", driver),
            (pi, "frame_rate", 1e3 / mode.pi_frame_ms, "1/s", driver),
        ):
            rows.append(CostRow(platform, "any", metric, value, unit=unit, how="estimated", source=source))
    return rows


def of_the_card(name: str, platforms: set[str]) -> list[CostRow]:
    """Parameters and multiply-accumulates on every platform; the int8 network's error and what int8 lost
    where that network runs as it is. The sensor quantises coarser and sees three channels: what it makes of a
    network is measured on its own export."""
    card = find(name).require_card()
    tested = card.results["quantization"]["test"]
    counts = [(metric, float(card.counts[metric]), "") for metric in ("parameters", "macs")]
    errors = [("error", tested["error_int8_cm"], "cm"), ("int8_loss", max(0.0, tested["loss_cm"]), "cm")]
    conditions = {"data": "rendered people", "split": "test", "samples": str(tested["samples"])}
    source = "the network's card"
    return [
        CostRow(
            platform, name, metric, value, unit=unit, how="measured", source=source, conditions=conditions
        )
        for platform in sorted(platforms)
        for metric, value, unit in (counts if platform.startswith("imx500") else [*counts, *errors])
    ]


if __name__ == "__main__":
    main()
