"""Event cameras: what windows and the network cost, how fast eyes are rendered, what rates of events come
out.

    python benchmarks/events.py windows [--model pupil]
    git worktree add sketch b696600
    OMP_NUM_THREADS=1 python benchmarks/events.py render [--sketch sketch]
    OMP_NUM_THREADS=1 python benchmarks/events.py rates [--people 12] [--seconds 4] [--data DATASET]

`windows`: a second of a million events (the rim of a pupil that moves, and as much noise) through the window
that follows them and the network, 200 estimates in it, in processor time of one core: so the share of a core
that is busy. Beside it the same windows by numpy alone, cut anew for each estimate from all events so far
(`window_at`, the definition), and by the C for boards, compiled here with gcc -O2. All three windows are
compared: they are the same to the bit.

`render`: near-eye pictures of 128 x 128 pixels a second, of people who look about, beside the whole-head
renderer's with its camera before one eye, as the first sketch of near-eye events had them; both in processor
time of one thread, in turns, so that other work on the machine counts for both. The whole head's renderer has
become faster since that sketch: --sketch adds it as it was then. Then the steps of a recording.

`rates`: events a second of rendered people by sensor, beside those of published recordings, where they follow
from what was published.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from whole_head import PEOPLE, processor_ms, whole_head_frames

from tinytracker.events.builder import WindowBuilder
from tinytracker.events.crops import SensorCrop, crop_for
from tinytracker.events.dataset import EventDataset
from tinytracker.events.stream import Events
from tinytracker.events.windows import Window, window_at
from tinytracker.retina.model import PupilModel
from tinytracker.retina.sequences import window_of
from tinytracker.synthetic.near_eye.recording import Sitting, frame_samples, record
from tinytracker.synthetic.near_eye.renderer import Renderer, State
from tinytracker.synthetic.near_eye.sensor import sensor_kinds
from tinytracker.synthetic.near_eye.writer import EyesOptions, recording_of
from tinytracker.targets.mcu.event_windows import window_files

PER_SECOND, ESTIMATES = 1_000_000, 200
SENSOR_PX = (640, 480)
WRAPPER = """
#include "event_window.h"
static event_window window;
void reset(void) { event_window_reset(&window); }
void push(int count, const int64_t *t_us, const uint16_t *x, const uint16_t *y, const uint8_t *on) {
    for (int k = 0; k < count; k++) {
        event_window_push(&window, (uint32_t)t_us[k], x[k], y[k], on[k]);
    }
}
void write_input(int8_t *input) { event_window_write(&window, input); }
"""


def busy_second(seed: int = 18) -> Events:
    """A million events within a second: half on the rim of a moving pupil, half anywhere."""
    rng = np.random.default_rng(seed)
    t_us = np.sort(rng.integers(0, 1_000_000, PER_SECOND))
    turn, angle = 2 * np.pi * t_us / 2.5e5, rng.random(PER_SECOND) * 2 * np.pi
    middle = np.stack([320 + 120 * np.cos(turn), 240 + 80 * np.sin(turn)], 1)
    rim = middle + 45 * np.stack([np.cos(angle), np.sin(angle)], 1) + rng.normal(0, 1.5, (PER_SECOND, 2))
    anywhere = rng.random((PER_SECOND, 2)) * SENSOR_PX
    places = np.where(rng.random((PER_SECOND, 1)) < 0.5, rim, anywhere).astype(np.int64)
    x, y = places.clip(0, np.array(SENSOR_PX) - 1).T
    on = rng.random(PER_SECOND) < 0.5
    return Events.of(t_us, x, y, on, width_px=SENSOR_PX[0], height_px=SENSOR_PX[1])


def compiled(folder: Path, crop: SensorCrop, window: Window) -> ctypes.CDLL:
    """The boards' window, as a library of this machine."""
    for name, text in {**window_files(crop, window), "wrapper.c": WRAPPER}.items():
        (folder / name).write_text(text)
    sources = [str(path) for path in folder.glob("*.c")]
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", *sources, "-o", str(folder / "w.so")], check=True)
    return ctypes.CDLL(str(folder / "w.so"))


def processor_s(work: Callable[[], object], repeats: int = 3) -> float:
    """The least processor time of some runs: what else runs on the machine does not count."""
    times = []
    for _ in range(repeats):
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    return min(times)


def windows(model_name: str) -> Table:
    events, crop = busy_second(), crop_for(*SENSOR_PX)
    model = PupilModel.load(model_name)
    window = window_of(model.window)
    ends = np.arange(1, ESTIMATES + 1) * (len(events) // ESTIMATES)
    seen: dict[str, list[np.ndarray]] = {}

    def by_numba() -> None:
        builder, done = WindowBuilder(crop, window), 0
        seen["numba"] = []
        for end in ends.tolist():
            builder.push(events.rows(done, end))
            seen["numba"].append(builder.planes())
            done = end

    def by_numpy() -> None:
        seen["numpy"] = [window_at(events, end, crop, window) for end in ends.tolist()]

    def by_c(library: ctypes.CDLL) -> None:
        seen["C"], done = [], 0
        library.reset()
        for end in ends.tolist():
            part = events.rows(done, end)
            arrays = (part.t_us, part.x_px, part.y_px, part.on.view(np.uint8))
            library.push(end - done, *(ctypes.c_void_p(array.ctypes.data) for array in arrays))
            got = np.empty((crop.size, crop.size, 2), np.int8)
            library.write_input(ctypes.c_void_p(got.ctypes.data))
            seen["C"].append(got.transpose(2, 0, 1))
            done = end

    by_numba()  # compiled
    with tempfile.TemporaryDirectory() as folder:
        library = compiled(Path(folder), crop, window)
        took = {"numba": processor_s(by_numba), "C": processor_s(lambda: by_c(library))}
    took["numpy"] = processor_s(by_numpy, 1)
    planes = np.stack(seen["numba"])
    for name in ("numpy", "C"):
        assert (np.stack(seen[name]) == planes).all(), f"windows by {name} differ"
    network_s = processor_s(lambda: [model.estimate(one) for one in planes])
    table = Table(
        "what",
        "processor time",
        "of one core",
        "to numpy alone",
        title=f"a second of {len(events):,} events, {ESTIMATES} estimates of {model.card.name}, measured",
        title_justify="left",
    )
    for name, seconds in sorted(took.items(), key=lambda item: -item[1]):
        per_event = f"{seconds / len(events) * 1e9:.0f} ns an event"
        table.add_row(
            f"windows by {name}", per_event, f"{seconds:.1%}", f"{took['numpy'] / seconds:.1f}x quicker"
        )
    table.add_row("the network", f"{network_s / ESTIMATES * 1e3:.2f} ms an estimate", f"{network_s:.1%}", "")
    table.add_row("windows by numba, and the network", "", f"{took['numba'] + network_s:.1%}", "")
    return table


def near_eye_frames(number: int) -> Callable[[int], object]:
    """Renders frame k of a near-eye person: 128 x 128."""
    sitting = Sitting.draw(np.random.default_rng(number), "speck", 0.1, {})
    renderer = Renderer(sitting.person, sitting.headset)

    def frame(k: int) -> object:
        pitch_deg = 6 * np.cos(k / 20)
        return renderer.frame(State(8 * np.sin(k / 20), pitch_deg, pitch_deg, 0.0, 0.2))

    return frame


def of_checkout(checkout: Path) -> float:
    """Milliseconds of an eye by the whole head's renderer of another checkout of this repository."""
    if not (checkout / "src" / "tinytracker").is_dir():  # else today's renderer would answer for it
        raise SystemExit(
            f"{checkout} is no checkout of tinytracker; make one: git worktree add sketch b696600"
        )
    path = [str(checkout / "src"), os.environ.get("PYTHONPATH", "")]
    run = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("whole_head.py"))],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path)},
        capture_output=True,
        text=True,
    )
    if run.returncode != 0:
        raise SystemExit(f"{checkout}: its renderer did not run:\n{run.stderr}")
    return float(run.stdout)


def render(sketch: Path | None) -> Table:
    table = Table(
        "what", "ms", "per second", "near eye to it", title="Rendering an eye, one thread, measured"
    )
    took_ms: dict[str, list[float]] = {"whole head": [], "near eye": [], "whole head, of the sketch": []}
    for number in range(PEOPLE):
        whole, near = whole_head_frames(number), near_eye_frames(number)
        whole(0), near(0)  # compiled, and all that is done once
        for _ in range(3):
            took_ms["whole head"].append(processor_ms(whole, 10))
            took_ms["near eye"].append(processor_ms(near, 100))
        if sketch and number % 2 == 0:
            took_ms["whole head, of the sketch"].append(of_checkout(sketch))
    means = {name: float(np.mean(times)) for name, times in took_ms.items() if times}
    for name, ms in means.items():
        table.add_row(f"128 x 128, {name}", f"{ms:.2f}", f"{1e3 / ms:.0f}", f"{ms / means['near eye']:.1f}x")
    for sensor in sensor_kinds():
        sitting = Sitting.draw(np.random.default_rng(2), sensor, 1.0, {})
        record("r", Sitting.draw(np.random.default_rng(2), sensor, 0.05, {}), np.random.default_rng(0), 200.0)
        seconds = processor_s(lambda: record("r", sitting, np.random.default_rng(0), 200.0), 1)  # noqa: B023
        what = f"a second of {sensor}: {len(frame_samples(sitting))} pictures, events, labels"
        table.add_row(what, f"{seconds * 1e3:.0f}", f"{1 / seconds:.2f}", "")
    return table


PUBLISHED_RATES = (
    # 4.8 to 24.2 M events a recording of 475 to 1848 labels, taken as some 30 ms apart (Bonazzi et al. 2024);
    # the set's own page says 20 to 236 ms: where labels are farther apart, the rate was lower.
    ("dvxplorer", "Ini-30, 640 x 480", 100_000, 350_000),
    # 2.7 G events beside 1.5 M pictures, 25 a second (Zhao et al. 2023): a mean over all of it.
    ("davis346", "EV-Eye, 346 x 260, mean", 45_000, 45_000),
)


def rendered(people: int, seconds: float) -> dict[str, list[Events]]:
    """People rendered now, by sensor."""
    kinds = {
        sensor: EyesOptions(seed=7, seconds=seconds, sensors=(sensor,), label_hz=1.0)
        for sensor in sensor_kinds()
    }
    return {
        sensor: [recording_of(options, index).events for index in range(people)]
        for sensor, options in kinds.items()
    }


def prepared(folder: Path) -> dict[str, list[Events]]:
    """The people of a dataset, by sensor."""
    streams: dict[str, list[Events]] = {}
    for recording in EventDataset.open(folder).recordings():
        streams.setdefault(recording.sensor, []).append(recording.events)
    return streams


def rates(by_sensor: dict[str, list[Events]]) -> Table:
    people = sum(map(len, by_sensor.values()))
    table = Table(
        "sensor",
        "events a second",
        "10 % to 90 % of people",
        "of which ON",
        "published",
        title=f"{people} rendered people, measured; published: computed from counts",
        title_justify="left",
    )
    for sensor, streams in sorted(by_sensor.items()):
        per_second = np.array([len(events) / events.duration_us * 1e6 for events in streams])
        low, high = np.percentile(per_second, [10, 90])
        is_on = np.mean([events.on.mean() for events in streams])
        published = "; ".join(
            f"{name}: {least:,}" + (f" to {most:,}" if most > least else "")
            for kind, name, least, most in PUBLISHED_RATES
            if kind == sensor
        )
        row = (f"{per_second.mean():,.0f}", f"{low:,.0f} to {high:,.0f}", f"{is_on:.2f}", published or "none")
        table.add_row(sensor, *row)
    return table


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    of_windows = commands.add_parser("windows", help="what windows and the network cost")
    of_windows.add_argument("--model", default="pupil", help="a released network of pupils, or a file of one")
    of_render = commands.add_parser("render", help="how fast eyes are rendered")
    of_render.add_argument("--sketch", type=Path, help="a checkout whose whole-head renderer stands beside")
    of_rates = commands.add_parser("rates", help="events a second beside published recordings")
    of_rates.add_argument("--people", type=int, default=12)
    of_rates.add_argument("--seconds", type=float, default=4.0)
    of_rates.add_argument("--data", type=Path, help="a dataset of event recordings, instead of people anew")
    options = parser.parse_args()
    if options.command == "windows":
        Console().print(windows(options.model))
    elif options.command == "render":
        Console().print(render(options.sketch))
    else:
        chosen = options.data
        Console().print(rates(prepared(chosen) if chosen else rendered(options.people, options.seconds)))
