"""A tiny dataset in the real format, written by the data room's own code: noise faces whose brightness
tells the gaze."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tinytracker.data.dataset import Dataset


def labels(count: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The columns of labels.parquet that training reads, for `count` samples of three people, one per
    split."""
    columns: dict[str, np.ndarray] = {
        "recording": np.array(["r"] * count),
        "frame": np.arange(count),
        "person": np.array(["a"] * (count - 16) + ["b"] * 8 + ["c"] * 8),
        "split": np.array(["train"] * (count - 16) + ["val"] * 8 + ["test"] * 8),
        "device_kind": np.array(["phone"] * count),
        "frame_width_px": np.full(count, 480),
        "frame_height_px": np.full(count, 640),
        "gaze_x_cm": rng.uniform(-8, 8, count),
        "gaze_y_cm": rng.uniform(-8, 8, count),
        "truth_distance_cm": rng.uniform(25, 60, count),
        "truth_heads": np.array(["makehuman"] * count),
    }
    for name, values in zip("xywh", ((80, 160), (80, 200), (200, 260), (200, 260)), strict=True):
        columns[f"face_{name}_px"] = rng.uniform(*values, count)
    columns["face_h_px"] = columns["face_w_px"]
    for eye, place in (("left", 0.7), ("right", 0.3)):
        for axis in ("yaw", "pitch"):
            columns[f"truth_{eye}_gaze_{axis}_deg"] = rng.uniform(-20, 20, count)
        outward = 0.1 if eye == "left" else -0.1
        for point, shift in (("inner", -outward), ("outer", outward), ("centre", 0.02)):
            columns[f"truth_{eye}_{point}_x_px"] = (
                columns["face_x_px"] + (place + shift) * columns["face_w_px"]
            )
            columns[f"truth_{eye}_{point}_y_px"] = columns["face_y_px"] + 0.28 * columns["face_h_px"]
        side = 0.3 * columns["face_w_px"]
        columns[f"{eye}_eye_x_px"] = columns["face_x_px"] + place * columns["face_w_px"] - side / 2
        columns[f"{eye}_eye_y_px"] = columns["face_y_px"] + 0.28 * columns["face_h_px"] - side / 2
        columns[f"{eye}_eye_w_px"] = columns[f"{eye}_eye_h_px"] = side
        columns[f"truth_{eye}_openness"] = rng.uniform(0.15, 0.4, count)
    for axis in ("yaw", "pitch", "roll"):
        columns[f"truth_head_{axis}_deg"] = rng.uniform(-20, 20, count)
    return columns


def make_dataset(count: int = 64, *, truth: bool = True) -> Dataset:
    """A Dataset in memory. Crops are smooth noise with the gaze in their mean."""
    rng = np.random.default_rng(7)
    columns = labels(count, rng)
    if not truth:
        columns = {name: column for name, column in columns.items() if not name.startswith("truth_")}

    def crops(side: int, phase: float) -> np.ndarray:
        y, x = np.mgrid[:side, :side] / side
        level = (
            128
            + 6 * columns["gaze_x_cm"][:, None, None] * (x - 0.5)
            + 6 * columns["gaze_y_cm"][:, None, None] * (y - 0.5)
        )
        pictures = level + 20 * np.sin(9 * x + phase) + rng.normal(0, 4, (count, side, side))
        return np.repeat(pictures.clip(0, 255).astype(np.uint8)[..., None], 3, axis=3)

    dataset = Dataset("tiny", 64, 32, [], columns)
    stored = {"face": crops(64, 0.0), "left_eye": crops(32, 1.0), "right_eye": crops(32, 2.0)}
    dataset._gather = lambda crop, indices: stored[crop][indices]  # type: ignore[method-assign]
    return dataset


def add_eye_bands(dataset: Dataset, band_px: int = 128) -> Dataset:
    """The same dataset, as if prepared with --band-px: smooth noise with the gaze in its slopes, like the
    other crops."""
    labels, gather = dataset.labels, dataset._gather
    dataset.band_px = band_px
    width = np.round(labels["face_w_px"] * 1.25)
    labels["eye_band_w_px"], labels["eye_band_h_px"] = width, np.round(width / 2)
    labels["eye_band_x_px"] = labels["face_x_px"] + labels["face_w_px"] / 2 - width / 2
    labels["eye_band_y_px"] = labels["face_y_px"] + 0.28 * labels["face_w_px"] - labels["eye_band_h_px"] / 2
    y, x = np.mgrid[: band_px // 2, :band_px] / band_px
    slopes = 9 * labels["gaze_x_cm"][:, None, None] * (x - 0.5) + 18 * labels["gaze_y_cm"][:, None, None] * (
        y - 0.25
    )
    noise = np.random.default_rng(11).normal(0, 4, slopes.shape)
    bands = np.repeat(
        (128 + slopes + 20 * np.sin(15 * x) + noise).clip(0, 255).astype(np.uint8)[..., None], 3, axis=3
    )
    dataset._gather = lambda crop, indices: bands[indices] if crop == "eye_band" else gather(crop, indices)  # type: ignore[method-assign]
    return dataset


def write_dataset(folder: Path) -> None:
    """The tiny dataset on disk, for other processes, in the format of tinytracker.data.prepare."""
    import json

    import pyarrow
    from pyarrow import parquet

    from tinytracker.data.prepare import FORMAT_VERSION, LABELS_FILE, MANIFEST_FILE

    dataset = make_dataset()
    recording = folder / "r"
    recording.mkdir(parents=True)
    every = np.arange(64)
    for name, read in (
        ("face", dataset.faces),
        ("left_eye", dataset.left_eyes),
        ("right_eye", dataset.right_eyes),
    ):
        np.save(recording / f"{name}.npy", read(every))
    parquet.write_table(pyarrow.table(dict(dataset.labels)), recording / LABELS_FILE)
    manifest = {
        "format": FORMAT_VERSION,
        "face_px": 64,
        "eye_px": 32,
        "frames": 64,
        "recordings": {"r": {"frames": 64}},
    }
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest))
