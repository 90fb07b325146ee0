"""The live half of `tinytracker measure`: a board runs blocks, a meter records, and both must agree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from statistics import median
from typing import Any

import typer

from tinytracker.cli.measure_known import Known, Protocol, keep_if_asked, show
from tinytracker.cli.progress import progress_bar
from tinytracker.costs.blocks import IDLE_S, Run, run_blocks
from tinytracker.costs.figures import CLOCKS_AGREE, cost_rows, figures
from tinytracker.costs.meters.open import open_meter
from tinytracker.costs.meters.protocol import Meter, Recording
from tinytracker.costs.meters.replay import Replay
from tinytracker.costs.rows import MODEL_HASH, CostRow, refuse_incomplete
from tinytracker.costs.trace import Trace
from tinytracker.costs.windows import Expected, find_blocks
from tinytracker.errors import DeviceError, UsageError
from tinytracker.files import sha256
from tinytracker.zoo import find_tflite

HOST = "host"
REPLAYED = ("csv:", "trace:")


def measure_live(
    board: str,
    meter: str | None,
    model: str,
    platform: str,
    known: Known,
    protocol: Protocol,
    keep: Path | None,
) -> list[CostRow]:
    """Runs the protocol; gives the rows. Raises DeviceError, InputError, TargetError, UsageError."""
    path = find_tflite(model, "measure").path
    with ExitStack() as stack:
        opened = _open_meter(stack, meter, known.supply_v) if meter is not None else None
        conditions = _conditions(known, board, path, opened)
        if opened is not None:
            refuse_incomplete(conditions)  # now, and not after minutes of metering
        runner = stack.enter_context(_open_board(board, path, protocol.chain))
        recording = Recording(opened) if opened is not None else None
        try:
            with recording or nullcontext(), progress_bar("Measuring") as update:
                run = run_blocks(runner, recording, protocol.blocks, protocol.shortest_s, IDLE_S, update)
        except DeviceError:
            if recording is not None and recording.trace is not None:
                keep_if_asked(recording.trace, keep)
            raise
        where = platform or (runner.link.hello.board if hasattr(runner, "link") else HOST)
        what = "chains" if protocol.chain else "inferences"
        title = f"{path.stem} on {where}: {protocol.blocks} blocks of {run.inferences} {what}"
        if recording is None:
            return _unmetered_rows(runner, run, where, path.stem, conditions, title, protocol.chain)
        assert recording.trace is not None
        assert opened is not None
        keep_if_asked(recording.trace, keep)
        return _metered_rows(recording.trace, run, protocol, where, path.stem, opened, conditions, title)


def _metered_rows(
    trace: Trace,
    run: Run,
    protocol: Protocol,
    where: str,
    network: str,
    meter: Meter,
    conditions: dict[str, str],
    title: str,
) -> list[CostRow]:
    blocks = find_blocks(trace, Expected(protocol.blocks, median(run.board_s)), protocol.marker)
    found = figures(trace, blocks, run.inferences, run.board_s, IDLE_S, strict=protocol.shortest_s >= 10)
    show(found, title, protocol.fps, protocol.chain)
    return cost_rows(found, where, network, meter.name, conditions, protocol.fps, protocol.chain)


def _unmetered_rows(
    runner: Any, run: Run, where: str, network: str, conditions: dict[str, str], title: str, chain: bool
) -> list[CostRow]:
    """Time by the board's own clock; on an emulated board the marker's log must say the same, and what is
    counted are instructions."""
    each_s = sorted(spent_s / run.inferences for spent_s in run.board_s)
    middle, low, high = median(each_s), each_s[0], each_s[-1]
    emulator = getattr(runner, "emulator", None)
    typer.echo(title)
    if emulator is None:
        typer.echo(
            f"  {1e3 * middle:.4g} ms each ({1e3 * low:.4g} to {1e3 * high:.4g}), by the board's clock; no "
            "meter, no energy"
        )
        source = "the board's own clock"
        return [
            CostRow(
                where,
                network,
                "end_to_end" if chain else "inference",
                1e3 * middle,
                1e3 * low,
                1e3 * high,
                "ms",
                "measured",
                source,
                conditions,
            )
        ]
    blocks = find_blocks(runner.marker_trace(), Expected(len(run.board_s)))
    worst = max(abs(block.duration_s / told - 1) for block, told in zip(blocks, run.board_s, strict=True))
    if worst > CLOCKS_AGREE:
        raise DeviceError(f"{where}: the marker's log and the counter differ by {100 * worst:.1f} %")
    typer.echo(
        f"  {1e9 * middle:,.0f} instructions each, emulated; the marker's log agrees within "
        f"{100 * worst:.2f} %"
    )
    return [
        CostRow(
            where,
            network,
            "instructions",
            1e9 * middle,
            1e9 * low,
            1e9 * high,
            "",
            "emulated",
            "QEMU -icount",
            conditions,
        )
    ]


def _open_meter(stack: ExitStack, spec: str, supply_v: float | None) -> Meter:
    for prefix in REPLAYED:
        if spec.startswith(prefix):
            return stack.enter_context(Replay(Path(spec.removeprefix(prefix)), supply_v))
    return stack.enter_context(open_meter(spec, supply_v))


@contextmanager
def _open_board(board: str, path: Path, chain: bool) -> Iterator[Any]:
    if board == HOST and chain:
        raise UsageError(
            "--chain is for a board with a camera of its own; of this computer `track` tells its times"
        )
    if board == HOST:
        from tinytracker.targets.host.run import HostBoard

        yield HostBoard(path)
        return
    from tinytracker.targets.mcu.blocks import open_blocks

    with open_blocks(board, path, chain) as opened:
        yield opened


def _conditions(known: Known, board: str, path: Path, meter: Meter | None) -> dict[str, str]:
    """What was said, what the meter knows, and, for this computer, what the system tells."""
    said = known.conditions(
        meter.name if meter is not None else "", meter.supply_v if meter is not None else None
    )
    conditions = {name: value for name, value in said.items() if value} | {MODEL_HASH: sha256(path)}
    if board != HOST:
        return conditions
    from tinytracker.targets.host.run import host_conditions

    return host_conditions(path, meter) | conditions
