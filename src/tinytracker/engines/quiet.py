"""Keeps what native libraries write straight to standard error out of the user's terminal."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_log = logging.getLogger(__name__)
_lock = threading.RLock()


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Sends file descriptor 2 into the debug log for a while; Python's own sys.stderr (progress bars) stays visible.

    LiteRT, XLA and absl announce themselves there ("Created TensorFlow Lite XNNPACK delegate") and take no other word for it.
    """
    with _lock:
        try:
            saved = os.dup(2)
        except OSError:  # there is no standard error at all
            yield
            return
        sys_stderr = sys.stderr
        with tempfile.TemporaryFile() as file, os.fdopen(os.dup(saved), "w", 1, "utf-8", "replace") as visible:
            try:
                if _goes_to_descriptor_2(sys_stderr):
                    sys_stderr.flush()
                    sys.stderr = visible
                os.dup2(file.fileno(), 2)
                yield
            finally:
                if sys.stderr is visible:
                    sys.stderr = sys_stderr
                os.dup2(saved, 2)
                os.close(saved)
                file.seek(0)
                if text := file.read().decode(errors="replace").strip():
                    _log.debug("%s", text)


def _goes_to_descriptor_2(stream: object) -> bool:
    try:
        return stream.fileno() == 2  # type: ignore[attr-defined]
    except (AttributeError, OSError, ValueError):
        return False
