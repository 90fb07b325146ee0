"""Every script in examples/ runs, as its first lines say, and prints what it promises."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.recordings import write_dataset_of_people
from tests.targets.imx500.small import write_small_export
from tinytracker.images import write_image
from tinytracker.tracking.video import VideoWriter

EXAMPLES = Path(__file__).parents[1] / "examples"


def example(name: str, *arguments: object) -> str:
    """What a script prints; fails with its last words if it fails."""
    command = [sys.executable, str(EXAMPLES / name), *map(str, arguments)]
    answer = subprocess.run(command, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr[-2000:]
    return answer.stdout


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory, portrait: np.ndarray) -> Path:
    path = tmp_path_factory.mktemp("video") / "me.mp4"
    with VideoWriter(path) as writer:
        for index in range(8):
            writer.write_picture(portrait, index * 50_000_000)
    return path


def test_every_example_is_listed_and_tested() -> None:
    scripts = {path.name for path in EXAMPLES.glob("*.py")}
    listed, tests = (EXAMPLES / "README.md").read_text(), Path(__file__).read_text()
    run = set(re.findall(r'example\(\s*"(\w+\.py)"', tests))
    assert run == scripts
    assert not [name for name in scripts if f"`{name} " not in listed]


@pytest.mark.parametrize("script", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_without_arguments_it_says_how_it_is_called(script: Path) -> None:
    answer = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
    assert answer.returncode == 1
    assert f"python examples/{script.name}" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_gaze_from_a_picture(tmp_path: Path, portrait: np.ndarray) -> None:
    write_image(tmp_path / "me.jpg", portrait)
    assert "cm right of the camera" in example("gaze_from_a_picture.py", tmp_path / "me.jpg")


def test_video_to_parquet(video: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert "8 of 8 frames" in example("video_to_parquet.py", video, tmp_path / "gaze.parquet")
    assert parquet.read_table(tmp_path / "gaze.parquet").num_rows == 8


def test_own_sink(video: Path) -> None:
    assert ": 8 frames" in example("own_sink.py", video)


def test_own_filter(video: Path) -> None:
    lines = example("own_filter.py", video).splitlines()
    assert len(lines) == 8
    assert all(line.endswith("degrees") for line in lines)


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler called cc")
def test_c_from_a_network(tmp_path: Path) -> None:
    assert "in C, says of a grey picture" in example("c_from_a_network.py", tmp_path / "gaze")


def test_evaluate_two_networks(tmp_path: Path) -> None:
    pytest.importorskip("numba")
    printed = example("evaluate_two_networks.py", write_dataset_of_people(tmp_path))
    assert printed.startswith("tinytracker-eyes: ")
    assert printed.count(" cm [") == 2


def test_train_on_rendered_people(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("numba")
    assert "best.safetensors; export them" in example("train_on_rendered_people.py", tmp_path, 5, 2)
    assert (tmp_path / "run" / "best.safetensors").is_file()


def test_simulate_the_sensor(video: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    exported = write_small_export(tmp_path / "exported")
    assert "a region holds 2 frames" in example(
        "simulate_the_sensor.py", video, exported, tmp_path / "gaze.csv"
    )
    assert len((tmp_path / "gaze.csv").read_text().splitlines()) == 1 + 8


def test_dwell_button() -> None:
    """Half a second inside and away again is no press; a second with a blink in it is, and staying on is no
    second one."""
    server = pytest.importorskip("websockets.sync.server", reason="websockets is not installed")

    def stream(connection: Any) -> None:
        for step in range(150):
            inside = step < 15 or step >= 40
            fields = {
                "type": "gaze",
                "t_ns": step * 33_000_000,
                "valid": step != 50,
                "x_px": 600.0 if inside else 0.0,
                "y_px": 400.0,
            }
            connection.send(json.dumps(fields if step != 50 else fields | {"x_px": None, "y_px": None}))

    with server.serve(stream, "127.0.0.1", 0) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        port = running.socket.getsockname()[1]
        printed = example("dwell_button.py", f"ws://127.0.0.1:{port}/stream?key=x", 500, 300, 400, 200)
        running.shutdown()
    assert printed.split() == ["pressed"]


def test_experiment(tmp_path: Path, video: Path) -> None:
    """Beside a real server: each trial's trigger is in the recording, and its gaze came."""
    pytest.importorskip("starlette", reason="starlette is not installed: pip install 'tinytracker[web]'")
    from tests.web.browser import page_without_browser, serving
    from tinytracker.session.reader import read_session
    from tinytracker.web.live import Live, LiveOptions

    live = Live(LiveOptions(source=str(video), folder=tmp_path))
    with serving(live), page_without_browser(live) as page:
        page.send(json.dumps({"do": "stream", "kind": "websocket", "on": True}))
        page.send(json.dumps({"do": "record", "name": "anna"}))
        while live.sitting.recording.frames < 1:
            json.loads(page.recv(timeout=60))
        printed = example(
            "experiment.py", f"ws://127.0.0.1:{live.keys.port}/stream?key={live.keys.streaming}", 2
        )
    lines = printed.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["trial 1", "trial 2"]
    assert sum(int(line.split()[2]) for line in lines) > 0
    session = read_session(tmp_path / "anna")
    assert [event.label for event in session.events_of("trigger")] == ["trial 1", "trial 2"]
