"""Distillation: what a trained network says about the training samples, computed once.

The teacher sees each sample plain and mirrored; what it says holds for every augmentation of it, for those
change neither the person nor the gaze.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from tinytracker.data.dataset import Dataset
from tinytracker.errors import UsageError
from tinytracker.models.weights import load_weights
from tinytracker.progress import Progress, no_progress
from tinytracker.training.batches import Batch, BatchMaker
from tinytracker.training.recipe import Recipe
from tinytracker.training.samples import load_samples

BATCH = 250


@dataclass(frozen=True, slots=True)
class Lessons:
    """A teacher's answers. gaze_cm: float32 (2, n, 2); embedding: float16 (2, n, features), each feature with
    mean 0 and standard deviation 1. First index: plain, mirrored."""

    gaze_cm: np.ndarray
    embedding: np.ndarray

    def of(self, batch: Batch) -> tuple[np.ndarray, np.ndarray]:
        """(gaze_cm (n, 2), embedding (n, features)) for a batch, float32."""
        embedding = self.embedding[batch.mirrored.astype(int), batch.places]
        return batch.gaze_of(self.gaze_cm), embedding.astype(np.float32)


def ask_teacher(
    checkpoint: str | Path,
    dataset: Dataset,
    recipe: Recipe,
    device: torch.device,
    progress: Progress = no_progress,
) -> Lessons:
    """Runs a teacher over the samples that `recipe` trains on. Raises UsageError if it is no gaze network."""
    network = load_weights(checkpoint).to(device)
    if network.spec.output != "gaze":
        what = network.spec.family.replace("_", " ")
        raise UsageError(f"{checkpoint} is no gaze network but of family {what}; a teacher must say gaze")
    samples = load_samples(dataset, "train", network.spec, margin=False, min_openness=recipe.min_openness)
    maker = BatchMaker(samples, network.spec, Recipe(name="teacher", model=""), seed=0)
    gaze, embedding = [], []
    starts = range(0, len(samples), BATCH)
    with torch.inference_mode():
        for mirror in (False, True):
            for start in starts:
                places = np.arange(start, min(start + BATCH, len(samples)))
                z = network.embed(*maker.plain(places, mirror).inputs(network.spec, device))
                gaze.append((network.head(z) * network.spec.output_scale_cm).cpu().numpy())
                # A map is too much to remember: its channels' means stand for it.
                embedding.append((z.mean((2, 3)) if z.ndim == 4 else z).cpu().numpy().astype(np.float16))
                progress(len(gaze), 2 * len(starts))
    features = np.concatenate(embedding).astype(np.float32)
    features = (features - features.mean(0)) / (features.std(0) + 1e-3)
    count = len(samples)
    return Lessons(
        np.concatenate(gaze).reshape(2, count, 2), features.astype(np.float16).reshape(2, count, -1)
    )
