"""A server without a camera (it waits for the browser's), and Starlette's client for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="starlette is not installed: pip install 'tinytracker[web]'")

from starlette.testclient import TestClient

from tinytracker.engines.model import GazeModel
from tinytracker.web.live import Live, LiveOptions, OpenTracker


@pytest.fixture(scope="session")
def network() -> GazeModel:
    """Loaded once: the tests run one after the other."""
    return GazeModel.load("tinytracker-eyes")


@pytest.fixture
def live(tmp_path: Path, network: GazeModel) -> Live:
    return Live(
        LiveOptions(frames_by="browser", folder=tmp_path / "sittings", leaves_after_s=1000),
        OpenTracker.of(network),
    )


@pytest.fixture
def stranger(live: Live) -> Iterator[TestClient]:
    """A client at the right address, without the token."""
    with TestClient(live.server.app, base_url=f"http://127.0.0.1:{live.keys.port}") as client:
        yield client
    live._listener.close()


@pytest.fixture
def page(live: Live, stranger: TestClient) -> TestClient:
    """A client that was let in."""
    answer = stranger.post("/enter", json={"token": live.keys.token}, headers=origin(live))
    assert answer.status_code == 204
    return stranger


def origin(live: Live) -> dict[str, str]:
    return {"origin": f"http://127.0.0.1:{live.keys.port}"}
