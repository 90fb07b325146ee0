"""Finding parts that nobody has to name: by looking into our own folders, and what other packages have
registered."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

logger = logging.getLogger(__name__)
_warned: set[str] = set()


def modules_in(package: str, folder: Path, name: str) -> Iterator[ModuleType]:
    """Every module `package`.X.`name` whose file lies in `folder`/X, by the order of the folders' names."""
    for path in sorted(folder.glob(f"*/{name}.py")):
        yield importlib.import_module(f"{package}.{path.parent.name}.{name}")


def registered(group: str) -> Iterator[tuple[str, Any]]:
    """(what it is called, the thing) of every entry point of a group, such as "tinytracker.targets".

    What cannot be loaded is told in the log and left out: another package's fault must not stop ours.
    """
    for entry in sorted(entry_points(group=group), key=lambda entry: entry.name):
        package = entry.dist.name if entry.dist is not None else entry.module
        try:
            yield f"{entry.name} of {package}", entry.load()
        except Exception as error:  # whatever the other package's code raises while it is imported
            warn_once(logger, f"{group}: {entry.name} of {package} cannot be loaded: {error}")


def warn_once(log: logging.Logger, message: str) -> None:
    """Warns, but of one fault once in a process: a command looks for parts several times."""
    if message not in _warned:
        _warned.add(message)
        log.warning("%s", message)
