"""Reading a prepared dataset: crops memory-mapped, labels as numpy columns, people never in two splits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinytracker.damage import damage_of
from tinytracker.data.gazecapture import SPLITS
from tinytracker.data.store import EYE_BAND, FORMAT_VERSION, LABELS_FILE, MANIFEST_FILE, no_dataset
from tinytracker.errors import DatasetError, UsageError
from tinytracker.extras import need
from tinytracker.files import DAMAGE, read_json
from tinytracker.progress import Progress, no_progress

if TYPE_CHECKING:
    import pyarrow


class Dataset:
    """One or several prepared datasets, seen as one long list of samples.

    labels: numpy columns of equal length, one entry per sample (docs/design.md names them); columns that one
    of several datasets lacks are filled with NaN (numbers) or "" (words). face_px, eye_px: side of the stored
    crops. A person is known by name: the same name in two datasets is the same person. band_px: width of the
    stored eye bands, half as high; 0 where none are stored. folders: the datasets that
    `Dataset.open(folders)` opens again.

    >>> dataset = Dataset("nobody", 64, 32, [], {"split": np.array([], str)})
    >>> len(dataset), dataset.stored_px("left_eye"), dataset.split("test").tolist()
    (0, 32, [])
    """

    def __init__(
        self,
        name: str,
        face_px: int,
        eye_px: int,
        frames: list[tuple[Path, int]],
        labels: dict[str, np.ndarray],
        band_px: int = 0,
        folders: Sequence[Path] = (),
    ) -> None:
        """`Dataset.open` makes one. frames: each recording's folder and number of samples, in the order of
        `labels`. folders: what was opened."""
        self.name = name
        self.folders = tuple(folders)
        self.face_px = face_px
        self.eye_px = eye_px
        self.band_px = band_px
        self.labels = labels
        eye = (eye_px, eye_px, 3)
        self._shapes = {"face": (face_px, face_px, 3), "left_eye": eye, "right_eye": eye}
        if band_px:
            self._shapes[EYE_BAND] = (band_px // 2, band_px, 3)
        self._frames = frames
        for crop in self._shapes:
            for recording in range(len(frames)):
                self._map(recording, crop)  # broken files are told now
        self._starts = np.concatenate([[0], np.cumsum([n for _, n in frames])]).astype(np.int64)

    @classmethod
    def open(cls, paths: Path | Sequence[Path], progress: Progress = no_progress) -> Dataset:
        """Opens the dataset of a folder, or several as one. progress: told recordings read and all there are,
        some 5 ms each.

        Raises DatasetError if a folder is not a whole dataset, if they differ in crop size, if they share a
        recording, or if a person is in two splits.
        """
        paths = [paths] if isinstance(paths, Path) else list(paths)
        if not paths:
            raise UsageError("no dataset was given; expected at least one folder")
        manifests = [_manifest(path) for path in paths]
        sizes = {
            (manifest["face_px"], manifest["eye_px"], manifest.get("band_px", 0)) for manifest in manifests
        }
        if len(sizes) != 1:
            raise DatasetError(
                f"{', '.join(map(str, paths))} have crops of different sizes (face, eye, eye band): "
                f"{sorted(sizes)}"
            )
        face_px, eye_px, band_px = sizes.pop()
        frames = [
            (path / name, entry["frames"])
            for path, manifest in zip(paths, manifests, strict=True)
            for name, entry in manifest["recordings"].items()
        ]
        _refuse_same_recording_twice([folder for folder, _ in frames])
        tables = []
        for folder, count in frames:
            tables.append(_labels(folder, count))
            progress(len(tables), len(frames))
        labels = _join(tables)
        _refuse_person_in_two_splits(labels["person"], labels["split"])
        name = "+".join(path.resolve().name for path in paths)
        return cls(name, face_px, eye_px, frames, labels, band_px, paths)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def split(self, name: str) -> np.ndarray:
        """Indices of the samples of "train", "val" or "test", in order; raises UsageError for another
        name."""
        if name not in SPLITS:
            raise UsageError(f"there is no split {name!r}; expected one of {', '.join(SPLITS)}")
        return np.flatnonzero(self.labels["split"] == name)

    def pictures(self, kind: str, indices: np.ndarray) -> np.ndarray:
        """The crops of one of `inputs.PICTURES`, uint8 (n, height, width, 3) RGB; sizes as below.

        Raises DatasetError if none are stored of this kind.
        """
        if kind == EYE_BAND and not self.band_px:
            raise DatasetError(
                f"{self.name} holds no eye bands; prepare it into another folder with --band-px 256"
            )
        return self._gather(kind, indices)

    def stored_px(self, kind: str) -> int:
        """Width in pixels of the stored crops of one of `inputs.PICTURES`; 0 if none are stored."""
        return {"face": self.face_px, EYE_BAND: self.band_px}.get(kind, self.eye_px)

    def faces(self, indices: np.ndarray) -> np.ndarray:
        """The face crops of samples, uint8 (n, face_px, face_px, 3) RGB."""
        return self.pictures("face", indices)

    def left_eyes(self, indices: np.ndarray) -> np.ndarray:
        """The crops of the person's left eye, uint8 (n, eye_px, eye_px, 3) RGB."""
        return self.pictures("left_eye", indices)

    def right_eyes(self, indices: np.ndarray) -> np.ndarray:
        """The crops of the person's right eye, uint8 (n, eye_px, eye_px, 3) RGB."""
        return self.pictures("right_eye", indices)

    def eye_bands(self, indices: np.ndarray) -> np.ndarray:
        """The rectangles round both eyes (`faces.boxes.stored_eye_band`), uint8 (n, band_px / 2, band_px, 3)
        RGB.

        Raises DatasetError if none are stored.
        """
        return self.pictures(EYE_BAND, indices)

    def _gather(self, crop: str, indices: np.ndarray) -> np.ndarray:
        """Copies samples out of the memory maps, in the order of the files, to the places asked for.

        Raises IndexError if an index is outside the dataset.
        """
        indices = np.asarray(indices, np.int64).reshape(-1)
        if len(indices) and (indices.min() < 0 or indices.max() >= len(self)):
            raise IndexError(
                f"indices from {indices.min()} to {indices.max()} in a dataset of {len(self)} samples"
            )
        out = np.empty((len(indices), *self._shapes[crop]), np.uint8)
        order = np.argsort(indices, kind="stable")
        recordings = np.searchsorted(self._starts, indices[order], side="right") - 1
        rows = indices[order] - self._starts[recordings]
        mapped, pictures = -1, out
        # One copy per sample is as fast as anything: a sample is some 10 to 100 kB.
        for place, recording, row in zip(order.tolist(), recordings.tolist(), rows.tolist(), strict=True):
            if recording != mapped:
                mapped, pictures = recording, self._map(recording, crop)
            out[place] = pictures[row]
        return out

    def _map(self, recording: int, crop: str) -> np.ndarray:
        """A recording's crops. They are mapped for as long as they are read: of thousands of recordings
        not all can be open."""
        folder, count = self._frames[recording]
        return _map(folder, crop, (count, *self._shapes[crop]))


def _map(folder: Path, crop: str, shape: tuple[int, ...]) -> np.ndarray:
    """A memory-mapped file of crops, as a plain array: np.memmap's own indexing is slow."""
    try:
        array = np.load(folder / f"{crop}.npy", mmap_mode="r").view(np.ndarray)
    except DAMAGE as error:
        raise DatasetError(
            f"{folder}/{crop}.npy cannot be read ({damage_of(folder / f'{crop}.npy', error)}); remove "
            f"{folder} and prepare again"
        ) from error
    if array.shape != shape or array.dtype != np.uint8:
        raise DatasetError(
            f"{folder}/{crop}.npy is {array.dtype} {array.shape}, not uint8 {shape}; remove it and prepare "
            f"again"
        )
    return array


def _manifest(path: Path) -> dict[str, Any]:
    try:
        manifest = read_json(path / MANIFEST_FILE)
    except (OSError, ValueError) as error:
        raise no_dataset(path, error) from error
    if isinstance(manifest, dict) and "kind" in manifest:
        raise DatasetError(f"{path} is a dataset of {manifest['kind']}; expected one of frames of faces")
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT_VERSION:
        version = manifest.get("format") if isinstance(manifest, dict) else "none"
        raise DatasetError(f"{path} has format {version}; expected {FORMAT_VERSION}: prepare it again")
    if (fault := _manifest_fault(manifest)) is not None:
        raise DatasetError(f"{path / MANIFEST_FILE} is broken ({fault}); prepare it again")
    return manifest


def _manifest_fault(manifest: dict[str, Any]) -> str | None:
    """What a manifest lacks of what is read from it."""
    for key in ("face_px", "eye_px", "band_px"):
        px = manifest.get(key, 0 if key == "band_px" else None)
        if type(px) is not int or px < 0:
            return f"{key} is {px!r}, expected pixels"
    recordings = manifest.get("recordings")
    if not isinstance(recordings, dict) or not all(isinstance(entry, dict) for entry in recordings.values()):
        return "it has no table of recordings"
    for name, entry in recordings.items():
        if type(entry.get("frames")) is not int or entry["frames"] < 1:
            return f"recording {name} has {entry.get('frames')!r} frames"
        if Path(name).name != name:
            return f"recording {name!r} would lie outside"
    return None


def _labels(folder: Path, count: int) -> pyarrow.Table:
    """labels.parquet; raises DatasetError unless there are `count` rows."""
    need("pyarrow.parquet", "data")
    import pyarrow
    from pyarrow import parquet

    try:
        table = parquet.ParquetFile(folder / LABELS_FILE).read(use_threads=False)
    except (OSError, pyarrow.ArrowException) as error:
        raise DatasetError(
            f"{folder}/{LABELS_FILE} cannot be read ({damage_of(folder / LABELS_FILE, error)}); remove "
            f"{folder} and prepare again"
        ) from error
    if table.num_rows != count:
        raise DatasetError(
            f"{folder}/{LABELS_FILE} has {table.num_rows} rows for {count} samples; remove {folder} and "
            f"prepare again"
        )
    return table


def _join(tables: list[pyarrow.Table]) -> dict[str, np.ndarray]:
    """Columns end to end; where a table lacks a column, NaN or "". Raises DatasetError if a column holds
    words in one table and numbers in another."""
    import pyarrow

    try:
        joined = pyarrow.concat_tables(
            tables, promote_options="permissive"
        )  # first: an array of each small column would be slow
    except pyarrow.ArrowException as error:
        raise DatasetError(
            f"files {LABELS_FILE} contradict each other ({error}); prepare the dataset again"
        ) from error
    return {name: _array(column) for name, column in zip(joined.column_names, joined.columns, strict=True)}


def _array(column: pyarrow.ChunkedArray) -> np.ndarray:
    if column.type == "string":
        return column.fill_null("").to_numpy().astype(str)
    if column.type == "bool" and column.null_count:
        return column.cast("float64").to_numpy()
    return column.to_numpy()


def _refuse_same_recording_twice(folders: list[Path]) -> None:
    seen: dict[str, Path] = {}
    for folder in folders:
        if (other := seen.setdefault(folder.name, folder)) != folder:
            raise DatasetError(
                f"{other} and {folder} are the same recording by name; it would count twice, so give one of "
                f"them"
            )
    if len(seen) != len(folders):
        raise DatasetError("the same dataset was given twice; give it once")


def _refuse_person_in_two_splits(person: np.ndarray, split: np.ndarray) -> None:
    seen: dict[str, str] = {}
    for one, part in np.unique(np.stack([person, split]), axis=1).T:
        if seen.setdefault(one, part) != part:
            raise DatasetError(
                f"person {one} is both in {seen[one]} and in {part}; scores would not be person-disjoint"
            )
