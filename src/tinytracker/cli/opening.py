"""Opening a dataset, with a progress bar for the large ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tinytracker.cli.progress import progress_bar
from tinytracker.errors import UsageError

if TYPE_CHECKING:
    from tinytracker.data.dataset import Dataset
    from tinytracker.events.dataset import EventDataset

SHOWN_FROM = 500  # recordings; fewer take a second or two


def open_dataset(paths: Path | Sequence[Path]) -> Dataset:
    """`Dataset.open` for a person who waits."""
    from tinytracker.data.dataset import Dataset

    with progress_bar("Opening the dataset") as update:
        return Dataset.open(paths, lambda done, total: update(done, total) if total >= SHOWN_FROM else None)


def open_event_dataset(paths: Sequence[Path]) -> EventDataset:
    """The one dataset of event recordings that is named; raises UsageError for several."""
    from tinytracker.events.dataset import EventDataset

    if len(paths) > 1:
        raise UsageError("datasets of event recordings are not joined; prepare their recordings together")
    return EventDataset.open(paths[0])
