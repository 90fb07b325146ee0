"""Models and a dataset -> predictions and rows, for gaze networks and eye locators alike."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from tinytracker.data.dataset import Dataset
from tinytracker.engines.model import GazeModel
from tinytracker.errors import DatasetError, UsageError
from tinytracker.evaluation.landmarks import score_landmarks
from tinytracker.evaluation.scores import Frames, mean_over_training_people, score, score_mean
from tinytracker.files import sha256
from tinytracker.pool import run_on_dask
from tinytracker.progress import Progress, no_progress
from tinytracker.results import Row

CHUNK = 512  # samples a thread takes at a time


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What `evaluate` found.

    gaze_cm: per gaze network its predictions, float (n, 2), in the order of `frames`. rows: every figure of
    every model, and of always-the-mean if there are gaze networks.
    """

    frames: Frames
    gaze_cm: dict[str, np.ndarray]
    rows: list[Row]

    @property
    def has_landmarks(self) -> bool:
        """Whether there is an eye locator among the models."""
        return any(row.metric == "landmarks_median" for row in self.rows)


def evaluate(
    models: Sequence[str | Path],
    dataset: Dataset,
    split: str = "test",
    *,
    allow_train: bool = False,
    jobs: int = 1,
    dask_scheduler: str | None = None,
    persons: bool = True,
    progress: Progress = no_progress,
) -> Evaluation:
    """Runs models over one split and scores them.

    models: what GazeModel.load takes: released names, .tflite, .onnx or .safetensors files. jobs: threads,
    each with an engine of its own; dask_scheduler: address of a Dask scheduler whose workers see the same
    files, instead. The figures are the same. persons: rows for every person too.

    Raises UsageError for split "train" without allow_train, DatasetError if the split is empty, and what
    loading a model raises, before any work is done.
    """
    if split == "train" and not allow_train:
        raise UsageError(
            "errors on training people say nothing about others; measure on --split test, or add "
            "--allow-train if you mean it"
        )
    frames, indices = frames_of(dataset, split)
    names = unique_names(models)
    loaded = [GazeModel.load(model) for model in models]
    gaze_cm: dict[str, np.ndarray] = {}
    rows: list[Row] = []
    total = len(models) * len(indices)
    for number, (name, path, model) in enumerate(zip(names, models, loaded, strict=True)):

        def shifted(done: int, _: int, before: int = number * len(indices)) -> None:
            progress(before + done, total)

        if dask_scheduler:
            outputs = predict_on_dask(path, dataset, indices, dask_scheduler, shifted)
        else:
            outputs = predict(path, dataset, indices, jobs, shifted)
        if model.card.output == "gaze":
            gaze_cm[name] = outputs
            scored = score(name, model.engine.name, outputs, frames, persons)
        else:
            labels = {column: values[indices] for column, values in dataset.labels.items()}
            scored = score_landmarks(name, model.engine.name, dataset.name, split, outputs, labels)
        weights = Path(model.source)
        rows += [replace(row, model_sha256=sha256(weights) if weights.is_file() else "") for row in scored]
    if gaze_cm:
        rows += score_mean(frames)
    return Evaluation(frames, gaze_cm, rows)


def predict(
    model: str | Path, dataset: Dataset, indices: np.ndarray, jobs: int = 1, progress: Progress = no_progress
) -> np.ndarray:
    """What a model gives for samples of a dataset, float32 (n, 2) cm or (n, 14), on `jobs` threads with an
    engine each."""
    own = threading.local()
    done = 0
    lock = threading.Lock()

    def run(chunk: np.ndarray) -> np.ndarray:
        nonlocal done
        if not hasattr(own, "model"):
            own.model = GazeModel.load(model)
        outputs = own.model.predict_batch(dataset, chunk)
        with lock:
            done += len(chunk)
            progress(done, len(indices))
        return outputs

    with ThreadPoolExecutor(jobs) as pool:
        return np.concatenate(list(pool.map(run, _chunks(indices))))


def predict_on_dask(
    model: str | Path,
    dataset: Dataset,
    indices: np.ndarray,
    scheduler: str,
    progress: Progress = no_progress,
) -> np.ndarray:
    """`predict` by the workers of a Dask cluster, which see model and dataset by the same paths: the same
    bytes."""
    path = Path(model)
    place = str(path.resolve()) if path.exists() else str(model)  # workers have other working folders
    folders = tuple(folder.resolve() for folder in dataset.folders)
    tasks = [(place, folders, number, chunk) for number, chunk in enumerate(_chunks(indices))]
    outputs: list[np.ndarray] = [np.empty(0)] * len(tasks)
    done = 0
    for number, answers in run_on_dask(_predict_chunk, tasks, scheduler):
        outputs[number] = answers
        done += len(answers)
        progress(done, len(indices))
    return np.concatenate(outputs)


def _predict_chunk(
    model: str, folders: tuple[Path, ...], number: int, chunk: np.ndarray
) -> tuple[int, np.ndarray]:
    """What a worker does: its chunk's number and the answers."""
    loaded, dataset, one_at_a_time = _opened(model, folders)
    with one_at_a_time:
        return number, loaded.predict_batch(dataset, chunk)


@lru_cache(maxsize=2)
def _opened(model: str, folders: tuple[Path, ...]) -> tuple[GazeModel, Dataset, threading.Lock]:
    """Once per worker; a worker may have several threads, an engine takes one."""
    return GazeModel.load(model), Dataset.open(folders), threading.Lock()


def _chunks(indices: np.ndarray) -> list[np.ndarray]:
    return [indices[start : start + CHUNK] for start in range(0, len(indices), CHUNK)]


def frames_of(dataset: Dataset, split: str) -> tuple[Frames, np.ndarray]:
    """The frames of a split as scoring sees them, and their indices; raises DatasetError if there are none.

    Without training people in the dataset there is no mean to compare with, and shares of it are NaN.
    """
    indices = dataset.split(split)
    if not len(indices):
        there = ", ".join(sorted(set(dataset.labels["split"].tolist()))) or "none"
        raise DatasetError(
            f"{dataset.name} has no people in the split {split} (it has: {there}); choose one or prepare more"
        )
    labels = {name: column[indices] for name, column in dataset.labels.items()}
    learnt = dataset.split("train")
    frames = Frames(
        data=dataset.name,
        split=split,
        truth_cm=_gaze(labels),
        person=labels["person"],
        recording=labels["recording"],
        distance_cm=labels.get("truth_distance_cm", np.full(len(indices), np.nan)).astype(np.float64),
        mean_cm=mean_over_training_people(
            _gaze({name: dataset.labels[name][learnt] for name in ("gaze_x_cm", "gaze_y_cm")}),
            dataset.labels["person"][learnt],
        ),
        groups={
            name: labels[name] for name in ("device_kind", "orientation", "truth_heads") if name in labels
        },
    )
    return frames, indices


def unique_names(models: Sequence[str | Path]) -> list[str]:
    """What rows and tables call the models: the file's name without suffix, with more of the path where
    names clash."""
    paths = [Path(model) for model in models]
    # A released name has no suffix; foo.tflite and foo.onnx keep theirs to tell them apart.
    for attempt in (lambda path: path.stem, lambda path: path.name, str):
        names = [attempt(path) for path in paths]
        if len(set(names)) == len(names):
            return names
    raise UsageError(f"the same model is named twice: {', '.join(names)}")


def _gaze(labels: dict[str, np.ndarray]) -> np.ndarray:
    return np.stack([labels["gaze_x_cm"], labels["gaze_y_cm"]], axis=1).astype(np.float64)
