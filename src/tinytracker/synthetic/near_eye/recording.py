"""One person's recording: movements, pictures where something moved, events, labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tinytracker.events.labels import Labels, labels_of
from tinytracker.events.recordings import EventRecording
from tinytracker.progress import Progress, no_progress
from tinytracker.synthetic.eyes import direction, yaw_pitch
from tinytracker.synthetic.near_eye.anatomy import NearEye
from tinytracker.synthetic.near_eye.gaze_path import SAMPLES_PER_S, EyePath, Habits, eye_path
from tinytracker.synthetic.near_eye.headset import Headset
from tinytracker.synthetic.near_eye.renderer import Renderer, State
from tinytracker.synthetic.near_eye.sensor import EventSensor, SensorSettings
from tinytracker.synthetic.near_eye.variation import Ways

MOST_MOTION_PX = 0.3
LONGEST_STEP_S, SACCADE_STEP_S = 0.010, 0.001
SACCADE_DEG_PER_S = 30.0
MOST_RENDERED_PX = 346
"""A sensor of more columns sees pictures that were rendered at half its size: its lens is no sharper."""
GAMMA = 0.7
CLOSED_BELOW = 0.1
"""A pupil of which less is visible counts as closed."""


@dataclass(frozen=True)
class Sitting:
    """Somebody with a headset on, moving their eye. slip_cm (n, 3) goes with the path's samples."""

    person: NearEye
    headset: Headset
    sensor: SensorSettings
    path: EyePath
    slip_cm: NDArray[np.float64]

    @classmethod
    def draw(cls, rng: np.random.Generator, sensor: str, seconds: float, ways: Ways) -> Sitting:
        """Somebody. Each part has random numbers of its own: one that is drawn in another way leaves the
        others as they are."""
        who, worn, camera, moving, slipping = rng.spawn(5)
        settings = SensorSettings.draw(sensor, camera, ways)
        person = NearEye.draw(who, ways)
        headset = Headset.draw(worn, settings.width_px, settings.height_px, ways)
        path = eye_path(moving, Habits.draw(moving), seconds, person.side)
        return cls(person, headset, settings, path, headset.slip_path_cm(slipping, len(path), SAMPLES_PER_S))

    def state(self, sample: int) -> State:
        """The eye at one of the path's samples."""
        path = self.path
        slip = self.slip_cm[sample]
        return State(
            yaw_deg=float(path.gaze_deg[sample, 0]),
            pitch_deg=float(path.gaze_deg[sample, 1]),
            lid_pitch_deg=float(path.lid_pitch_deg[sample]),
            blink=float(path.blink[sample]),
            pupil_radius_cm=float(path.pupil_radius_cm[sample]),
            slip_cm=(float(slip[0]), float(slip[1]), float(slip[2])),
        )


def record(
    name: str,
    sitting: Sitting,
    rng: np.random.Generator,
    label_hz: float,
    settings: dict[str, Any] | None = None,
    progress: Progress = no_progress,
) -> EventRecording:
    """The recording of a sitting. rng: the sensor's noise. progress: samples done and in all."""
    sensor = sitting.sensor
    scale = picture_scale(sitting)
    renderer = Renderer(sitting.person, sitting.headset, scale)
    camera = EventSensor(sensor, rng)
    for sample in frame_samples(sitting):
        light = renderer.frame(sitting.state(sample))
        if scale < 1:
            light = np.asarray(cv2.resize(light, (sensor.width_px, sensor.height_px)), np.float32)
        camera.see(light, 1e6 * sample / SAMPLES_PER_S)
        progress(sample, len(sitting.path))
    return EventRecording(
        name=name,
        person=name,
        sensor=sensor.name,
        events=camera.events(),
        labels=label(sitting, renderer, label_hz),
        settings=settings or {},
    )


def pictures(sitting: Sitting, each_us: int = 40_000) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """What a camera beside the events sees: (t_us, grey (H, W)), 25 a second, exposed for the skin."""
    renderer = Renderer(sitting.person, sitting.headset)
    white = 0.0
    for t_us in range(0, round(len(sitting.path) * 1e6 / SAMPLES_PER_S), each_us):
        light = renderer.frame(sitting.state(round(t_us * 1e-6 * SAMPLES_PER_S)))
        white = white or 1.2 * float(np.percentile(light, 95))
        yield t_us, (255 * np.clip(light / white, 0, 1) ** GAMMA).astype(np.uint8)


def picture_scale(sitting: Sitting) -> float:
    """How large pictures are rendered, of the sensor's size."""
    return 1.0 if sitting.sensor.width_px <= MOST_RENDERED_PX else 0.5


def frame_samples(sitting: Sitting) -> NDArray[np.int64]:
    """The samples of the path at which a picture is needed: wherever something in it has moved by
    MOST_MOTION_PX of its pixels, and at least every LONGEST_STEP_S, in saccades every SACCADE_STEP_S."""
    path, view = sitting.path, sitting.headset.view
    px_per_cm = picture_scale(sitting) * view.focal_px / sitting.headset.distance_cm
    gaze_deg = _steps(path.gaze_deg)
    lids_cm = 1.2 * np.radians(_steps(path.lid_pitch_deg[:, None])) + 1.2 * _steps(path.blink[:, None])
    moved_px = px_per_cm * (
        np.maximum(1.31 * np.radians(gaze_deg), lids_cm)
        + _steps(path.pupil_radius_cm[:, None])
        + 1.3 * _steps(sitting.slip_cm)
    )
    is_fast = gaze_deg * SAMPLES_PER_S > SACCADE_DEG_PER_S
    allowed_s = np.where(is_fast, SACCADE_STEP_S, LONGEST_STEP_S)
    # A picture is due when the shares of what is allowed, of motion or of time, add up to one.
    due = np.cumsum(np.maximum(moved_px / MOST_MOTION_PX, 1 / (SAMPLES_PER_S * allowed_s)))
    picked = np.flatnonzero(np.diff(np.floor(due), prepend=-1.0))
    return np.union1d(picked, [0, len(path) - 1])


def label(sitting: Sitting, renderer: Renderer, label_hz: float) -> Labels:
    """Exact labels, label_hz a second."""
    count = int(np.floor((len(sitting.path) - 1) / SAMPLES_PER_S * label_hz)) + 1
    samples = np.round(np.arange(count) * SAMPLES_PER_S / label_hz).astype(np.int64)
    truths = [renderer.truth(sitting.state(sample)) for sample in samples]
    axes = sitting.headset.view.axes * np.array([[1.0], [-1.0], [-1.0]])
    gaze = direction(*np.radians(sitting.path.gaze_deg[samples]).T) @ axes.T
    yaw, pitch = yaw_pitch(gaze)
    names = ("x_px", "y_px", "major_px", "minor_px", "angle_deg", "openness")
    return labels_of(
        np.round(samples * (1e6 / SAMPLES_PER_S)),
        **{name: [getattr(truth, name) for truth in truths] for name in names},
        closed=[truth.visible < CLOSED_BELOW for truth in truths],
        gaze_yaw_deg=np.degrees(yaw),
        gaze_pitch_deg=np.degrees(pitch),
    )


def _steps(path: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far a path (n, k) goes from each sample to the next: (n,), the first 0."""
    return np.concatenate([[0.0], np.linalg.norm(np.diff(path, axis=0), axis=1)])
