"""Metering as fast as it must be: nothing lost at 100,000 samples a second beside the serial link, recordings
of 20 million read.

    python benchmarks/metering.py                # 60 s of a PPK2 in software, in a process of its own, over a
                                                 # pseudo-terminal
    python benchmarks/metering.py --seconds 10
    python benchmarks/metering.py --recordings   # 20 million samples as .ppk2 and as CSV: seconds, processor
                                                 # seconds, memory

Prints exact counts (samples lost), and this process's share of one core. The fake keeps time by its own
clock, drops nothing and sends what is due; what the reader does not fetch in time the pseudo-terminal holds
back, and the count at the end tells.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path

import numpy as np

sys.path.insert(
    0, str(Path(__file__).parents[1])
)  # for the boards and meters in software, which lie in tests/

from tests.link.stub_board import INPUT_BYTES, CBoard, PtyBoard, build_board
from tinytracker.costs.figures import figures
from tinytracker.costs.meters.ppk2 import Ppk2
from tinytracker.costs.meters.protocol import Recording
from tinytracker.costs.traces.read import read_trace
from tinytracker.costs.windows import find_blocks
from tinytracker.link.link import BoardLink, open_port

ROOT = Path(__file__).parents[1]
FAKE = """
import sys, time
import numpy as np
from tests.costs.fakes.ppk2 import FakePpk2
with FakePpk2(lambda t: np.where(t % 2 < 1, 20e-6, 12e-3)) as device:
    print(device.path, flush=True)
    sys.stdin.read()
    print(device.sent, flush=True)
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--recordings", action="store_true")
    options = parser.parse_args()
    if options.recordings:
        recordings()
    else:
        live(options.seconds)


def live(seconds: float) -> None:
    """One process: the meter's thread, and the link asking a board as fast as it answers."""
    fake = subprocess.Popen(
        [sys.executable, "-c", FAKE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert fake.stdin is not None
    assert fake.stdout is not None
    path = fake.stdout.readline().strip()
    ended, frames = threading.Event(), [0]
    with tempfile.TemporaryDirectory() as name:
        board = PtyBoard(CBoard(build_board(Path(name), rows=True)))
        link = BoardLink(open_port(board.path), "the stub")
        asking = threading.Thread(target=_ask, args=(link, ended, frames))
        meter = Ppk2(path, 3.0, inrush_s=0.2)
        with meter:
            asking.start()
            began_cpu_s = time.process_time()
            with Recording(meter) as recording:
                time.sleep(seconds)
            spent = (time.process_time() - began_cpu_s) / seconds
            ended.set()
            asking.join()
        link.close()
        board.unplug()
    fake.stdin.close()
    fake.wait()
    trace = recording.trace
    assert trace is not None
    print(
        f"{len(trace.power_mw):,} samples in {seconds:g} s, {trace.lost} lost, {len(trace.remarks)} "
        f"remarks: {trace.remarks}"
    )
    print(
        f"beside {frames[0] / seconds:.0f} frames/s over the serial link; {100 * spent:.0f} % of one core "
        "for both"
    )


def _ask(link: BoardLink, ended: threading.Event, frames: list[int]) -> None:
    pixels = np.zeros(INPUT_BYTES, np.int8)
    while not ended.wait(0.02):
        link.infer([pixels])
        frames[0] += 1


def recordings() -> None:
    with tempfile.TemporaryDirectory() as name:
        for path in write_recordings(Path(name)):
            code = f"import benchmarks.metering as b; b.analyse({str(path)!r})"
            subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def analyse(path: str) -> None:
    """In a process of its own, so that the memory is this recording's."""
    began_s, began_cpu_s = time.monotonic(), time.process_time()
    trace = read_trace(Path(path), 3.0)
    found = figures(trace, find_blocks(trace), 100, strict=False)
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(
        f"{Path(path).name}: {len(trace.power_mw):,} samples, {found.energy_mj.value:.4g} mJ; "
        f"{time.monotonic() - began_s:.1f} s, "
        f"{time.process_time() - began_cpu_s:.1f} s of processor, {memory_mb:.0f} MB"
    )


def write_recordings(folder: Path, samples: int = 20_000_000, rate_hz: int = 100_000) -> list[Path]:
    """Five blocks of 30 s with a marker, as the Power Profiler stores and exports them."""
    current_ua, marks = np.full(samples, 5e3, np.float32), np.ones(samples, np.uint16)
    for number in range(5):
        begin = (5 + 38 * number) * rate_hz
        current_ua[begin : begin + 30 * rate_hz] = 13e3
        for edge in (begin, begin + 30 * rate_hz):
            marks[edge : edge + 6] = 0
    session = np.empty(samples, [("current_ua", "<f4"), ("bits", "<u2")])
    session["current_ua"], session["bits"] = current_ua, marks
    stored, exported = folder / "recording.ppk2", folder / "recording.csv"
    with zipfile.ZipFile(stored, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("session.raw", session.tobytes())
        archive.writestr(
            "metadata.json", json.dumps({"metadata": {"samplesPerSecond": rate_hz, "formatVersion": 2}})
        )
    with exported.open("w") as file:
        file.write("Timestamp(ms),Current(uA),D0-D7\n")
        for begin in range(0, samples, 1_000_000):
            part = range(begin, min(begin + 1_000_000, samples))
            file.write("".join(f"{k / 100:.2f},{current_ua[k]:.3f},{marks[k]}0000000\n" for k in part))
    return [stored, exported]


if __name__ == "__main__":
    main()
