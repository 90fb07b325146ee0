"""A network of pupils on a board: the C round it that makes windows of events and hands on what it said, and
running that on an emulated board."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinytracker.cards import ModelCard
from tinytracker.compiler.compile import CompiledModel
from tinytracker.errors import TargetError
from tinytracker.events.crops import SensorCrop
from tinytracker.events.stream import Events
from tinytracker.inputs import KINDS
from tinytracker.retina.sequences import window_of
from tinytracker.targets.mcu.boards import sources
from tinytracker.targets.mcu.event_windows import window_files
from tinytracker.targets.mcu.firmware import build
from tinytracker.targets.mcu.machines import Machine
from tinytracker.targets.mcu.qemu import Measurement, measurement_of, run_program

DEFAULT_CROP = SensorCrop(left_px=0, top_px=0, scale=2)  # of a Speck's or a DVS128's 128 x 128 pixels
ROSE = 0x8000


def tracker_files(
    card: ModelCard, compiled: CompiledModel, crop: SensorCrop = DEFAULT_CROP
) -> dict[str, str]:
    """pupil_tracker.c and .h, event_window.c and .h, and their settings: name -> text.

    crop: the part of the board's sensor that the network sees.
    """
    graph = compiled.graph
    windows = [spec for spec in card.inputs if KINDS[spec.kind].planes]
    events = next(k for k, number in enumerate(graph.inputs) if graph[number].shape == (1, *windows[0].shape))
    last = next((k for k in range(len(graph.inputs)) if k != events), -1)
    tensor = graph[graph.inputs[events]]
    absent = tensor.zero_point
    present = min(127, absent + round(1 / tensor.scale))
    settings = {
        "EVENTS_INPUT": events,
        "LAST_INPUT": last,
        "REMEMBERS": int(last >= 0),
        "BOX": int(card.output == "pupil_box"),
    }
    guard = "PUPIL_TRACKER_SETTINGS_H"
    lines = ["/* Written by tinytracker: which of the network's tensors is what. */", f"#ifndef {guard}"]
    lines += [
        f"#define {guard}",
        "",
        *(f"#define PUPIL_TRACKER_{key} {value}" for key, value in settings.items()),
    ]
    templates = {name: _named(text, compiled.prefix) for name, text in sources("pupil").items()}
    return {
        **templates,
        "pupil_tracker_settings.h": "\n".join([*lines, "", "#endif", ""]),
        **window_files(crop, window_of(windows[0]), absent, present),
    }


@dataclass(frozen=True, slots=True)
class Tracked:
    """What an emulated board made of events. measured: instructions and outputs of every batch (pushing its
    events and the estimate after them), and memory, window included. estimates: float32 (batches, 4), x_px
    and y_px on the sensor, closed, confidence."""

    measured: Measurement
    estimates: np.ndarray


def track_on(
    machine: Machine, files: Mapping[str, str], prefix: str, outputs: int, batches: Sequence[Events]
) -> Tracked:
    """Runs a network (its C and `tracker_files`) on an emulated board: batches of events, an estimate after
    each. outputs: how many bytes the network gives. Raises TargetError."""
    program = {"track.c": _named(sources("qemu")["track.c"], prefix)}
    with tempfile.TemporaryDirectory(prefix="tinytracker-qemu-") as name:
        folder = Path(name)
        firmware = build({**files, **program}, machine, "track", folder)
        (folder / "events.bin").write_bytes(b"".join(map(_stored, batches)))
        text = run_program(firmware, folder)
        records = (folder / "outputs.bin").read_bytes()
    stack = re.search(r"stack_bytes=(\d+)", text)
    if stack is None or len(records) != len(batches) * (4 + outputs + 16):
        raise TargetError(
            f"the program on {machine.name} ended early: {text.strip()[-200:] or 'it said nothing'}"
        )
    table = np.frombuffer(records, np.uint8).reshape(len(batches), -1)
    estimates = np.ascontiguousarray(table[:, 4 + outputs :]).view("<f4")
    return Tracked(measurement_of(firmware, table[:, : 4 + outputs], int(stack[1])), estimates)


def _named(text: str, prefix: str) -> str:
    return text.replace("@PREFIX@", prefix).replace("@UPPER@", prefix.upper())


def _stored(events: Events) -> bytes:
    rows = np.zeros(len(events), np.dtype([("t_us", "<u4"), ("x_px", "<u2"), ("y_px", "<u2")]))
    rows["t_us"] = events.t_us & 0xFFFFFFFF
    rows["x_px"] = events.x_px
    rows["y_px"] = events.y_px | np.where(events.on, ROSE, 0).astype(np.uint16)
    return np.uint32(len(events)).tobytes() + rows.tobytes()
