"""No option is silently ignored: one that would do nothing in some combination is refused before any work."""

from __future__ import annotations

import re
import shlex
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from tinytracker.cli import app
from tinytracker.images import write_image


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, portrait: np.ndarray) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("me.jpg", "photos/1.jpg"):
        Path(name).parent.mkdir(exist_ok=True)
        write_image(tmp_path / name, portrait)
    for name in ("run.csv", "me.safetensors"):
        Path(name).write_text("what is in it does not matter")
    return tmp_path


@pytest.mark.parametrize(
    ("line", "option"),
    [
        ("track me.jpg --strict", "--strict means nothing without --calibration"),
        ("track me.mp4 --no-filter --smoothing quick", "--smoothing means nothing with --no-filter"),
        ("track me.jpg --smoothing quick", "--smoothing means nothing to pictures"),
        ("track photos --smoothing steady", "--smoothing means nothing to pictures"),
        ("track imx500:network.rpk --model tinytracker", "--model means nothing to imx500:network.rpk"),
        ("track imx500:network.rpk --output-scale-cm 30", "--output-scale-cm means nothing"),
        ("track imx500:network.rpk --positions grid-25", "--positions means nothing"),
        ("track imx500:network.rpk --strict", "--strict means nothing"),
        ("track imx500:network.rpk --mirrored", "the AI Camera does not mirror"),
        ("track me.jpg --roi 0,0,10,10", "--roi is for the AI Camera"),
        ("track 0 --fps 30", "0 is a camera, which has its own pace"),
        ("live --demo 0", "--demo renders its own frames; leave 0 out"),
        ("live 0 --camera browser", "the browser takes the frames; leave 0 out"),
        ("live --demo --fov-deg 70", "--fov-deg means nothing with --demo"),
        ("live --demo --mirrored", "--mirrored means nothing with --demo"),
        ("live --camera browser --mirrored", "--mirrored means nothing with --camera browser"),
        ("live --demo --screen me.json", "--screen means nothing with --demo"),
        ("live --person 3", "--person means nothing without --demo"),
        ("demo me.mp4 --person 3", "--person means nothing without a rendered person"),
        ("convert sitting --to bids --out x --split val", "--split means nothing to --to bids"),
        ("convert sitting --to bids --out x --person anna", "--person means nothing to --to bids"),
        ("convert sitting --to gazecapture --out x --task a", "--task means nothing to --to gazecapture"),
        ("convert sitting --to gazecapture --out x --subject 1", "--subject means nothing"),
        ("synth people --ict-path ict", "--ict-path means nothing with --heads makehuman"),
        ("prepare people dataset --dask tcp://a:1 --jobs 2", "--jobs means nothing with --dask"),
        ("models --json", "--json means nothing without a network's name"),
        ("screen --monitor 0", "--monitor means nothing without --out"),
        ("screen --camera-above-cm 2", "--camera-above-cm means nothing without --out"),
        ("measure --meter ppk2 --resistor 1000 --csv rows.csv", "--csv means nothing with --resistor"),
        ("measure --meter ppk2 --resistor 1000 --model x", "--model means nothing with --resistor"),
        ("measure --trace run.csv --keep-trace a.npz", "--keep-trace means nothing with --trace"),
        ("measure --board qemu-m4 --model x --keep-trace a", "--keep-trace means nothing without a meter"),
        ("measure --board qemu-m4 --model x --fps 3", "--fps means nothing without a meter"),
        ("measure --board qemu-m4 --model x --marker 1", "--marker means nothing without a meter"),
        ("evaluate --board imx500:n.rpk --inject d --plot a.png", "--plot means nothing with --board"),
        ("evaluate --board imx500:n.rpk --inject d --jobs 2", "--jobs means nothing with --board"),
        ("evaluate tinytracker --data d --limit 3", "--limit is for the AI Camera"),
        ("compare --alone", "--alone shows only the rows given"),
        ("bench imx500 --frames 20", "--frames are measured on a camera"),
        ("bench mcu --boards --board qemu-m4", "choose one"),
        ("bench host --boards", "--boards means nothing to host"),
        ("simulate imx500 me.mp4 --model x --seconds 3", "--seconds is of rendered people"),
        ("simulate imx500 me.mp4 --model x --people 2", "--people is of rendered people"),
        ("simulate imx500 me.mp4 --model x --motion 2", "--motion is of rendered people"),
        ("export me.safetensors --float-only --data d", "--data is for int8"),
        ("export me.safetensors --float-only --qat-steps 3", "--qat-steps is for int8"),
        ("export me.safetensors --float-only --calibration-samples 3", "--calibration-samples is for int8"),
        ("export tinytracker-s --target mcu --data d", "--data means nothing to --target mcu"),
        ("bench mcu --accelerator x", "--accelerator means nothing to mcu"),
    ],
)
def test_it_is_refused_in_a_line(
    line: str, option: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if line.startswith("live") and find_spec("starlette") is None:
        pytest.skip("starlette is not installed")
    before = sorted(here.rglob("*"))
    assert app.run(["--quiet", *shlex.split(line)]) == 2
    told = capsys.readouterr().err
    assert re.search(re.escape(option), told), told
    assert len(told.splitlines()) == 1
    assert sorted(here.rglob("*")) == before, "nothing was begun"


@pytest.mark.parametrize(
    "line",
    [
        "track me.jpg --csv place",
        "track me.jpg --out place",
        "track me.jpg --save place",
        "demo --out me.jpg",
        "synth me.jpg",
        "train tinytracker --data d --out me.jpg",
        "export tinytracker-s --target mcu --out me.jpg",
        "export tinytracker-s --target spresense --out me.jpg/below",
        "export tinytracker-s --target ethos-u --out me.jpg",
        "reproduce --quick --out me.jpg",
        "prepare photos me.jpg",
        "convert sitting --to bids --out me.jpg",
        "report sitting --out me.jpg",
        "live --demo --folder me.jpg",
        "compare --html place",
        "bench imx500 --csv place",
        "measure --board qemu-m4 --model tinytracker-s --csv place",
        "simulate imx500 --model x --csv place",
        "screen --out place",
        "recalibrate gaze.csv --calibration me.json --out place",
        "calibrate me.jpg --dots dots.csv --screen s.json --out place",
        "validate me.jpg --calibration me.json --dots d.csv --screen s.json --out place",
        "evaluate tinytracker --data d --csv place",
        "evaluate tinytracker --data d --plot place",
    ],
)
def test_a_folder_for_a_file_and_a_file_for_a_folder_have_one_code(
    line: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """7, and before anything is rendered, tracked, compiled or even read."""
    if line.startswith("train") and find_spec("torch") is None:
        pytest.skip("torch is not installed")
    (here / "place").mkdir()
    before = sorted(here.rglob("*"))
    assert app.run(["--quiet", *shlex.split(line)]) == 7
    told = capsys.readouterr().err
    assert "folder" in told, told
    assert len(told.splitlines()) == 1
    assert sorted(here.rglob("*")) == before
    assert (here / "me.jpg").is_file()
