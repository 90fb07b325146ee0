"""`tinytracker export --target mcu`: what it writes, and that its report is true."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tinytracker.cards import write_card
from tinytracker.errors import ModelError, UsageError
from tinytracker.targets.mcu.target import export_c
from tinytracker.targets.target import Caller, find_targets
from tinytracker.zoo import find


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exported")
    export_c(Path("tinytracker-s"), out, Caller(), cpu="m4")
    return out


def macro(folder: Path, name: str) -> int:
    found = re.search(
        rf"#define GAZE_MODEL_{name} \(?(-?\w+?)U?\)?(?: |$)", (folder / "gaze_model.h").read_text(), re.M
    )
    assert found is not None, name
    return int(found[1], 0)


def test_writes_code_readme_report_and_picture(folder: Path) -> None:
    names = {path.name for path in folder.iterdir()}
    assert {"gaze_model.h", "gaze_model.c", "README.md", "report.md", "report.json", "plan.svg"} <= names


def test_the_report_is_of_this_network(folder: Path) -> None:
    report = json.loads((folder / "report.json").read_text())
    card = find("tinytracker-s").card
    assert report["macs"] == card.counts["macs"]
    assert report["cpu"] == "cortex-m4"
    assert report["work_bytes"] == macro(folder, "WORK_BYTES")
    assert report["arena_bytes"] == macro(folder, "ARENA_BYTES")
    assert (
        sum(step["flash_bytes"] for step in report["steps"])
        == report["table_bytes"]
        >= report["weight_bytes"]
    )
    assert card.sha256 is not None
    assert macro(folder, "HASH") == int(card.sha256[:8], 16)


def test_the_picture_shows_every_buffer(folder: Path) -> None:
    picture = ElementTree.parse(folder / "plan.svg").getroot()
    titles = [element.text or "" for element in picture.iter() if element.tag.endswith("title")]
    assert len(titles) > 10
    assert all(" B at " in title for title in titles)


@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not on PATH")
@pytest.mark.parametrize(
    ("model", "cpu"), [("tinytracker-s", "m0plus"), ("tinytracker-s", "m4"), ("tinytracker-eyes", "m4")]
)
def test_compiles_for_a_microcontroller_with_no_warning_and_no_library(
    model: str, cpu: str, tmp_path: Path
) -> None:
    export_c(Path(model), tmp_path, Caller(), cpu=cpu)
    core = {
        "m0plus": ["-mcpu=cortex-m0plus"],
        "m4": ["-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"],
    }[cpu]
    strict = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-pedantic", "-Werror"]
    program = [
        "arm-none-eabi-gcc",
        *core,
        "-mthumb",
        "-O2",
        *strict,
        "-c",
        str(tmp_path / "gaze_model.c"),
        "-o",
        str(tmp_path / "o"),
    ]
    subprocess.run(program, check=True)
    symbols = subprocess.run(
        ["arm-none-eabi-nm", "-u", str(tmp_path / "o")], check=True, capture_output=True, text=True
    ).stdout
    wanted = {line.split()[-1] for line in symbols.splitlines()}
    own = {name for name in wanted if name.startswith("gm_")}  # in gaze_model.S, where there is one
    assert own == set() or (tmp_path / "gaze_model.S").exists()
    assert {name for name in wanted - own if not name.startswith("__")} <= {"memcpy", "memset", "memmove"}
    data = subprocess.run(
        ["arm-none-eabi-size", str(tmp_path / "o")], check=True, capture_output=True, text=True
    ).stdout
    assert data.splitlines()[1].split()[1:3] == ["0", "0"]  # no data, no bss: nothing that is written


@pytest.mark.skipif(
    shutil.which("clang-tidy") is None, reason="clang-tidy is not on PATH (Debian: apt install clang-tidy)"
)
@pytest.mark.parametrize(
    ("model", "cpu"), [("tinytracker-s", "m4"), ("tinytracker-eyes", "m4"), ("eye-locator", "portable")]
)
def test_clang_tidy_finds_no_bug_prone_line(model: str, cpu: str, tmp_path: Path) -> None:
    export_c(Path(model), tmp_path, Caller(), cpu=cpu)
    checks = [
        "clang-tidy",
        str(tmp_path / "gaze_model.c"),
        "--checks=-*,bugprone-*",
        "--quiet",
        "--",
        "-std=c99",
    ]
    done = subprocess.run(checks, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_mistakes_are_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no core 'z80'"):
        export_c(Path("tinytracker-s"), tmp_path, Caller(), cpu="z80")
    with pytest.raises(ModelError):
        export_c(tmp_path / "missing.tflite", tmp_path, Caller())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", ["mcu", "spresense", "qemu", "coral"])
def test_the_card_of_another_network_is_refused(target: str, tmp_path: Path) -> None:
    """Else the board's app would cut out, scale and read something else than the network was trained on."""
    network = find("tinytracker-s")
    path = Path(shutil.copy(network.path, tmp_path / "mine.tflite"))
    card = network.require_card()
    spec = card.inputs[0]
    others = {
        "face 1x48x48x3": replace(card, inputs=(replace(spec, height_px=48, width_px=48),), sha256=""),
        "face 1x96x96x5": replace(card, inputs=(replace(spec, colour="rgb"),), sha256=""),
        "other 1x96x96x3": replace(card, inputs=(spec, replace(spec, name="other")), sha256=""),
        r"14 numbers \(eyes\)": replace(card, output="eyes", sha256=""),
        "pixels would become 0 to 255": replace(
            card, inputs=(replace(spec, pixel_scale=1.0, pixel_offset=0.0),), sha256=""
        ),
        "is the card of another file": replace(card, sha256="0" * 64),
    }
    work = find_targets()[target].export
    assert work is not None
    for told, other in others.items():
        write_card(other, path.with_suffix(".json"))
        with pytest.raises(ModelError, match=told):
            work.call(path, tmp_path / "out", Caller())
    write_card(card, path.with_suffix(".json"))
    work.call(path, tmp_path / "out", Caller())
