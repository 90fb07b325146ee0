"""Examples in docstrings are true."""

from __future__ import annotations

import doctest
import importlib
import inspect
from pathlib import Path

import pytest

import tinytracker

PACKAGE = Path(tinytracker.__file__).parent
MODULES = sorted(
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
    if ">>> " in path.read_text()
)
CLASSES = sorted(name for name in tinytracker.__all__ if inspect.isclass(getattr(tinytracker, name)))


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name: str) -> None:
    module = pytest.importorskip(name)
    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert result.attempted
    assert not result.failed


@pytest.mark.parametrize("name", CLASSES)
def test_every_public_class_has_an_example(name: str) -> None:
    thing = getattr(tinytracker, name)
    assert ">>> " in (thing.__doc__ or ""), f"{name} in {importlib.import_module(thing.__module__).__file__}"
