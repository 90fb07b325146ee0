"""How far is lint's estimate of a network's memory on the IMX500 from what Sony's converter reports?

python benchmarks/imx500_memory.py [--network NAME ...] [--csv rows.csv]

Networks of our families with fresh weights, from small to near the limit, are quantised (MCT, after training)
on random pictures and converted by the real converter (extra `imx500`, Java); its memory report is compared
with `targets.imx500.lint.estimated_memory`. The numbers depend on shapes alone, not on weights: the report of
a network is the same in every run. Half a minute of a core each.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from pathlib import Path
from typing import Any

import torch
from terminal import print_table
from torch import nn

from tinytracker.errors import TargetError
from tinytracker.models import Network, create_model
from tinytracker.models.sensor import SensorNetwork, sensor_part
from tinytracker.results import Table
from tinytracker.targets.imx500.chip.memory import MemoryReport, read_report
from tinytracker.targets.imx500.lint import estimated_memory
from tinytracker.targets.imx500.making import toolchain
from tinytracker.targets.imx500.making.quantise import QuantiseOptions, quantise, write_onnx

NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "imx-64": ("tinytracker_imx", {"size_px": 64}),
    "imx-96x128": ("tinytracker_imx", {"size_px": (96, 128)}),
    "imx": ("tinytracker_imx", {}),
    "imx-160": ("tinytracker_imx", {"size_px": 160, "head": "sigmoid"}),
    "imx-224": ("tinytracker_imx", {"size_px": 224}),
    "imx-320": ("tinytracker_imx", {"size_px": 320}),
    "imx-448": ("tinytracker_imx", {"size_px": 448}),
    "imx-480x640": ("tinytracker_imx", {"size_px": (480, 640)}),
    "imx-512": ("tinytracker_imx", {"size_px": 512}),
    "tinytracker": ("tinytracker", {"position": "none"}),
    "tinytracker-224": ("tinytracker", {"position": "none", "size_px": 224, "head_channels": 16}),
    "band-64x128-half": ("tinytracker_imx_band", {"size_px": (64, 128), "width": 0.5}),
    "band": ("tinytracker_imx_band", {}),
    "band-double": ("tinytracker_imx_band", {"width": 2.0}),
    "band-128x320-double": ("tinytracker_imx_band", {"size_px": (128, 320), "width": 2.0}),
    "band-160x288": ("tinytracker_imx_band", {"size_px": (160, 288)}),
    "band-256x640": ("tinytracker_imx_band", {"size_px": (256, 640)}),
    "band-4": ("tinytracker_imx_band", {"width": 4.0}),
    "band-5": ("tinytracker_imx_band", {"width": 5.0}),
    "band-96x320-6": ("tinytracker_imx_band", {"size_px": (96, 320), "width": 6.0}),
    "band-128x320-6": ("tinytracker_imx_band", {"size_px": (128, 320), "width": 6.0}),  # does not fit
}
PICTURES = 8
AFTER_TRAINING = QuantiseOptions(gptq_epochs=0, qat_steps=0)  # the numbers do not depend on the weights


def network_of(name: str) -> Network:
    torch.manual_seed(0)
    family, options = NETWORKS[name]
    return create_model(family, **options).eval()


def report_of(network: Network) -> MemoryReport:
    """What the real converter says."""
    part: nn.Module = sensor_part(network) if isinstance(network, SensorNetwork) else network
    picture = network.spec.inputs[0]
    shape = (PICTURES, 3, picture.height_px, picture.width_px)
    pictures = torch.rand(shape, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with tempfile.TemporaryDirectory() as folder:
        onnx = Path(folder) / "network.onnx"
        made = quantise(part, [pictures], lambda network: 0.0, AFTER_TRAINING)
        write_onnx(made.network, [pictures], onnx)
        toolchain.convert(onnx, Path(folder) / "converted")
        return read_report(Path(folder) / "converted")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", action="append", choices=NETWORKS, help="only these")
    parser.add_argument("--csv", type=Path, help="add the rows to this file")
    chosen = parser.parse_args()
    toolchain.require()
    rows = []
    for name in chosen.network or NETWORKS:
        network = network_of(name)
        weights, working = estimated_memory(network)
        try:
            report = report_of(network)
        except TargetError as error:  # too large
            print(f"{name}: {weights + working:,} bytes estimated; {error}")
            continue
        rows.append(
            (
                name,
                report.weights_bytes,
                report.working_bytes,
                weights / report.weights_bytes - 1,
                working / report.working_bytes - 1,
                (weights + working) / (report.used_bytes - report.reserved_bytes) - 1,
                report.share,
                report.fits,
            )
        )
        if chosen.csv is not None:
            with chosen.csv.open("a", newline="") as file:
                csv.writer(file).writerow(rows[-1])
    print_table(_table(rows))


def _table(rows: list[tuple[Any, ...]]) -> Table:
    drawn = [
        (
            name,
            f"{weights:,}",
            f"{working:,}",
            *(f"{100 * off:+.1f} %" for off in offs),
            f"{100 * share:.1f} %" + ("" if fits else ", does not fit"),
        )
        for name, weights, working, *offs, share, fits in rows
    ]
    title = "The converter's report, and how far our estimate is from it"
    headings = ("network", "weights, bytes", "maps, bytes", "weights", "maps", "both", "of the chip")
    return Table(title, headings, drawn, range(1, len(headings)))


if __name__ == "__main__":
    main()
