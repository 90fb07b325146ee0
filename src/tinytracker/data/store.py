"""A dataset on disk: names of its files, and writing them so that nothing half-written is ever taken for
whole.

DATASET/options.json says what it was begun with, DATASET/manifest.json, written last, what came of it. Each
recording has a folder: face.npy, left_eye.npy, right_eye.npy, eye_band.npy if asked for, labels.parquet,
outcome.json (docs/design.md has the columns).
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from tinytracker.errors import DatasetError, OutputError
from tinytracker.extras import need
from tinytracker.files import differing, locked, make_folder, read_json, umask, write_text

FORMAT_VERSION = 1
OPTIONS_FILE, MANIFEST_FILE, OUTCOME_FILE, LABELS_FILE = (
    "options.json",
    "manifest.json",
    "outcome.json",
    "labels.parquet",
)
CROPS = ("face", "left_eye", "right_eye")
EYE_BAND = "eye_band"  # stored only if asked for
LOCK_FILE = ".lock"
_PARTIAL_SUFFIX = ".partial"
Outcome = TypeVar("Outcome")


@contextmanager
def being_prepared(dataset: Path, options: dict[str, Any]) -> Iterator[None]:
    """Begins a dataset, or goes on with it (`begin`), and keeps other runs on this machine away from it
    meanwhile.

    Raises DatasetError if another run is at work on it.
    """
    if dataset.exists() and not dataset.is_dir():
        raise DatasetError(f"{dataset} is a file; expected a folder, or a name for a new one")
    was_there = dataset.exists()
    make_folder(dataset)
    try:
        in_use = DatasetError(
            f"another run is preparing {dataset} at this moment; wait for it, or choose another folder"
        )
        with locked(dataset / LOCK_FILE, in_use):
            begin(dataset, options)
            yield
    finally:
        if not was_there:
            with suppress(OSError):  # nothing came of it
                (dataset / LOCK_FILE).unlink(missing_ok=True)
                dataset.rmdir()


def no_dataset(folder: Path, error: Exception) -> DatasetError:
    """What to raise of a folder whose manifest.json could not be read, and why."""
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        return DatasetError(
            f"{folder} {what}; expected a dataset's folder, as `tinytracker prepare` makes one"
        )
    if not (folder / MANIFEST_FILE).exists() and not (folder / OPTIONS_FILE).exists():
        return DatasetError(
            f"{folder} is no dataset, for it holds no {MANIFEST_FILE}; if it holds recordings, `tinytracker "
            f"prepare {folder} DATASET` makes one"
        )
    why = "" if isinstance(error, FileNotFoundError) else f" ({MANIFEST_FILE}: {error})"
    return DatasetError(
        f"{folder} is not a whole dataset{why}; run `tinytracker prepare RECORDINGS {folder}` to its end"
    )


def begin(dataset: Path, options: dict[str, Any]) -> None:
    """Makes the folder, or checks that it was begun with the same options; clears what a killed run left
    behind.

    Raises DatasetError if it was not, or is no dataset, OutputError if it cannot be made.
    """
    path, content = dataset / OPTIONS_FILE, {"format": FORMAT_VERSION, **options}
    if dataset.exists() and not dataset.is_dir():
        raise DatasetError(f"{dataset} is a file; expected a folder, or a name for a new one")
    if path.exists():
        try:
            begun = read_json(path)
        except (OSError, ValueError) as error:
            raise DatasetError(f"{path} is broken ({error}); choose another folder") from error
        if begun != content:
            raise DatasetError(
                f"{dataset} was begun with {differing(begun, content)}; choose another folder, or the same "
                f"options"
            )
    elif dataset.exists() and any(entry.name != LOCK_FILE for entry in dataset.iterdir()):
        raise DatasetError(f"{dataset} is not empty and no dataset; choose another folder")
    else:
        write_text(path, json.dumps(content) + "\n")
    for partial in dataset.glob(f".*{_PARTIAL_SUFFIX}"):
        shutil.rmtree(partial, ignore_errors=True)


def unmake(dataset: Path) -> None:
    """Takes back that a dataset was begun in which there is nothing; `being_prepared` removes the folder."""
    (dataset / OPTIONS_FILE).unlink(missing_ok=True)


@contextmanager
def written_whole(folder: Path) -> Iterator[Path]:
    """Yields a folder aside that takes the place of `folder` on a clean exit; a rival who was faster wrote
    the same."""
    try:
        aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=_PARTIAL_SUFFIX, dir=folder.parent))
        aside.chmod(0o777 & ~umask())
        try:
            yield aside
            if not folder.exists():
                with suppress(FileExistsError):
                    _rename(aside, folder)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    except OSError as error:
        raise OutputError(
            f"cannot write {folder}: {error.strerror or error}; choose another place"
        ) from error


def _rename(aside: Path, folder: Path) -> None:
    """Raises FileExistsError if `folder` is there (a folder that is not empty gives another error on
    Linux)."""
    try:
        os.rename(aside, folder)
    except OSError as error:
        if error.errno == errno.ENOTEMPTY:
            raise FileExistsError(folder) from error
        raise


def known_outcome(kind: Callable[..., Outcome], folder: Path, source: Path, checksum: str) -> Outcome | None:
    """The outcome of a recording that an earlier run finished in `folder`; None if none has.

    source, checksum: what it is read from, and what tells that from another of the same name. Raises
    DatasetError if it was another, or the outcome cannot be read.
    """
    try:
        content = read_json(folder / OUTCOME_FILE)
        outcome, known = kind(**content), content["source"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DatasetError(f"{folder} is broken ({error}); remove that folder and prepare again") from error
    if known != checksum:
        raise DatasetError(
            f"{folder} was prepared from another recording than {source}; give each set its own dataset "
            f"folder"
        )
    return outcome


def write_outcome(folder: Path, outcome: Any) -> None:
    """Writes a dataclass that says what became of a recording into its folder."""
    (folder / OUTCOME_FILE).write_text(json.dumps(asdict(outcome), indent=1) + "\n")


def write_labels(path: Path, rows: list[dict[str, Any]]) -> None:
    """labels.parquet; each column has one type in every recording (see docs/design.md)."""
    need("pyarrow.parquet", "data")
    import pyarrow
    from pyarrow import parquet

    types = {str: pyarrow.string(), bool: pyarrow.bool_(), float: pyarrow.float64(), int: pyarrow.int32()}
    columns = {
        key: pyarrow.array([row[key] for row in rows], types[type(value)]) for key, value in rows[0].items()
    }
    parquet.write_table(pyarrow.table(columns), path)


class GrowingArray:
    """An .npy file of pictures, uint8 (n, height_px, width_px, 3), written one by one: a recording may
    have thousands."""

    def __init__(self, path: Path, height_px: int, width_px: int) -> None:
        self.height_px, self.width_px = height_px, width_px
        self._count = 0
        self._file = path.open("wb")
        self._write_header()

    def append(self, image: np.ndarray) -> None:
        self._file.write(np.ascontiguousarray(image).data)
        self._count += 1

    def close(self) -> None:
        """Puts the count into the header, which NumPy's format leaves room for."""
        end_of_header = self._file.seek(0)
        self._write_header()
        self._file.close()
        assert end_of_header == 0

    def _write_header(self) -> None:
        shape = (self._count, self.height_px, self.width_px, 3)
        header = {
            "descr": np.lib.format.dtype_to_descr(np.dtype(np.uint8)),
            "fortran_order": False,
            "shape": shape,
        }
        np.lib.format.write_array_header_1_0(self._file, header)
