"""A small dataset on disk and a network whose answers are known, for evaluation and its command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from tinytracker.cards import InputSpec, ModelCard
from tinytracker.data.dataset import Dataset
from tinytracker.data.prepare import FORMAT_VERSION
from tinytracker.engines import model as engine_model
from tinytracker.engines.protocol import TensorSpec

PEOPLE = {"train": 3, "val": 1, "test": 4}
DOTS, SHOTS = 5, 2
FACE_PX, EYE_PX = 8, 6


@pytest.fixture
def dataset_folder(tmp_path: Path) -> Path:
    """Eight people, ten frames each. The face box's place says where they look: face_x_px = 300 + 10 *
    gaze_x_cm."""
    random = np.random.default_rng(11)
    folder = tmp_path / "people"
    recordings = {}
    for split, people in PEOPLE.items():
        for index in range(people):
            name = f"{split}{index}"
            recordings[name] = {"split": split, "frames": DOTS * SHOTS}
            _write_recording(folder / name, name, split, "phone" if index % 2 == 0 else "tablet", random)
    manifest = {"format": FORMAT_VERSION, "face_px": FACE_PX, "eye_px": EYE_PX, "recordings": recordings}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def _write_recording(folder: Path, name: str, split: str, kind: str, random: np.random.Generator) -> None:
    n = DOTS * SHOTS
    folder.mkdir(parents=True)
    for crop, side in (("face", FACE_PX), ("left_eye", EYE_PX), ("right_eye", EYE_PX)):
        np.save(folder / f"{crop}.npy", random.integers(0, 256, (n, side, side, 3), np.uint8))
    gaze = random.uniform(-8, 8, (DOTS, 2)).repeat(SHOTS, axis=0)
    columns: dict[str, np.ndarray] = {
        "recording": np.full(n, name),
        "person": np.full(n, name),
        "frame": np.arange(n),
        "split": np.full(n, split),
        "device": np.full(n, "iPhone 6" if kind == "phone" else "iPad Air"),
        "device_kind": np.full(n, kind),
        "orientation": np.where(np.arange(n) % 2, 1, 3),
        "frame_width_px": np.full(n, 640),
        "frame_height_px": np.full(n, 480),
        "face_x_px": 300 + 10 * gaze[:, 0],
        "face_y_px": 200 + 10 * gaze[:, 1],
        "face_w_px": np.full(n, 100.0),
        "face_h_px": np.full(n, 100.0),
        "gaze_x_cm": gaze[:, 0],
        "gaze_y_cm": gaze[:, 1],
        "truth_distance_cm": np.full(n, 40.0),
        "truth_left_openness": np.full(n, 0.35),
        "truth_right_openness": np.full(n, 0.35),
    }
    columns |= {f"grid_{part}": np.full(n, 5) for part in "xywh"}
    for landmark in ("left_inner", "left_outer", "right_inner", "right_outer", "left_centre", "right_centre"):
        for axis in "xy":
            columns[f"truth_{landmark}_{axis}_px"] = columns[f"face_{axis}_px"] + random.uniform(20, 80)
    parquet.write_table(pyarrow.table(columns), folder / "labels.parquet")


@pytest.fixture
def dataset(dataset_folder: Path) -> Dataset:
    return Dataset.open(dataset_folder)


class BoxReader:
    """An engine that reads the gaze off the face box and errs by a constant; see the dataset above."""

    name = "litert"
    inputs = (TensorSpec("face_box", (1, 4), "float32"),)
    batch = None

    def __init__(self, shift_cm: tuple[float, float], numbers: int) -> None:
        self.shift_cm = np.array(shift_cm)
        self.outputs = (TensorSpec("output", (1, numbers), "float32"),)

    def invoke(self, inputs):
        box = inputs[0]
        if self.outputs[0].shape[1] == 14:
            return [np.tile(np.array([0.0] * 12 + [0.35] * 2, np.float32), (len(box), 1))]
        x_px, y_px = (box[:, 0] + 1) / 2 * 640, (box[:, 1] + 1) / 2 * 480
        gaze_cm = np.stack([(x_px - 300) / 10, (y_px - 200) / 10], axis=1) + self.shift_cm
        return [(gaze_cm / 40).astype(np.float32)]


@pytest.fixture
def known_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """The names "near" (off by 1 cm to the right), "far" (off by 3, -4 cm) and "eyes" load as BoxReader."""
    shifts = {"near": (1.0, 0.0), "far": (3.0, -4.0), "eyes": (0.0, 0.0)}

    def load(name, engine=None, output_scale_cm=None):
        card = ModelCard(
            name, "test", (InputSpec("face_box", "face_box"),), output="eyes" if name == "eyes" else "gaze"
        )
        return engine_model.GazeModel(card, BoxReader(shifts[name], 14 if name == "eyes" else 2), name)

    monkeypatch.setattr(engine_model.GazeModel, "load", load)
