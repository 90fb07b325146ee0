"""Sony's tools for tests: the real ones, or a skip that says what is missing."""

from __future__ import annotations

import pytest

from tinytracker.errors import TinytrackerError
from tinytracker.targets.imx500.making import toolchain


def need_tools() -> None:
    try:
        toolchain.require()
    except TinytrackerError as error:
        pytest.skip(str(error))
