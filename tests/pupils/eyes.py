"""An eye whose pupil is a disc, and the plainest finder of it: enough to follow, with a truth known
exactly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from tinytracker.cards import InputSpec, ModelCard
from tinytracker.engines.protocol import TensorSpec
from tinytracker.events.labels import labels_of
from tinytracker.events.recordings import EventRecording
from tinytracker.events.stream import Events
from tinytracker.inputs import OUTPUTS
from tinytracker.models import create_model
from tinytracker.models.checkpoint import save_network
from tinytracker.retina.model import PupilModel

SIZE_PX = (346, 260)
OPTIONS = {"window_events": 14, "window_among": 0}  # as many cells as the rim of the discs below has
START_US = 1_657_711_084_443_803


class MiddleOfEvents:
    """An engine whose network is: the pupil is in the middle of the window's cells. Closed where all fell."""

    name, batch = "middle of events", 1
    inputs = (TensorSpec("events", (1, 64, 64, 2), "float32"),)
    outputs = (TensorSpec("pupil", (1, len(OUTPUTS["pupil"])), "float32"),)

    def invoke(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        (window,) = inputs
        rows, columns = np.nonzero(window[0].any(-1))
        said = np.zeros((1, len(OUTPUTS["pupil"])), np.float32)
        said[0, :4] = (
            (columns.mean() + 0.5) / 64,
            (rows.mean() + 0.5) / 64,
            float(not window[..., 1].any()),
            0.9,
        )
        return [said]


def finder(cells: int = 14) -> PupilModel:
    spec = InputSpec("events", "events", width_px=64, height_px=64, window_events=cells)
    card = ModelCard(name="middle", family="middle", inputs=(spec,), output="pupil", output_scale_cm=1.0)
    return PupilModel(card, MiddleOfEvents())


def random_network(path: Path) -> Path:
    """A checkpoint of our network of pupils as it is before training."""
    import torch

    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(3)
        network = create_model("pupil", **OPTIONS).eval()
        network.head.anew[0].bias[2] = -9.0  # open, whatever it sees
    save_network(network, network.card("pupil", recipe={"model": "pupil", "options": OPTIONS}), path)
    return path


def circling(seconds: float = 1.0, centre: tuple[float, float] = (173, 130)) -> EventRecording:
    """A pupil of 24 pixels across, its rim alive with events, that goes round once a second."""

    def path(t_s: np.ndarray) -> np.ndarray:
        turn = 2 * np.pi * t_s
        return np.stack([centre[0] + 60 * np.cos(turn), centre[1] + 45 * np.sin(turn)], 1)

    return moving(path, seconds)


def moving(
    path: Callable[[np.ndarray], np.ndarray], seconds: float, per_second: int = 60_000
) -> EventRecording:
    """path: seconds (n,) -> pixels (n, 2)."""
    random = np.random.default_rng(5)
    count = int(seconds * per_second)
    t_s = np.sort(random.random(count)) * seconds
    angle = random.random(count) * 2 * np.pi
    rim = path(t_s) + 12 * np.stack([np.cos(angle), np.sin(angle)], 1)
    x, y = np.floor(rim).astype(int).T
    inside = (x >= 0) & (x < SIZE_PX[0]) & (y >= 0) & (y < SIZE_PX[1])
    on = random.random(count) < 0.5
    t_us = START_US + (t_s * 1e6).astype(np.int64)
    events = Events.of(
        t_us[inside], x[inside], y[inside], on[inside], width_px=SIZE_PX[0], height_px=SIZE_PX[1]
    )
    label_s = np.arange(0, seconds, 0.005)
    place = path(label_s)
    labels = labels_of(
        START_US + (label_s * 1e6).astype(np.int64),
        x_px=place[:, 0],
        y_px=place[:, 1],
        major_px=24,
        minor_px=24,
        angle_deg=0,
        gaze_yaw_deg=(place[:, 0] - 173) * 0.2,
        gaze_pitch_deg=(130 - place[:, 1]) * 0.2,
    )
    return EventRecording("disc", "nobody", "davis346", events, labels)


def at_dots(hold_s: float = 0.6) -> tuple[EventRecording, list[tuple[float, float, float, float]]]:
    """Somebody who looks at a grid of 3 x 3, and each dot as start_s, end_s, x_deg, y_deg."""
    grid = [(x, y) for y in (-8.0, 0.0, 8.0) for x in (-10.0, 0.0, 10.0)]
    places = np.array([(173 + x / 0.2, 130 - y / 0.2) for x, y in grid])
    recording = moving(lambda t_s: places[np.minimum((t_s / hold_s).astype(int), 8)], 9 * hold_s)
    return recording, [(k * hold_s, (k + 1) * hold_s, x, y) for k, (x, y) in enumerate(grid)]
