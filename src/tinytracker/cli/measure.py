"""`tinytracker measure`: what an inference costs in time and energy, by a meter or from a recording."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinytracker.cli.idle import refuse_idle
from tinytracker.cli.measure_known import Known, Protocol, keep_if_asked
from tinytracker.costs.figures import SHORTEST_BLOCK_S
from tinytracker.errors import UsageError
from tinytracker.files import refuse_missing, refuse_overlap, refuse_unwritable

if TYPE_CHECKING:
    from tinytracker.costs.trace import Trace


def measure(
    trace: Annotated[
        Path | None,
        typer.Option(help="Analyse this recording instead of metering.", metavar="FILE"),
    ] = None,
    meter: Annotated[
        str | None,
        typer.Option(
            help="The meter, see below; with --trace, the name of the one that recorded.", metavar="METER"
        ),
    ] = None,
    board: Annotated[
        str | None,
        typer.Option(help="serial:PORT[@BAUD], an emulated board as qemu-m4, or host.", metavar="BOARD"),
    ] = None,
    model: Annotated[
        str, typer.Option(help="The network: a .tflite, or a released name.", metavar="MODEL")
    ] = "",
    platform: Annotated[str, typer.Option(help="The board's name in the rows.", metavar="NAME")] = "",
    supply: Annotated[
        float | None, typer.Option(help="Supply voltage of what is metered, V.", metavar="V")
    ] = None,
    regulator: Annotated[
        str, typer.Option(help='What regulates it, as "LDO" or "SMPS, external".', metavar="TEXT")
    ] = "",
    clock_mhz: Annotated[float | None, typer.Option(help="The processor's clock.", metavar="MHZ")] = None,
    compiler: Annotated[
        str, typer.Option(help='Compiler and options, as "gcc 12.2 -O2".', metavar="TEXT")
    ] = "",
    firmware: Annotated[
        Path | None,
        typer.Option(help="What was flashed; its SHA-256 goes into the rows.", metavar="FILE"),
    ] = None,
    powered: Annotated[
        str, typer.Option(help='What the meter feeds, as "chip" or "board with camera".', metavar="TEXT")
    ] = "",
    fps: Annotated[
        float | None, typer.Option(help="Also energy per frame at this rate, idle included.", min=0.01)
    ] = None,
    chain: Annotated[
        bool,
        typer.Option(
            "--chain",
            help="Blocks of whole chains, from the board's camera to the gaze, not of inferences alone.",
        ),
    ] = False,
    inferences: Annotated[
        int | None, typer.Option(help="For --trace: in each block (chains, with --chain).", min=1)
    ] = None,
    block_s: Annotated[
        float | None,
        typer.Option(
            help="For --trace without a marker: how long a block lasts by the board's clock.", min=0.001
        ),
    ] = None,
    blocks: Annotated[int, typer.Option(help="How many blocks.", min=1)] = 5,
    shortest_s: Annotated[
        float | None,
        typer.Option(
            help="For --board: a block lasts as long at least; 10 s are the rule.",
            min=0.01,
            show_default="(10.0)",
        ),
    ] = None,
    marker: Annotated[
        int | None, typer.Option(help="Logic input of the meter that carries the marker.", min=0, max=7)
    ] = None,
    resistor: Annotated[
        float | None,
        typer.Option(
            help="Check the meter on a resistor of so many ohm, and nothing else.", min=0.1, metavar="OHM"
        ),
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Write the figures as rows.", metavar="FILE")] = None,
    keep_trace: Annotated[
        Path | None, typer.Option(help="Keep what was metered, as .npz.", metavar="FILE")
    ] = None,
) -> None:
    """Measure what an inference costs: time and energy, with everything one must know to believe it.

    The board runs five blocks of inferences on five inputs, each of 10 s or more and after a second of
    idling; its marker pin pulses at both ends of a block. Energy is given gross (nothing subtracted, as
    MLPerf Tiny does) and net of idling: the median of the blocks, and their range widened by the meter's
    stated error. With --chain each of a block goes from the board's camera to the gaze; with --fps energy is
    also given per frame. Without a marker wire the blocks are found by this computer's clock, in a recording
    by its level, if what is found is what the board's clock says; else they are refused.

    Meters: ppk2[:PORT] (supplies), ppk2-ampere[:PORT], lpm01a:PORT[:RATE_HZ], joulescope, ina219, ina226 or
    ina228[:BUS[:ADDRESS[:SHUNT_OHM]]], rapl, pmic, csv:FILE (a recording made meanwhile by another program).
    Recordings: PPK2 (.ppk2, CSV), Joulescope (.jls, CSV), EEMBC/MLPerf energy.bin, MLCommons results.json,
    any CSV with named columns, .npz.

    \b
    Examples:
      tinytracker measure --meter ppk2 --resistor 1000 --supply 3.3
      tinytracker measure --meter ppk2 --board serial:/dev/ttyACM0 --model tinytracker-s \\
        --platform nucleo-l4r5 --supply 3.3 --regulator "LDO" --clock-mhz 120 \\
        --compiler "gcc 12.2 -O2" --firmware gaze.elf --powered chip --csv rows.csv
      tinytracker measure --meter ppk2 --board serial:/dev/ttyACM0 --model tinytracker-s --chain --fps 15 ...
      tinytracker measure --meter rapl --board host --model tinytracker
      tinytracker measure --board qemu-m4 --model tinytracker-s --shortest-s 0.5
      tinytracker measure --trace run.ppk2 --supply 3.3 --inferences 200 --model tinytracker-s
    """
    if board is None and shortest_s is not None:
        raise UsageError(
            "--shortest-s is for blocks that a --board runs; a recording's are as long as they are"
        )
    if trace is None and (inferences is not None or block_s is not None):
        raise UsageError(
            "--inferences and --block-s say what a recording holds; give it by --trace, or leave them out"
        )
    if resistor is not None:
        where = "with --resistor, which checks the meter and nothing else"
        refuse_idle(where, board=board, csv=csv, fps=fps, marker=marker, inferences=inferences)
        refuse_idle(where, model=model or None, platform=platform or None, shortest_s=shortest_s)
    elif trace is not None:
        refuse_idle("with --trace, which is kept already", keep_trace=keep_trace)
    elif meter is None:
        refuse_idle("without a meter", keep_trace=keep_trace, fps=fps, marker=marker, supply=supply)
    for needed, expected in ((trace, "a meter's recording"), (firmware, "what was flashed")):
        if needed is not None:
            refuse_missing(needed, expected)
    refuse_overlap((csv, keep_trace), (trace, firmware, model))
    for written in (csv, keep_trace):
        if written is not None:
            refuse_unwritable(written)
    known = Known(supply, regulator, clock_mhz, compiler, firmware, powered)
    if resistor is not None:
        _check_meter(meter, trace, resistor, supply, keep_trace)
        return
    protocol = Protocol(blocks, shortest_s or SHORTEST_BLOCK_S, marker, fps, chain)
    if trace is not None:
        if board is not None:
            raise UsageError("--trace is a recording that is there already; leave --board out")
        from tinytracker.cli.measure_recording import analyse

        rows = analyse(trace, meter, model, platform, known, protocol, inferences, block_s)
    elif board is not None:
        from tinytracker.cli.measure_live import measure_live

        if not model:
            raise UsageError("--model says which network the board runs; for example --model tinytracker-s")
        rows = measure_live(board, meter, model, platform, known, protocol, keep_trace)
    else:
        raise UsageError(
            "what is to be measured? Give --trace FILE, or --board with or without --meter; see the examples"
        )
    if csv is not None:
        from tinytracker.costs.rows import write_cost_rows

        write_cost_rows(rows, csv)
        typer.echo(f"wrote {len(rows)} rows to {csv}")


def _check_meter(
    meter: str | None, recording: Path | None, ohm: float, supply_v: float | None, keep: Path | None
) -> None:
    """`--resistor`: the meter's gain and rate on a known load."""
    from tinytracker.costs.meters.open import open_meter
    from tinytracker.costs.meters.protocol import Recording
    from tinytracker.costs.resistor import SECONDS, check_on_resistor
    from tinytracker.costs.traces.read import read_trace

    lasted_s = None
    if recording is not None:
        trace: Trace | None = read_trace(recording, supply_v)
    elif meter is not None:
        with open_meter(meter, supply_v) as opened, Recording(opened) as recorded:
            time.sleep(SECONDS)
            lasted_s = recorded.now_s()
        trace, supply_v = recorded.trace, opened.supply_v or supply_v
    else:
        raise UsageError("--resistor checks a meter; give --meter, or --trace with what it recorded")
    assert trace is not None
    keep_if_asked(trace, keep)
    if supply_v is None:
        raise UsageError("--resistor wants the voltage across it: --supply 3.3")
    found = check_on_resistor(trace, ohm, supply_v, lasted_s)
    typer.echo(
        f"{ohm:g} ohm at {supply_v:g} V take {found.expected_mw:.4g} mW; the meter shows "
        f"{found.shown_mw:.4g} mW"
    )
    typer.echo(
        f"gain: {100 * found.gain_error:+.2f} %; noise from millisecond to millisecond: "
        f"{100 * found.noise:.2f} %"
    )
    if found.rate_error is not None:
        typer.echo(f"sample rate against this computer's clock: {100 * found.rate_error:+.3f} %")
