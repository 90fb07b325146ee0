"""Keeps what libraries print, warn and log, and what native ones write to standard error, out of the
user's terminal."""

from __future__ import annotations

import io
import logging
import os
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import BinaryIO

_log = logging.getLogger(__name__)
_lock = threading.RLock()


@dataclass(slots=True)
class Heard:
    """What was written to standard error inside a `quiet_stderr` block, once the block has ended."""

    text: str = ""


@contextmanager
def quiet_stderr() -> Iterator[Heard]:
    """Sends file descriptor 2 into the debug log for a while; Python's own sys.stderr (progress bars) stays
    visible.

    LiteRT, XLA and absl announce themselves there ("Created TensorFlow Lite XNNPACK delegate") and take no
    other word for it; libjpeg says there, and nowhere else, that a picture is damaged: hence what is yielded.
    """
    heard = Heard()
    with _lock:
        try:
            saved = os.dup(2)
        except OSError:  # there is no standard error: what is written to it is caught all the same
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            saved = os.dup(2)
        sys_stderr = sys.stderr
        with _scratch() as file, os.fdopen(os.dup(saved), "w", 1, "utf-8", "replace") as visible:
            try:
                if _goes_to_descriptor_2(sys_stderr):
                    sys_stderr.flush()
                    sys.stderr = visible
                os.dup2(file.fileno(), 2)
                yield heard
            finally:
                if sys.stderr is visible:
                    sys.stderr = sys_stderr
                os.dup2(saved, 2)
                os.close(saved)
                file.seek(0)
                heard.text = file.read().decode(errors="replace").strip()
                if heard.text:
                    _log.debug("%s", heard.text)


def _scratch() -> BinaryIO:
    """A file of no name; in memory where the system can, as there may be no folder to write to."""
    try:
        return os.fdopen(os.memfd_create("stderr"), "w+b")
    except (AttributeError, OSError):
        return tempfile.TemporaryFile()


@contextmanager
def silence() -> Iterator[None]:
    """Keeps converters' prints, warnings and log lines, Python's and native ones, away from the user."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with (
            warnings.catch_warnings(),
            redirect_stdout(io.StringIO()),
            redirect_stderr(io.StringIO()),
            quiet_stderr(),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


def _goes_to_descriptor_2(stream: object) -> bool:
    try:
        return bool(stream.fileno() == 2)  # type: ignore[attr-defined]
    except (AttributeError, OSError, ValueError):
        return False
