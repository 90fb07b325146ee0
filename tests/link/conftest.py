"""Boards of this machine: the firmware's link and the stub network, once as rows and once whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.link.stub_board import CBoard, build_board


@pytest.fixture(scope="session")
def libraries(tmp_path_factory) -> dict[bool, Path]:
    return {rows: build_board(tmp_path_factory.mktemp("board"), rows=rows) for rows in (True, False)}


@pytest.fixture(scope="session")
def one_library(libraries) -> Path:
    return libraries[True]


@pytest.fixture(params=[True, False], ids=["rows", "whole"])
def takes_rows(request) -> bool:
    return request.param


@pytest.fixture
def board(libraries, takes_rows) -> CBoard:
    return CBoard(libraries[takes_rows])
