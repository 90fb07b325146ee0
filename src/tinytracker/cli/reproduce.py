"""`tinytracker reproduce`: the study from rendered people to the table, in one go."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinytracker.cli.progress import progress_bar

if TYPE_CHECKING:
    from rich.console import Console

    from tinytracker.study.table import Line

HEADINGS = (
    "network", "input", "parameters", "MAC", "float kB", "int8 kB", "smaller than "
    "iTracker", "error float cm", "error int8 cm",
    "of the mean's", "loss by int8 cm", "float ms", "int8 ms",
)  # fmt: skip
NOTES = """\
Errors: mean Euclidean distance over the frames of the test people, in brackets the 95 % interval over people;
"of the mean's": the int8 error as a share of always answering the training people's mean gaze. "Smaller than
iTracker": iTracker's float file over this int8 file, as in the paper. ms: median of single runs of the engine
alone (LiteRT, one thread, this machine); int8 is slower than float on processors without integer dot products
(VNNI on x86): it is made for boards. "Worse" than always the mean is a network that has not learnt yet: after
the few steps of --quick, iTracker, the largest, has not."""
PUBLISHED = """\
Published on GazeCapture, for comparison (other data: the errors above and these do not compare): TinyTracker
455 k parameters, 11.8 M MAC, 608 kB, 2.34 cm, at most 0.16 cm lost by int8, 41 x smaller than iTracker (arXiv
2307.07813); TinyTracker-S 85.8 k, 5.3 M MAC, 169 kB (arXiv 2308.12313); iTracker 1.71 cm on phones, 2.53 cm
on tablets (CVPR 2016)."""


def reproduce(
    quick: Annotated[
        bool, typer.Option("--quick", help="In small: at most 15 minutes on 2 idle cores.")
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            help="A prepared dataset, or recordings such as GazeCapture's, in place of rendered people."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for everything.", show_default="out/reproduce[-quick]")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes.", show_default="one per core")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the people and of the training.")] = 0,
) -> None:
    """Repeats the study: renders people, prepares them, trains TinyTracker, TinyTracker-S, iTracker and
    tinytracker-eyes, exports each to float and int8, evaluates all on people they have never seen, and ends
    in one table.

    The two small networks learn from tinytracker-eyes too. --quick trains too briefly to be good, iTracker
    above all: it shows that every part works and what each network costs. Without it the recipes run in full:
    hours on a few cores, best with --jobs of your machine. Stopped at any moment, the same command goes on
    where it was. The folder then holds the table (table.md, table.csv), every figure (results.csv), and all
    that was made on the way.

    \b
    Examples:
      tinytracker reproduce --quick
      tinytracker reproduce --out study --jobs 8
      tinytracker reproduce --data gazecapture-dataset --out study-gazecapture
    """
    from tinytracker.cli.console import plain_console
    from tinytracker.files import refuse_no_folder, write_text
    from tinytracker.study.plan import FULL, QUICK, Plan
    from tinytracker.study.study import run_study
    from tinytracker.study.table import write_lines

    started = time.monotonic()
    folder = out or Path("out") / ("reproduce-quick" if quick else "reproduce")
    refuse_no_folder(folder)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    plan = Plan(folder, QUICK if quick else FULL, seed)
    lines, rows = run_study(plan, data, jobs or cores, progress_bar)
    minutes = (time.monotonic() - started) / 60
    cells = [_cells(line, lines) for line in lines]
    title = f"{rows[0].data}, test people; " + ", ".join(
        f"{line.name} {line.steps:,} steps" for line in lines
    )
    write_lines(lines, folder / "table.csv")
    write_text(folder / "table.md", _markdown(title, cells))
    console = plain_console()
    _show(title, cells, console)
    console.print(f"{minutes:.1f} minutes; {folder}/table.md, table.csv, results.csv")


def _cells(line: Line, lines: list[Line]) -> tuple[str, ...]:
    reference = next(other for other in lines if other.name == "itracker")
    return (
        line.name,
        line.input,
        f"{line.parameters:,}",
        f"{line.macs / 1e6:,.1f} M",
        f"{line.float_bytes / 1e3:,.0f}",
        f"{line.int8_bytes / 1e3:,.0f}",
        f"{reference.float_bytes / line.int8_bytes:.1f} x",
        f"{line.error_float_cm:.2f}",
        f"{line.error_int8_cm:.2f} ({line.error_int8_low_cm:.2f}-{line.error_int8_high_cm:.2f})",
        f"{line.share_of_mean:.0f} %" + (" (worse)" if line.share_of_mean > 100 else ""),
        f"{line.loss_cm:+.3f}",
        f"{line.float_ms:.2f}",
        f"{line.int8_ms:.2f}",
    )


def _markdown(title: str, cells: list[tuple[str, ...]]) -> str:
    rows = [HEADINGS, ("---", "---", *["---:"] * (len(HEADINGS) - 2)), *cells]
    table = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    return f"{title}\n\n{table}\n\n{NOTES}\n\n{PUBLISHED}\n"


def _show(title: str, cells: list[tuple[str, ...]], console: Console) -> None:
    """The table on its side, a column per network, so that it fits a terminal."""
    from rich.table import Table

    table = Table(title=title, title_justify="left", show_header=True)
    table.add_column(HEADINGS[0])
    for row in cells:
        table.add_column(row[0], justify="right")
    for index, heading in enumerate(HEADINGS[1:], start=1):
        table.add_row(heading, *(row[index] for row in cells))
    console.print(table)
    console.print(NOTES)
    console.print(PUBLISHED)
