"""Networks of pupils and a dataset of event recordings -> rows: every recording from its beginning, an
estimate every few milliseconds, as a tracker would."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tinytracker.cards import InputSpec
from tinytracker.errors import DatasetError, UsageError
from tinytracker.events.dataset import SPLITS, EventDataset, Split
from tinytracker.events.windows import Window
from tinytracker.inputs import KINDS
from tinytracker.progress import Progress, no_progress
from tinytracker.results import Row
from tinytracker.retina.estimates import Estimates, estimates_of
from tinytracker.retina.model import PupilModel, refuse_unless_pupil
from tinytracker.retina.scores import Scene, mean_centre, score, score_mean
from tinytracker.retina.sequences import Track, tracks_of, window_of
from tinytracker.zoo import find

EVERY_US = 5_000


def evaluate_pupils(
    models: Sequence[str | Path],
    dataset: EventDataset,
    split: Split = "test",
    *,
    allow_train: bool = False,
    every_us: int = EVERY_US,
    progress: Progress = no_progress,
) -> list[Row]:
    """Rows of every model, then of always-the-mean.

    models: released names, .tflite, .onnx or .safetensors files. Raises UsageError for split "train" without
    allow_train, or a model of faces, DatasetError if the split is empty, and what loading a model raises.
    """
    if split == "train" and not allow_train:
        raise UsageError(
            "errors on training people say nothing about others; measure on --split test, or add "
            "--allow-train if you mean it"
        )
    if not dataset.names(split):
        there = ", ".join(one for one in SPLITS if dataset.names(one)) or "none"
        raise DatasetError(
            f"{dataset.folder} has no people in the split {split} (it has: {there}); choose one or prepare "
            f"more"
        )
    sees = [_window_of(model) for model in models]
    if len(set(sees)) > 1:
        raise UsageError("these networks see different windows of events; evaluate them one by one")
    scene = scene_of(dataset, split, window_of(sees[0]), every_us)
    rows: list[Row] = []
    for number, model in enumerate(models):

        def told(done: int, total: int, number: int = number) -> None:
            progress(number * total + done, len(models) * total)

        target, estimates = estimates_along(model, scene.tracks, told)
        rows += score(Path(model).stem, target, estimates, scene)
    return rows + score_mean(scene)


def scene_of(dataset: EventDataset, split: Split, window: Window, every_us: int = EVERY_US) -> Scene:
    """The windows of a split, and where the pupils of the training people (of these, if there are none) are
    on average."""
    tracks = tracks_of(dataset.recordings(split), window, every_us)
    learnt = tracks_of(dataset.recordings("train"), window, every_us) if dataset.names("train") else tracks
    return Scene(dataset.folder.name, split, tracks, mean_centre(learnt))


def estimates_along(
    model: str | Path, tracks: Sequence[Track], progress: Progress = no_progress
) -> tuple[str, list[Estimates]]:
    """What runs a model, and its estimates along every track from a fresh start."""
    weights = find(model)
    card = weights.require_card()
    estimates = []
    if card.output == "pupil_grid":
        from tinytracker.extras import need

        need("torch", "train")
        from tinytracker.models.checkpoint import load_network
        from tinytracker.retina.running import outputs_of_track

        network = load_network(weights.path)
        for done, track in enumerate(tracks, start=1):
            estimates.append(estimates_of(outputs_of_track(network, track), card.output))
            progress(done, len(tracks))
        return "torch", estimates
    loaded = PupilModel.load(model)
    for done, track in enumerate(tracks, start=1):
        loaded.forget()
        estimates.append(loaded.estimates(track.planes()))
        progress(done, len(tracks))
    return loaded.engine.name, estimates


def _window_of(model: str | Path) -> InputSpec:
    card = find(model).require_card()
    refuse_unless_pupil(card, str(model))
    return next(spec for spec in card.inputs if KINDS[spec.kind].planes)
