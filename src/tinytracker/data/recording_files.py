"""Where recordings in GazeCapture's format lie: folders, or the .tar.gz files that the dataset ships."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from pathlib import Path
from typing import Protocol

from tinytracker.damage import CUT_OFF, damage_of
from tinytracker.errors import RecordingError

ARCHIVE_SUFFIX = ".tar.gz"
LARGEST_FILE_BYTES, LARGEST_RECORDING_BYTES = 64 << 20, 2 << 30  # GazeCapture's recordings have 50 to 300 MB


class RecordingFiles(Protocol):
    """The files of one recording, wherever they lie."""

    name: str

    def read(self, path: str) -> bytes:
        """The bytes of a file such as "info.json" or "frames/00000.jpg"; raises OSError if there is no
        such file."""
        ...


class FolderFiles:
    """A recording that lies extracted in a folder."""

    def __init__(self, folder: Path) -> None:
        self.name = recording_name(folder)
        self._folder = folder

    def read(self, path: str) -> bytes:
        return (self._folder / path).read_bytes()


class ArchiveFiles:
    """A recording in a .tar.gz, streamed once into memory, still compressed as JPEG (some 50-300 MB): gzip
    has no random access, and the labels may come after the pictures.

    Raises RecordingError if the archive is broken, or holds more than recordings do.
    """

    def __init__(self, archive: Path) -> None:
        self.name = recording_name(archive)
        self._content: dict[str, bytes] = {}
        try:
            with gzip.open(archive) as unzipped, tarfile.open(fileobj=unzipped, mode="r|") as tar:
                for member in tar:
                    _refuse_bomb(archive, member.name, member.size, unzipped.tell())
                    if member.isfile() and (file := tar.extractfile(member)) is not None:
                        self._content[_inside(member.name)] = file.read()
                while unzipped.read(1 << 20):  # to the checksum at the very end
                    _refuse_bomb(archive, "its end", 0, unzipped.tell())
        except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
            why = CUT_OFF if isinstance(error, EOFError) else damage_of(archive, error)
            raise RecordingError(f"{archive} is not a whole .tar.gz: {why}; copy it again") from error

    def read(self, path: str) -> bytes:
        try:
            return self._content[path]
        except KeyError:
            raise FileNotFoundError(path) from None


def _refuse_bomb(archive: Path, name: str, size: int, read: int) -> None:
    """A few megabytes may unpack to as many gigabytes."""
    if size > LARGEST_FILE_BYTES or read > LARGEST_RECORDING_BYTES:
        raise RecordingError(
            f"{archive} unpacks to more than a recording has, at {name[:80]!r}; expected files of at most "
            f"{LARGEST_FILE_BYTES >> 20} MiB and {LARGEST_RECORDING_BYTES >> 30} GiB in all"
        )


def _inside(member: str) -> str:
    """A member's path inside its recording ("./00002/frames/00000.jpg" -> "frames/00000.jpg"), whatever
    the folder's name."""
    parts = [part for part in member.split("/") if part not in ("", ".")]
    return "/".join(parts if len(parts) < 2 or parts[0] == "frames" else parts[1:])


def recording_name(path: Path) -> str:
    """The name of the recording in a folder or .tar.gz; GazeCapture numbers people by it."""
    return path.resolve().name.removesuffix(ARCHIVE_SUFFIX)


def open_recording(path: Path) -> RecordingFiles:
    """The files of a recording's folder or .tar.gz."""
    return ArchiveFiles(path) if path.name.endswith(ARCHIVE_SUFFIX) else FolderFiles(path)


def find_recordings(root: Path) -> list[Path]:
    """All recordings under a folder (sub-folders and .tar.gz files, sorted by name), or the one that `root`
    itself is.

    Where a folder lies beside its archive, the folder is taken. Raises RecordingError if there is none.
    """
    if (
        (root.is_file() and root.name.endswith(ARCHIVE_SUFFIX))
        or (root / "frames").is_dir()
        or (root / "info.json").is_file()
    ):
        return [root]
    if not root.is_dir():
        what = "is neither a folder nor a .tar.gz" if root.exists() else "does not exist"
        raise RecordingError(
            f"{root} {what}; expected a folder of recordings: GazeCapture's, ours or of events"
        )
    found = {
        path.name.removesuffix(ARCHIVE_SUFFIX): path for path in sorted(root.glob(f"[!.]*{ARCHIVE_SUFFIX}"))
    }
    found |= {path.name: path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")}
    if not found:
        raise RecordingError(
            f"{root} holds no recordings; expected one folder or .tar.gz per recording, as GazeCapture has"
        )
    return [found[name] for name in sorted(found)]


def faces_in(root: Path) -> list[Path]:
    """The folders and .tar.gz files in a folder that are recordings of faces by what they hold, sorted."""
    inside = sorted(path for path in root.iterdir() if not path.name.startswith("."))
    return [
        path for path in inside if path.name.endswith(ARCHIVE_SUFFIX) or (path / "dotInfo.json").is_file()
    ]
