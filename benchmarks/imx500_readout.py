"""What binned read-out, and with it less than 8 ms from camera to gaze, costs in accuracy: python
benchmarks/imx500_readout.py [--people 12]

Rendered people at the sensor's own pixels, in both read-out modes (`targets.imx500.readout_study`). The
networks are the released ones (int8, LiteRT), which need the face's position or the eyes beside the picture:
the sensor itself could not feed them, so they stand in for networks of their size. What an exported network
of the sensor's loses says `tinytracker simulate imx500 --model DIR --readout`. All *emulated*. Writes
src/tinytracker/costs/data/readout.csv, which benchmarks/platforms.py takes up; a minute of a core.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from terminal import print_table

from tinytracker.costs.rows import CostRow, write_cost_rows
from tinytracker.domain import Face, Image
from tinytracker.engines.model import GazeModel
from tinytracker.targets.hashes import with_hashes
from tinytracker.targets.imx500.chip.sensor import MODES, SensorMode
from tinytracker.targets.imx500.readout_study import Look, ReadoutStudy, Seer, study_readout
from tinytracker.zoo import find

NETWORKS = ("tinytracker", "tinytracker-eyes", "tinytracker-s")
PEOPLE = range(1000, 11000, 10)  # as of `synthetic.unseen`: nobody trains on these numbers of its seed
ROWS = Path(__file__).parents[1] / "src" / "tinytracker" / "costs" / "data" / "readout.csv"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=12, choices=range(2, len(PEOPLE) + 1), metavar="N")
    parser.add_argument("--csv", type=Path, default=ROWS)
    chosen = parser.parse_args()
    seers = [Seer(name, int(find(name).require_card().counts["macs"]), stand_in(name)) for name in NETWORKS]
    rows: list[CostRow] = []
    for found in study_readout(seers, PEOPLE[: chosen.people]):
        print_table(found.table())
        rows += rows_of(found)
    write_cost_rows(with_hashes(rows, NETWORKS), chosen.csv)


def stand_in(name: str) -> Look:
    model = GazeModel.load(name)

    def look(frame: Image, face: Face, mode: SensorMode) -> tuple[float, float]:
        gaze = model.predict(frame, face)
        return gaze.x_cm, gaze.y_cm

    return look


def rows_of(found: ReadoutStudy) -> list[CostRow]:
    """The error of each mode, and what binning adds to it."""
    conditions = {
        "data": "rendered people at a laptop",
        "moments": str(len(found.people)),
        "note": "LiteRT's int8 network stands in, fed what the sensor cannot feed",
    }
    source = "benchmarks/imx500_readout.py"
    rows = []
    for mode in MODES:
        for metric, value in (("error", found.error(mode)), ("binning_loss", found.binning_costs)):
            if metric == "error" or mode == "binned":
                rows.append(
                    CostRow(
                        f"imx500, {mode}",
                        found.name,
                        metric,
                        value.value,
                        value.low,
                        value.high,
                        "cm",
                        "emulated",
                        source,
                        conditions,
                    )
                )
    return rows


if __name__ == "__main__":
    main()
