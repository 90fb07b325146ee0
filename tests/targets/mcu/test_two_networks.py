"""Two networks in one program, exported by name: their files and symbols do not meet, their answers are
their own."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.compiler.oracle import Oracle, random_samples
from tinytracker.cli.app import run
from tinytracker.compiler.cpu import CPUS
from tinytracker.engines.model import GazeModel
from tinytracker.targets.mcu.target import export_c
from tinytracker.targets.target import Caller
from tinytracker.tflite.read import read_graph
from tinytracker.zoo import find

NETWORKS = {"eyes": "tinytracker-eyes", "locator": "eye-locator"}
MAIN = """
#include <stdio.h>
#include "eyes.h"
#include "locator.h"
static int8_t first[EYES_ARENA_BYTES] __attribute__((aligned(EYES_ARENA_ALIGN)));
static int8_t second[LOCATOR_ARENA_BYTES] __attribute__((aligned(LOCATOR_ARENA_ALIGN)));
#define READ_EYES(n) fread(eyes_input(first, n), 1, EYES_INPUT_##n##_BYTES, stdin);
#define READ_LOCATOR(n) fread(locator_input(second, n), 1, LOCATOR_INPUT_##n##_BYTES, stdin);
int main(void) {
    EYES_EACH_INPUT(READ_EYES) LOCATOR_EACH_INPUT(READ_LOCATOR)
    eyes_invoke(first);
    locator_invoke(second);
    fwrite(eyes_output(first, 0), 1, EYES_OUTPUT_0_BYTES, stdout);
    fwrite(locator_output(second, 0), 1, LOCATOR_OUTPUT_0_BYTES, stdout);
    return 0;
}
"""


def export_both(folder: Path, cpu: str) -> None:
    for name, model in NETWORKS.items():
        export_c(Path(model), folder, Caller(), name=name, cpu=cpu)


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not on PATH")
def test_both_answer_for_themselves(tmp_path: Path) -> None:
    export_both(tmp_path, "portable")
    (tmp_path / "main.c").write_text(MAIN)
    sources = [str(tmp_path / name) for name in ("eyes.c", "locator.c", "main.c")]
    subprocess.run(["gcc", "-O1", *sources, "-o", str(tmp_path / "both")], check=True)
    contents = [find(model).path.read_bytes() for model in NETWORKS.values()]
    samples = [random_samples(read_graph(content), 1, seed)[0] for seed, content in enumerate(contents)]
    stdin = b"".join(array.tobytes() for sample in samples for array in sample)
    got = np.frombuffer(
        subprocess.run([str(tmp_path / "both")], input=stdin, capture_output=True, check=True).stdout, np.int8
    )
    pairs = zip(contents, samples, strict=True)
    expected = [Oracle(content).invoke([sample])[0][0].reshape(-1) for content, sample in pairs]
    np.testing.assert_array_equal(got, np.concatenate(expected))
    assert GazeModel.load(tmp_path / "eyes.c").card.name == "tinytracker-eyes"


@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not on PATH")
def test_their_assembly_links(tmp_path: Path) -> None:
    export_both(tmp_path, "m4")
    (tmp_path / "main.c").write_text(re.sub(r"    EYES_EACH.*\n|    fwrite.*\n|#define READ.*\n", "", MAIN))
    sources = [str(path) for path in sorted(tmp_path.glob("*.[cS]"))]
    flags = [*CPUS["cortex-m4"].gcc, "-O2", "--specs=nosys.specs"]
    subprocess.run(
        ["arm-none-eabi-gcc", *flags, *sources, "-o", str(tmp_path / "both.elf")],
        check=True,
        capture_output=True,
    )


@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not on PATH")
@pytest.mark.parametrize(
    ("flags", "message"),
    [(["-mcpu=cortex-m0plus"], "DSP extension"), (["-mcpu=cortex-m4", "-mbig-endian"], "little-endian")],
)
def test_another_core_than_the_one_compiled_for_is_refused(
    flags: list[str], message: str, tmp_path: Path
) -> None:
    export_c(Path("tinytracker-s"), tmp_path, Caller(), cpu="m4")
    command = ["arm-none-eabi-gcc", "-mthumb", *flags, "-fsyntax-only", str(tmp_path / "gaze_model.c")]
    refused = subprocess.run(command, capture_output=True, text=True)
    assert refused.returncode != 0
    assert message in refused.stderr
    assert "little-endian cores with the DSP extension" in (
        tmp_path / "README.md"
    ).read_text().lower().replace("dsp", "DSP")


@pytest.mark.parametrize(
    ("network", "name", "told"),
    [
        *(
            ("tinytracker-s", name, "cannot begin C names")
            # of a digit, of ours inside, of a header that would hide the system's, of nothing to tell it by
            for name in ("2nd", "gm", "GM_eyes", "string", "stdint", "_", "é", "n" * 65)
        ),
        ("pupil", "pupil-tracker", "pupil_tracker.c is a file beside the network"),
    ],
)
def test_a_name_that_c_cannot_begin_with_is_one_line(
    network: str, name: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["export", network, "--target", "mcu", "--name", name, "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert told in said
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "out").exists()
