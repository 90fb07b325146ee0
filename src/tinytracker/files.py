"""Writing that leaves nothing half-written: write aside in the same folder, then rename.

What is no regular file (a device, a FIFO, /dev/stdout) is written straight, links are followed, and what a
killed run left aside is cleared by the next one that writes the same file (`written_aside`) or kept
(`kept_aside`): whoever writes holds a lock on what it writes.
"""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import json
import logging
import os
import re
import stat
import sys
import tempfile
import time
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinytracker.damage import CUT_OFF, EMPTY, is_cut_json
from tinytracker.errors import InputError, OutputError, UsageError

try:
    import fcntl
except ImportError:  # Windows: nothing is locked, and nothing stale is cleared
    fcntl = None  # type: ignore[assignment]

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
STANDARD_STREAM = "-"  # what other programs take for standard output
STALE_AFTER_S = 10.0
USUAL = "as usual"  # of an option that is noted only where it is not
LARGEST_JSON_BYTES = 64 << 20
DAMAGE = (
    *(OSError, EOFError, ValueError, KeyError, TypeError, SyntaxError, MemoryError, OverflowError),
    *(NotImplementedError, RuntimeError, tokenize.TokenError, zipfile.BadZipFile, zlib.error),
)
"""What NumPy and zipfile raise of damaged .npy, .npz and .zip files, whose heads may promise anything (a
method that nobody knows, a password)."""
_log = logging.getLogger(__name__)
_LONGEST_NAME_KEPT = 120  # bytes of a file's name in that of its aside: 255 are allowed, with what is added


def make_folder(folder: Path) -> None:
    """Makes a folder and those above it, unless they are there; raises OutputError if that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"cannot make the folder {folder}: {error.strerror}; choose another place"
        ) from error


def refuse_no_folder(folder: Path) -> None:
    """Raises OutputError, before long work, unless `folder` is a folder to write in or could be made; makes
    nothing."""
    there = folder
    try:
        while not os.path.lexists(there) and there != there.parent:
            there = there.parent
        if not there.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, f"{there} is no folder")
        if not os.access(there, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise OutputError(
            f"cannot write into the folder {folder}: {error.strerror}; choose another place"
        ) from error


def refuse_missing(path: Path, expected: str) -> None:
    """Raises InputError unless `path` is a file, or something else that is read like one and ends; expected:
    what it should hold."""
    if path.is_dir():
        raise InputError(f"{path} is a folder; expected {expected}")
    if path.is_char_device():
        raise InputError(f"{path} is a device; expected {expected}")
    if not path.exists():
        raise InputError(f"{path} does not exist; expected {expected}")


def refuse_overlap(outputs: Sequence[Path | None], inputs: Sequence[Path | str | None] = ()) -> None:
    """Raises UsageError, before long work, where two outputs share a file, whatever they call it, or one is
    an input, which would be overwritten; None: none was given."""
    written: set[Path] = set()
    for path in filter(None, outputs):
        if any(_is_same_file(path, read) for read in inputs if read):
            raise UsageError(f"{path} is read from, and would be overwritten; give the output another name")
        if (place := Path(os.path.realpath(path))) in written:
            raise UsageError(f"{path} is given for two outputs; give each its own file")
        written.add(place)


def _is_same_file(path: Path, other: Path | str) -> bool:
    try:
        return path.samefile(other)
    except (OSError, ValueError):  # one of them does not exist, or cannot
        return False


def refuse_unwritable(path: Path) -> None:
    """Raises OutputError, before long work, if the file `path` could not be written after it."""
    try:
        target = _target(path)
        if target.is_written_straight:
            if not os.access(target.path, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            return
        target.path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=target.path.parent):
            pass
    except OSError as error:
        raise _output_error(path, error) from error


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Yields a path beside `path` to write to; on a clean exit it takes `path`'s place, else it is removed.

    Of what is no regular file, yields the path itself. Raises OutputError if it is a folder or cannot be
    written, and where the disk is full on the way.
    """
    try:
        target = _target(path)
        if not target.is_written_straight:
            target.path.parent.mkdir(parents=True, exist_ok=True)
            _clear_stale(target.path)
            handle, name = tempfile.mkstemp(
                prefix=_prefix(target.path), suffix=target.path.suffix, dir=target.path.parent
            )
    except OSError as error:
        raise _output_error(path, error) from error
    if target.is_written_straight:
        with _told(path):
            yield target.path
        return
    aside = Path(name)
    try:
        lock(handle)
        with _told(path, aside):
            yield aside
            _take_place(aside, target.path)
    finally:
        os.close(handle)
        aside.unlink(missing_ok=True)


@contextmanager
def kept_aside(path: Path) -> Iterator[Path]:
    """As `written_aside`, for what grows row by row: what is aside is called NAME.partial, and is not lost.

    It stays there when the block ends by an error or the process is killed. One that a killed run left is
    kept as NAME.partial-1, -2, ... Raises OutputError if another run is writing it.
    """
    target = _target_or_refuse(path)
    if target.is_written_straight:
        with _told(path):
            yield target.path
        return
    aside = partial_of(target.path)
    try:
        target.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(aside, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise _output_error(path, error) from error
    try:
        if not lock(handle):
            raise OutputError(
                f"another run is writing {path} at this moment; wait for it, or choose another name"
            )
        if os.fstat(handle).st_size:
            os.close(handle)
            _log.warning("%s is left of a run that was killed; it is kept as %s", aside, _keep(aside))
            handle = os.open(aside, os.O_RDWR | os.O_CREAT, 0o666)
            lock(handle)
        with _told(path, aside):
            yield aside
            _take_place(aside, target.path)
    finally:
        if os.fstat(handle).st_size == 0:
            with suppress(OSError):
                aside.unlink(missing_ok=True)
        os.close(handle)


def is_written_straight(path: Path) -> bool:
    """Whether a path is no regular file to be replaced; raises OutputError for a folder or an impossible
    name."""
    return _target_or_refuse(path).is_written_straight


def partial_of(path: Path) -> Path:
    """Where `kept_aside` writes what is to become `path`."""
    return path.with_name(f"{_short(path.name)}.partial")


def write_bytes(path: Path, content: bytes) -> None:
    """Writes `content` to `path` whole or not at all."""
    with written_aside(path) as aside:
        aside.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Writes `content` to `path` as UTF-8, whole or not at all."""
    write_bytes(path, content.encode())


def read_json(path: Path) -> Any:
    """What a small JSON file holds.

    Raises OSError if it cannot be read, ValueError if it is no regular file (a FIFO would wait for ever, a
    device never end), larger than LARGEST_JSON_BYTES, not UTF-8, not JSON, or nested too deeply.
    """
    return parse_json(read_small(path, LARGEST_JSON_BYTES))


def read_small(path: Path, most_bytes: int) -> bytes:
    """The bytes of a regular file; raises OSError if it cannot be read, ValueError if it is none (a FIFO
    would wait for ever, a device never end) or larger than most_bytes."""
    if path.exists() and not path.is_file():
        raise ValueError("it is no regular file")
    with path.open("rb") as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise ValueError(f"it is larger than {most_bytes:,} bytes")
    return content


def read_grown_csv(path: Path) -> list[list[str]]:
    """The lines of a CSV file that grew row by row, the first being its header.

    A last line without an end is left out, as its last number may be cut: a killed run leaves such. Raises
    OSError if it cannot be read, ValueError if it is not UTF-8 or not CSV.
    """
    text = path.read_bytes().decode("utf-8-sig")  # with the mark that spreadsheets put first, or without
    whole = text[: max(text.rfind("\n"), text.rfind("\r")) + 1]
    if whole != text:
        _log.warning("the last line of %s is not finished, and left out", path)
    try:
        return [line for line in csv.reader(io.StringIO(whole, newline="")) if line]
    except csv.Error as error:
        raise ValueError(str(error)) from error


_MANY_DIGITS = re.compile(r"\d{300}")


def _whole(digits: str) -> int:
    number = int(digits)
    if abs(number) > sys.float_info.max:
        raise ValueError(f"it has a number of {len(digits)} digits")
    return number


def parse_json(content: str | bytes, *, any_whole: bool = False) -> Any:
    """What JSON says; raises ValueError for what is no JSON, nested too deeply, has half a character in its
    words, or a whole number that no float holds (with any_whole the caller looks at those, value by value).

    Half a character ("\\ud800") is allowed by JSON, but no file, table or terminal takes it. So are whole
    numbers of any length, at which arithmetic fails in ways of its own.
    """
    text = content if isinstance(content, str) else content.decode(json.detect_encoding(content))
    if not text.strip():
        raise ValueError(EMPTY)
    try:
        parsed = json.loads(text, parse_int=None if any_whole or not _MANY_DIGITS.search(text) else _whole)
        if "\\ud" in text.lower():
            json.dumps(parsed, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        if is_cut_json(text, error):
            raise ValueError(f"{CUT_OFF} in line {error.lineno}") from error
        raise
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except UnicodeEncodeError as error:
        raise ValueError("it has half a character (a lone surrogate) in its words") from error
    return parsed


def differing(begun: Any, content: dict[str, Any]) -> str:
    """What a job was begun with that is another now, in words.

    >>> differing({"seed": 0, "frames": 4}, {"seed": 0, "frames": 2})
    'frames 4, not 2'
    """
    if not isinstance(begun, dict):
        return f"{begun!r}, not {content}"
    named = [key for key in begun | content if begun.get(key, USUAL) != content.get(key, USUAL)]
    return ", ".join(
        f"{key} {_plain(begun.get(key, USUAL))}, not {_plain(content.get(key, USUAL))}" for key in named
    )


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return " and ".join(map(str, value)) or "none"
    return "none" if value in (None, "") else str(value)


def begin_with(path: Path, content: dict[str, Any], instead: str) -> None:
    """Notes what a resumable job was begun with in a JSON file, or checks that it was begun with the same.

    instead: what to choose where it was not, such as "another folder". Raises OutputError.
    """
    content = json.loads(json.dumps(content))  # as it is read again: tuples are lists
    if not path.exists():
        write_text(path, json.dumps(content) + "\n")
        return
    try:
        begun = read_json(path)
    except (OSError, ValueError) as error:
        raise OutputError(f"{path} cannot be read: {error}; choose {instead}") from error
    if begun != content:
        raise OutputError(
            f"{path.parent} was begun with {differing(begun, content)}; choose {instead}, or the same options"
        )


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def lock(handle: int) -> bool:
    """Takes the lock on an open file, kept until it is closed or the process ends; False if another process
    has it.

    Where the file system knows no locks, everybody gets them.
    """
    if fcntl is None:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


@contextmanager
def locked(path: Path, refused: Exception) -> Iterator[None]:
    """Holds the lock on a file made for it, so that two runs do not write to one place; raises `refused` if
    it is held.

    Raises OutputError if the file cannot be made.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise _output_error(path, error) from error
    try:
        if not lock(handle):
            raise refused
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
    finally:
        os.close(handle)


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a path leads. is_written_straight: it must not be replaced, as devices, FIFOs and what is open
    elsewhere."""

    path: Path
    is_written_straight: bool


def _target(path: Path) -> _Target:
    """Raises OutputError for a folder or "-", OSError for what cannot be a name."""
    if str(path) == STANDARD_STREAM:
        raise OutputError("- names no file; expected the name of one, or /dev/stdout for standard output")
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and stat.S_ISDIR(mode):
        raise OutputError(f"{path} is a folder; expected the name of a file to write")
    place = Path(os.path.abspath(path))
    # /dev/stdout may be a regular file that the shell holds open: replaced, what it holds would be gone.
    of_system = place.is_relative_to("/proc") or (
        place.is_relative_to("/dev") and not place.is_relative_to("/dev/shm")
    )
    if mode is not None and (of_system or not stat.S_ISREG(mode)):
        return _Target(path, is_written_straight=True)
    return _Target(Path(os.path.realpath(path)) if path.is_symlink() else path, is_written_straight=False)


def _target_or_refuse(path: Path) -> _Target:
    try:
        return _target(path)
    except OSError as error:
        raise _output_error(path, error) from error


@contextmanager
def _told(path: Path, *names: Path) -> Iterator[None]:
    """Makes an OutputError of a full disk, and of whatever else befalls `path` and `names`; other OSErrors
    pass."""
    try:
        yield
    except OSError as error:
        if error.errno in DISK_FULL or error.filename in map(str, (path, *names)):
            raise _output_error(path, error) from error
        raise


def _take_place(aside: Path, path: Path) -> None:
    # What mkstemp makes is private; a result should be as readable as any other file of the user's.
    aside.chmod(0o666 & ~umask())
    os.replace(aside, path)


def _keep(partial: Path) -> Path:
    """Renames what a killed run left to the first free name, and says which."""
    number = 1
    while (kept := partial.with_name(f"{partial.name}-{number}")).exists():
        number += 1
    os.rename(partial, kept)
    return kept


def _short(name: str) -> str:
    whole = os.fsencode(name)  # a name of another encoding is one too
    end = min(len(whole), _LONGEST_NAME_KEPT)
    while end < len(whole) and whole[end] & 0xC0 == 0x80:  # not in the middle of a character
        end -= 1
    return os.fsdecode(whole[:end])


def _prefix(target: Path) -> str:
    """How the names of a file's asides begin."""
    return f".{_short(target.name)}.aside-"


def _clear_stale(target: Path) -> None:
    """Removes what killed runs left aside: it has not grown for a while, and nobody holds its lock."""
    prefix = _prefix(target)
    if fcntl is None:
        return
    with suppress(OSError), os.scandir(target.parent) as entries:
        for entry in [entry for entry in entries if entry.name.startswith(prefix)]:
            with suppress(OSError), open(entry.path, "rb") as stale:
                if time.time() - entry.stat().st_mtime > STALE_AFTER_S and lock(stale.fileno()):
                    os.unlink(entry.path)


def umask() -> int:
    """What new files of this process are not allowed."""
    now = os.umask(0)
    os.umask(now)
    return now


def _output_error(path: Path, error: OSError) -> OutputError:
    return OutputError(f"cannot write {path}: {error.strerror or error}; choose another place")
