"""Reading a prepared dataset: crops memory-mapped, labels as numpy columns, people never in two splits."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from tinytracker.data.gazecapture import SPLITS
from tinytracker.data.prepare import FORMAT_VERSION, LABELS_FILE, MANIFEST_FILE
from tinytracker.errors import DatasetError, MissingExtraError, UsageError


class Dataset:
    """One or several prepared datasets, seen as one long list of samples.

    labels: numpy columns of equal length, one entry per sample (docs/design.md names them); columns that one of several
    datasets lacks are filled with NaN (numbers) or "" (words). face_px, eye_px: side of the stored crops.
    """

    def __init__(self, name: str, face_px: int, eye_px: int, folders: list[Path], labels: dict[str, np.ndarray]) -> None:
        self.name = name
        self.face_px = face_px
        self.eye_px = eye_px
        self.labels = labels
        self._folders = folders
        counts = [len(_map(folder, "face")) for folder in folders]
        self._starts = np.concatenate([[0], np.cumsum(counts)])
        self._maps: dict[str, list[np.ndarray]] = {}

    @classmethod
    def open(cls, paths: Path | Sequence[Path]) -> Dataset:
        """Opens the dataset of a folder, or several as one.

        Raises DatasetError if a folder is not a whole dataset, if they differ in crop size, or if a person is in two splits.
        """
        paths = [paths] if isinstance(paths, Path) else list(paths)
        manifests = [_manifest(path) for path in paths]
        sizes = {(manifest["face_px"], manifest["eye_px"]) for manifest in manifests}
        if len(sizes) != 1:
            raise DatasetError(f"{', '.join(map(str, paths))} have crops of different sizes (face, eye): {sorted(sizes)}")
        folders = [path / name for path, manifest in zip(paths, manifests, strict=True) for name in manifest["recordings"]]
        labels = _join([_labels(folder) for folder in folders])
        _refuse_person_in_two_splits(labels["person"], labels["split"])
        return cls("+".join(path.name for path in paths), *sizes.pop(), folders, labels)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def split(self, name: str) -> np.ndarray:
        """Indices of the samples of "train", "val" or "test", in order; raises UsageError for another name."""
        if name not in SPLITS:
            raise UsageError(f"there is no split {name!r}; expected one of {', '.join(SPLITS)}")
        return np.flatnonzero(self.labels["split"] == name)

    def faces(self, indices: np.ndarray) -> np.ndarray:
        """The face crops of samples, uint8 (n, face_px, face_px, 3) RGB."""
        return self._gather("face", indices)

    def left_eyes(self, indices: np.ndarray) -> np.ndarray:
        """The crops of the person's left eye, uint8 (n, eye_px, eye_px, 3) RGB."""
        return self._gather("left_eye", indices)

    def right_eyes(self, indices: np.ndarray) -> np.ndarray:
        """The crops of the person's right eye, uint8 (n, eye_px, eye_px, 3) RGB."""
        return self._gather("right_eye", indices)

    def _gather(self, crop: str, indices: np.ndarray) -> np.ndarray:
        """Reads samples recording by recording, each memory map once, into the order asked for."""
        if crop not in self._maps:
            self._maps[crop] = [_map(folder, crop) for folder in self._folders]
        indices = np.asarray(indices)
        side = self.face_px if crop == "face" else self.eye_px
        out = np.empty((len(indices), side, side, 3), np.uint8)
        recordings = np.searchsorted(self._starts, indices, side="right") - 1
        order = np.argsort(indices, kind="stable")
        for places in np.split(order, np.flatnonzero(np.diff(recordings[order])) + 1):
            if len(places):
                recording = recordings[places[0]]
                out[places] = self._maps[crop][recording][indices[places] - self._starts[recording]]
        return out


def _map(folder: Path, crop: str) -> np.ndarray:
    try:
        return np.load(folder / f"{crop}.npy", mmap_mode="r")
    except (OSError, ValueError) as error:
        raise DatasetError(f"{folder}/{crop}.npy is missing or broken; remove the folder and prepare it again") from error


def _manifest(path: Path) -> dict:
    try:
        manifest = json.loads((path / MANIFEST_FILE).read_text())
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} is not a whole dataset; run `tinytracker prepare RECORDINGS {path}` to its end") from error
    if manifest.get("format") != FORMAT_VERSION:
        raise DatasetError(f"{path} has format {manifest.get('format')}; expected {FORMAT_VERSION}: prepare it again")
    return manifest


def _labels(folder: Path) -> dict[str, np.ndarray]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtraError("pyarrow", "data") from error
    try:
        table = parquet.read_table(folder / LABELS_FILE)
    except (OSError, pyarrow.ArrowException) as error:
        raise DatasetError(f"{folder}/{LABELS_FILE} is missing or broken; remove the folder and prepare it again") from error
    columns = {name: table[name].to_numpy() for name in table.column_names}
    return {name: column.astype(str) if column.dtype == object else column for name, column in columns.items()}


def _join(tables: Iterable[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Columns end to end; where a table lacks a column, NaN or ""."""
    tables = list(tables)
    kinds = {name: column.dtype.kind for table in tables for name, column in table.items()}

    def column(table: dict[str, np.ndarray], name: str) -> np.ndarray:
        length = len(table["frame"])
        return table.get(name, np.full(length, "" if kinds[name] == "U" else np.nan))

    return {name: np.concatenate([column(table, name) for table in tables]) for name in kinds}


def _refuse_person_in_two_splits(person: np.ndarray, split: np.ndarray) -> None:
    seen: dict[str, str] = {}
    for one, part in np.unique(np.stack([person, split]), axis=1).T:
        if seen.setdefault(one, part) != part:
            raise DatasetError(f"person {one} is both in {seen[one]} and in {part}; scores would not be person-disjoint")
