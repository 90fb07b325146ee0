"""On a disk that is full every command ends in one line and exit code 7, and leaves nothing half-written.

`track` is in test_hostile.py, where the rows until then must be kept too.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.recordings import write_dataset_of_people
from tinytracker.errors import OutputError

pytest.importorskip("numba")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset_of_people(tmp_path_factory.mktemp("data"), people=3, frames=2)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch")
    from tinytracker.models import create_model
    from tinytracker.models.checkpoint import save_network

    network = create_model("tinytracker_s")
    path = tmp_path_factory.mktemp("trained") / "small.safetensors"
    save_network(network, network.card("small", recipe={"model": "tinytracker_s", "options": {}}), path)
    return path


@pytest.mark.parametrize(
    ("line", "ballast_kb"),
    [
        ("demo --seconds 1 --out {disk}", 40),
        ("synth {disk}/people --people 2 --frames 8 --jobs 1", 0),
        ("prepare {people} {disk}/dataset --jobs 1", 0),
        ("train tinytracker-s --data {dataset} --out {disk}/run --steps 1", 0),
        ("export {checkpoint} --float-only --out {disk}", 0),
        ("export {checkpoint} --target onnx --out {disk}", 0),
        ("export tinytracker-s --target mcu --out {disk}/c", 0),
        ("export tinytracker-s --target spresense --out {disk}/board", 0),
        ("export tinytracker-s --target coral --out {disk}/coral", 0),
        ("export tinytracker-s --target ethos-u --out {disk}/npu", 0),
        ("evaluate tinytracker-s --data {dataset} --csv {disk}/rows.csv", 60),
        ("evaluate tinytracker-s --data {dataset} --plot {disk}/plot.png", 40),
        ("compare --html {disk}/report.html", 60),
        ("compare --markdown {disk}/report.md", 60),
        ("compare --csv {disk}/rows.csv", 60),
    ],
)
def test_a_full_disk_is_one_line(
    line: str, ballast_kb: int, full_disk: Path, request: pytest.FixtureRequest
) -> None:
    names = {"disk": full_disk}
    if "export {checkpoint}" in line or "train" in line:
        if find_spec("litert_torch") is None:
            pytest.skip("torch or litert-torch is not installed")
        names["checkpoint"] = request.getfixturevalue("checkpoint")
    if "{dataset}" in line or "{people}" in line:
        names["dataset"] = request.getfixturevalue("dataset")
        names["people"] = names["dataset"].with_name("people")
    if "ethos-u" in line and find_spec("ethosu") is None:
        pytest.skip("ethos-u-vela is not installed")
    (full_disk / "ballast").write_bytes(bytes(ballast_kb << 10))
    command = [sys.executable, "-m", "tinytracker", "--quiet", *line.format(**names).split()]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert answer.returncode == OutputError.exit_code, answer.stderr
    assert "Traceback" not in answer.stderr
    assert "No space left on device" in answer.stderr.strip().splitlines()[-1]
    left = [path for path in full_disk.rglob("*") if path.is_file() and path.name != "ballast"]
    assert not [path for path in left if path.name.startswith(".")], "nothing is left aside"
    (full_disk / "ballast").unlink()
    for path in full_disk.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert shutil.disk_usage(full_disk).used == 0
