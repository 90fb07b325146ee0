"""The boards' folders: complete, compiled against declarations of the vendors' calls, and fed as the host
feeds itself."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tinytracker.cards import InputSpec, ModelCard
from tinytracker.cli.app import run
from tinytracker.domain import Box, Face
from tinytracker.engines.feed import Feed
from tinytracker.engines.protocol import TensorSpec
from tinytracker.errors import TargetError
from tinytracker.targets.mcu import boards, projects
from tinytracker.targets.mcu.boards.coralmicro.board import BOARD as CORALMICRO
from tinytracker.targets.mcu.boards.spresense.board import BOARD as SPRESENSE
from tinytracker.targets.mcu.projects import Region, middle_region, region_header

SPRESENSE_CAMERA, CORAL_CAMERA = SPRESENSE.camera, CORALMICRO.camera
VENDOR = Path(__file__).parent / "vendor"
MODEL = "tinytracker-s"
STRICT = ["-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
needs_gcc = pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not there")
needs_arm = pytest.mark.skipif(
    shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not there"
)


def export(target: str, out: Path, *options: str) -> None:
    assert run(["export", MODEL, "--target", target, "--out", str(out), *options]) == 0


def check(command: list[str | Path]) -> None:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]


def sketch_checks(folder: Path, *defines: str) -> None:
    included = [f"-I{VENDOR / 'arduino'}", "-include", "Arduino.h"]
    check(["g++", "-std=gnu++14", *STRICT, *defines, *included, "-x", "c++", folder / "gaze.ino"])


@needs_gcc
def test_spresense_sketch(tmp_path: Path) -> None:
    export("spresense-arduino", tmp_path)
    folder = tmp_path / "gaze"
    sketch_checks(folder)
    sketch_checks(folder, "-DGAZE_FROM_HOST=1")
    assert not re.search("@[A-Z]+@", (folder / "README.md").read_text())
    assert f"track 0 --model {MODEL} --board serial:" in (folder / "README.md").read_text()
    header = (folder / "gaze_region.h").read_text()
    assert "#define GAZE_REGION_SIDE 192" in header, "scaled to 96 by the hardware's factor of two"


@needs_arm
def test_spresense_sketch_compiles_as_the_platform_does(tmp_path: Path) -> None:
    """-Os, as Sony's Arduino platform has it; all C and assembly of the sketch, well within 768 kB."""
    export("spresense-arduino", tmp_path)
    folder = tmp_path / "gaze"
    sources = [path.name for path in folder.iterdir() if path.suffix in (".c", ".S")]
    flags = [
        "-Os",
        "-mcpu=cortex-m4",
        "-mthumb",
        "-mfloat-abi=hard",
        "-mfpu=fpv4-sp-d16",
        "-Wall",
        "-Wextra",
        "-Werror",
    ]
    objects = []
    for name in sources:
        check(["arm-none-eabi-gcc", *flags, "-c", folder / name, "-o", folder / f"{name}.o"])
        objects.append(folder / f"{name}.o")
    sizes = subprocess.run(
        ["arm-none-eabi-size", *map(str, objects)], capture_output=True, text=True, check=True
    ).stdout
    total = sum(sum(map(int, line.split()[:3])) for line in sizes.splitlines()[1:])
    assert 80_000 < total < 768 * 1024 // 2


@needs_gcc
def test_spresense_sdk_app(tmp_path: Path) -> None:
    export("spresense-sdk", tmp_path)
    folder = tmp_path / "tinytracker"
    for define in ("-DGAZE_FROM_HOST=0", "-DGAZE_FROM_HOST=1"):
        check(
            ["gcc", "-std=gnu11", *STRICT, define, f"-I{VENDOR / 'spresense'}", folder / "tinytracker_main.c"]
        )
    makefile = (folder / "Makefile").read_text()
    named = [
        word
        for line in makefile.splitlines()
        if "SRCS" in line or "MAINSRC" in line
        for word in line.split()[2:]
    ]
    assert named
    assert all((folder / name).is_file() for name in named)
    compiled = {path.name for path in folder.iterdir() if path.suffix in (".c", ".S")}
    assert compiled == set(named), "every source is in the Makefile"
    assert {"Kconfig", "Make.defs", "README.md"} < {path.name for path in folder.iterdir()}
    assert not any("@" in (folder / name).read_text() for name in ("Makefile", "README.md", "Kconfig"))


@needs_gcc
@pytest.mark.parametrize("defines", [[], ["-DGAZE_FROM_HOST=1"]])
def test_coralmicro_app(tmp_path: Path, defines: list[str]) -> None:
    export("coralmicro", tmp_path)
    folder = tmp_path / "tinytracker"
    check(["g++", "-std=gnu++17", *STRICT, *defines, f"-I{VENDOR / 'coral'}", folder / "tinytracker.cc"])
    listed = [line.strip() for line in (folder / "CMakeLists.txt").read_text().splitlines()]
    for path in folder.iterdir():
        if path.suffix in (".c", ".S", ".cc"):
            assert path.name in listed
    assert not any("@" in (folder / name).read_text() for name in ("CMakeLists.txt", "README.md"))
    assert "gaze_feed.c" in listed


@needs_gcc
def test_coralmicro_app_on_the_edge_tpu(tmp_path: Path) -> None:
    """A file as edgetpu_compiler would name it; the app compiles, and ships it."""
    from tinytracker.zoo import find

    original = find("tinytracker").path
    for suffix in (".tflite", ".json"):
        shutil.copy(original.with_suffix(suffix), tmp_path / f"mine{suffix}")
    compiled = tmp_path / "mine_edgetpu.tflite"
    compiled.write_bytes(b"\0\0\0\0TFL3 compiled")
    assert run(["export", str(compiled), "--target", "coralmicro", "--out", str(tmp_path / "out")]) == 0
    folder = tmp_path / "out" / "tinytracker"
    check(["g++", "-std=gnu++17", *STRICT, f"-I{VENDOR / 'coral'}", folder / "tinytracker.cc"])
    assert (folder / "mine_edgetpu.tflite").read_bytes() == compiled.read_bytes()
    assert "mine_edgetpu.tflite" in (folder / "CMakeLists.txt").read_text()
    assert "track 0 --model mine.tflite --board serial:" in (folder / "README.md").read_text()
    for name in ("a b", 'a"b', "a;b", "ä"):  # which CMake or C would part, end or lose
        named = tmp_path / f"{name}_edgetpu.tflite"
        shutil.copy(compiled, named)
        assert run(["export", str(named), "--target", "coralmicro", "--out", str(tmp_path / "named")]) == 2
    assert not (tmp_path / "named").exists()
    lonely = tmp_path / "other_edgetpu.tflite"
    lonely.write_bytes(compiled.read_bytes())
    assert run(["export", str(lonely), "--target", "coralmicro", "--out", str(tmp_path / "out")]) == 3


@needs_arm
@pytest.mark.parametrize("core", ["m4", "m0plus"])
def test_qemu_folder_builds_with_make(tmp_path: Path, core: str) -> None:
    export("qemu", tmp_path, "--cpu", core)
    check(["make", "-C", tmp_path, "all"])
    assert (tmp_path / "bench.elf").stat().st_size > 100_000
    assert (tmp_path / "serve.elf").stat().st_size > 100_000


@needs_gcc
def test_a_network_with_several_inputs_is_fed_by_the_host(tmp_path: Path) -> None:
    for target in ("coralmicro", "spresense-arduino", "spresense-sdk"):
        assert run(["export", "tinytracker-eyes", "--target", target, "--out", str(tmp_path / target)]) == 0
    coral, sketch = tmp_path / "coralmicro" / "tinytracker", tmp_path / "spresense-arduino" / "gaze"
    sdk = tmp_path / "spresense-sdk" / "tinytracker"
    check(["g++", "-std=gnu++17", *STRICT, f"-I{VENDOR / 'coral'}", coral / "tinytracker.cc"])
    check(["gcc", "-std=gnu11", *STRICT, f"-I{VENDOR / 'spresense'}", sdk / "tinytracker_main.c"])
    sketch_checks(sketch)
    for folder in (coral, sketch, sdk):
        assert not (folder / "gaze_feed.c").exists()
        readme = (folder / "README.md").read_text()
        assert "track 0 --model tinytracker-eyes --board serial:" in readme
        assert not re.search("@[A-Z]+@", readme)
    assert "gaze_feed" not in (coral / "CMakeLists.txt").read_text()
    check(["gcc", "-std=c99", "-Wall", "-Werror", "-fsyntax-only", sketch / "gaze_served.c"])
    assert "gaze_feed" not in (sdk / "Makefile").read_text()


def test_options_of_other_targets_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", MODEL, "--target", "coralmicro", "--cpu", "m4", "--out", str(tmp_path)]) == 2
    assert "--cpu means nothing to --target coralmicro" in capsys.readouterr().err
    checkpoint = tmp_path / "best.safetensors"
    checkpoint.touch()
    assert run(["export", str(checkpoint), "--target", "qemu", "--out", str(tmp_path)]) == 3
    assert "takes an int8 .tflite or a released network's name" in capsys.readouterr().err


class TestRegion:
    def test_middle_of_the_frame(self) -> None:
        assert middle_region(SPRESENSE_CAMERA, 96, 96) == Region(64, 24, 192)
        assert middle_region(SPRESENSE_CAMERA, 128, 128) == Region(96, 56, 128)
        assert middle_region(SPRESENSE_CAMERA, 112, 112) == Region(48, 8, 224)
        assert middle_region(CORAL_CAMERA, 112, 112) == Region(0, 0, 324)

    def test_sizes_that_the_hardware_does_not_give(self) -> None:
        for width, height in ((97, 97), (96, 64), (256, 256), (8, 8)):
            with pytest.raises(TargetError, match="does not scale"):
                middle_region(SPRESENSE_CAMERA, width, height)


FEED_HEADER = """
#define GAZE_MODEL_ROWS {rows}
#define GAZE_MODEL_WORK_BYTES 8
#define GAZE_MODEL_ARENA_BYTES 8
#define GAZE_MODEL_INPUT_0_WIDTH {width}
#define GAZE_MODEL_INPUT_0_HEIGHT {height}
#define GAZE_MODEL_INPUT_0_CHANNELS {channels}
#define GAZE_MODEL_OUTPUT_0_SCALE 0.5f
#define GAZE_MODEL_OUTPUT_0_ZERO_POINT 3
#include <stdint.h>
int8_t *gaze_model_input(void *arena, int index);
const int8_t *gaze_model_output(const void *arena, int index);
void gaze_model_invoke(void *arena);
void gaze_model_begin(void *arena);
void gaze_model_push_rows(void *arena, const int8_t *rows, int count);
void gaze_model_finish(void *arena);
"""
FEED_MODEL = """
#include <string.h>
#include "gaze_model.h"
int8_t picture[1 << 16];
static int place;
int8_t *gaze_model_input(void *arena, int index) { (void)arena; return picture + index; }
const int8_t *gaze_model_output(const void *arena, int index) { (void)arena; return picture + index; }
void gaze_model_invoke(void *arena) { (void)arena; }
void gaze_model_begin(void *arena) { (void)arena; place = 0; }
void gaze_model_finish(void *arena) { (void)arena; }
void gaze_model_push_rows(void *arena, const int8_t *rows, int count) {
    int bytes = count * GAZE_MODEL_INPUT_0_WIDTH * GAZE_MODEL_INPUT_0_CHANNELS;
    (void)arena;
    memcpy(picture + place, rows, (size_t)bytes);
    place += bytes;
}
"""
WIDTH = HEIGHT = 32


def feed_library(
    folder: Path, colour: str, position: str, rows: int, region: Region, low_pass_px: float = 0.0
) -> tuple[ctypes.CDLL, InputSpec, TensorSpec]:
    spec = InputSpec(
        "face",
        "face",
        height_px=HEIGHT,
        width_px=WIDTH,
        colour=colour,
        position=position,
        pixel_scale=1 / 128,
        pixel_offset=-1.0,
        low_pass_px=low_pass_px,
    )
    tensor = TensorSpec("face", (1, HEIGHT, WIDTH, spec.channels), "int8", 1 / 127.5, 1)
    card = ModelCard(name="mine", family="unknown", inputs=(spec,), output_scale_cm=40.0)
    files = {
        **boards.sources("feed"),
        "gaze_model.h": FEED_HEADER.format(rows=rows, width=WIDTH, height=HEIGHT, channels=spec.channels),
        "model.c": FEED_MODEL,
        "gaze_region.h": region_header(card, tensor, CORAL_CAMERA, region),
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    out = folder / "feed.so"
    warnings = ["-std=c99", "-Wall", "-Wextra", "-Wshadow", "-pedantic", "-Werror"]
    check(
        ["gcc", *warnings, "-shared", "-fPIC", "-O1", folder / "gaze_feed.c", folder / "model.c", "-o", out]
    )
    return ctypes.CDLL(str(out)), spec, tensor


@needs_gcc
@pytest.mark.parametrize("low_pass_px", [0.0, 1.0, 2.3])
@pytest.mark.parametrize("rows", [0, 1])
@pytest.mark.parametrize(
    ("colour", "position"), [("grey", "none"), ("grey", "channels"), ("rgb", "none"), ("rgb", "channels")]
)
def test_boards_feed_as_the_host_does(
    tmp_path: Path, colour: str, position: str, rows: int, low_pass_px: float
) -> None:
    """A region that needs no scaling: the C's stored values are those of `engines.feed`, every one."""
    region = Region(40, 60, WIDTH)
    library, spec, tensor = feed_library(tmp_path, colour, position, rows, region, low_pass_px)
    image = (
        np.random.default_rng(1)
        .integers(0, 256, (CORAL_CAMERA.height_px, CORAL_CAMERA.width_px, 3))
        .astype(np.uint8)
    )
    face = Face(Box(region.x_px, region.y_px, region.side_px, region.side_px))
    expected = Feed([spec], [tensor]).from_frame(image, face)[0]
    library.gaze_feed_begin(None)
    row_rgb = ctypes.create_string_buffer(WIDTH * 3)
    for row in range(HEIGHT):
        library.gaze_feed_scaled_row(
            image.ctypes.data_as(ctypes.c_void_p), CORAL_CAMERA.width_px, row, row_rgb
        )
        library.gaze_feed_rgb(None, row, row_rgb)
    library.gaze_feed_finish(None)
    got = np.ctypeslib.as_array((ctypes.c_int8 * expected.size).in_dll(library, "picture")).reshape(
        expected.shape
    )
    assert np.array_equal(got, expected)


@needs_gcc
def test_scaling_and_yuv(tmp_path: Path) -> None:
    """A smooth picture, scaled from twice the size, is what it is at half; grey by luma is the grey it was
    made of."""
    library, _, tensor = feed_library(tmp_path, "grey", "none", 1, Region(20, 30, 2 * WIDTH))
    y, x = np.mgrid[: CORAL_CAMERA.height_px, : CORAL_CAMERA.width_px]
    image = np.repeat((x * 0.3 + y * 0.4)[..., None], 3, 2).astype(np.uint8)
    row_rgb = (ctypes.c_uint8 * (WIDTH * 3))()
    for row in range(HEIGHT):
        library.gaze_feed_scaled_row(
            image.ctypes.data_as(ctypes.c_void_p), CORAL_CAMERA.width_px, row, row_rgb
        )
        centre = (np.arange(WIDTH) * 2 + 0.5 + 20) * 0.3 + (row * 2 + 0.5 + 30) * 0.4 - 0.5
        assert np.abs(np.array(row_rgb)[::3] - centre).max() <= 1.01

    greys = np.linspace(0, 255, WIDTH).astype(np.uint8)
    uyvy = np.full((WIDTH, 2), 128, np.uint8)
    uyvy[:, 1] = np.rint(16 + greys.astype(float) * 219 / 255)
    library.gaze_feed_begin(None)
    library.gaze_feed_uyvy(None, 0, uyvy.ctypes.data_as(ctypes.c_void_p))
    got = np.ctypeslib.as_array((ctypes.c_int8 * WIDTH).in_dll(library, "picture"))
    expected = tensor.quantize(greys / 128 - 1)
    assert np.abs(got.astype(int) - expected).max() <= 1


@needs_gcc
def test_gaze_in_centimetres(tmp_path: Path) -> None:
    library, _, _ = feed_library(tmp_path, "grey", "none", 1, Region(0, 0, WIDTH))
    picture = (ctypes.c_int8 * 2).in_dll(library, "picture")
    picture[0], picture[1] = 5, -3
    x_cm, y_cm = ctypes.c_float(), ctypes.c_float()
    library.gaze_feed_point(None, ctypes.byref(x_cm), ctypes.byref(y_cm))
    assert (x_cm.value, y_cm.value) == ((5 - 3) * 0.5 * 40, (-3 - 3) * 0.5 * 40)


def test_the_edge_tpus_app_has_no_low_pass(tmp_path: Path) -> None:
    spec = InputSpec("face", "face", 112, 112, low_pass_px=1.0)
    card = ModelCard(name="smooth", family="x", inputs=(spec,))
    tensor = TensorSpec("face", (1, 112, 112, 3), "int8", 1 / 128, 0)
    compiled = tmp_path / "smooth_edgetpu.tflite"
    project = projects.find_project(CORALMICRO, None, compiled.name)
    with pytest.raises(TargetError, match="smooth sees its face through a low-pass"):
        projects.write_project(CORALMICRO, project, card, tensor, tmp_path, compiled)


def test_only_picture_is_the_face() -> None:
    with pytest.raises(TargetError, match="a board's camera alone cannot feed it"):
        projects.only_picture(ModelCard(name="eyes", family="x", inputs=(InputSpec("left", "left_eye"),)))
    half = InputSpec("face", "face", 96, 96, blank_rows=48)
    with pytest.raises(TargetError, match="in part"):
        projects.only_picture(ModelCard(name="half", family="x", inputs=(half,)))
