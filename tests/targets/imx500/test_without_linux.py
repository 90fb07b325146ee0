"""The Pico project: it compiles against declarations of the SDK's calls, and its decoder gives what the host
gives for the same tensor."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.targets.imx500.fake import card
from tinytracker.cards import ModelCard, write_card
from tinytracker.cli.app import run
from tinytracker.targets.imx500.chip.sensor import HEIGHT_PX, WIDTH_PX, Roi, parse_roi
from tinytracker.targets.imx500.running.live import ChipModel
from tinytracker.targets.imx500.without_linux import middle_roi, network_header, write_project

VENDOR = Path(__file__).parent / "vendor"
STRICT = (
    "-std=c99",
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Wno-float-conversion",
    "-Wshadow",
    "-pedantic",
    "-Werror",
)
pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not there to compile the project")

ROI = Roi(1500, 800, 1200, 1000)
CORRECTION = {
    "input": "face_box",
    "hidden": {"weight": np.linspace(-1, 1, 20).reshape(5, 4).tolist(), "bias": [0.1, -0.2, 0.3, 0.4, 0.0]},
    "scale": {"weight": np.linspace(-0.3, 0.2, 10).reshape(2, 5).tolist(), "bias": [1.1, 0.9]},
    "offset": {"weight": np.linspace(0.2, -0.1, 10).reshape(2, 5).tolist(), "bias": [0.05, -0.04]},
}


class Tensor(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("elements", ctypes.c_uint32),
        ("bits", ctypes.c_uint8),
        ("is_unsigned", ctypes.c_uint8),
        ("zero_point", ctypes.c_int32),
        ("scale", ctypes.c_float),
    )


class Point(ctypes.Structure):
    _fields_ = (("x_cm", ctypes.c_float), ("y_cm", ctypes.c_float))


def build(folder: Path, made: ModelCard, roi: Roi = ROI) -> ctypes.CDLL:
    write_project(made, roi, folder)
    library = folder / "gaze.so"
    command = ["gcc", *STRICT, "-shared", "-fPIC", "-o", str(library), str(folder / "gaze_sensor.c"), "-lm"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return ctypes.CDLL(str(library))


def decode(
    library: ctypes.CDLL, values: np.ndarray, zero_point: int, scale: float
) -> tuple[int, tuple[float, float]]:
    raw = np.ascontiguousarray(values)
    unsigned = raw.dtype.kind == "u"
    tensor = Tensor(raw.ctypes.data, len(raw), raw.dtype.itemsize * 8, unsigned, zero_point, scale)
    point = Point()
    code = library.gaze_from_tensor(ctypes.byref(tensor), ctypes.byref(point))
    return code, (point.x_cm, point.y_cm)


def test_project_compiles_without_a_warning(tmp_path: Path) -> None:
    write_project(card(), ROI, tmp_path)
    for name in ("main.c", "pico_port.c", "gaze_sensor.c"):
        command = [
            "gcc",
            "-std=c11",
            "-Wall",
            "-Wextra",
            "-Wshadow",
            "-Werror",
            "-fsyntax-only",
            f"-I{VENDOR}",
            str(tmp_path / name),
        ]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    readme = (tmp_path / "README.md").read_text()
    assert "@" not in readme
    assert "1500, 800, 1200, 1000" in readme
    assert "Not verified" in readme


@pytest.fixture(scope="module", params=[{}, CORRECTION], ids=["plain", "corrected by its box"])
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[ctypes.CDLL, ChipModel]:
    made = card(correction=request.param)
    return build(tmp_path_factory.mktemp("pico"), made), ChipModel(made)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["int8", "uint8", "int16", "uint16", "int32"]),
    st.lists(st.floats(0, 1), min_size=2, max_size=2),
    st.integers(-100, 100),
    st.floats(1e-4, 0.1),
)
def test_decoder_gives_what_the_host_gives(
    both, kind: str, shares: list[float], zero_point: int, scale: float
) -> None:
    library, host = both
    limits = np.iinfo(kind)
    reach = min(limits.max, 1 << 20)
    values = np.array([max(limits.min, -reach) + round(share * reach) for share in shares]).astype(kind)
    code, found = decode(library, values, zero_point, scale)
    numbers = ((values.astype(np.float64) - zero_point) * np.float32(scale)).astype(np.float32)
    expected = host.take(numbers, ROI.box, (WIDTH_PX, HEIGHT_PX))
    assert code == 0
    size = max(1.0, abs(expected.x_cm), abs(expected.y_cm))
    assert found == pytest.approx((expected.x_cm, expected.y_cm), abs=1e-5 * size * 10)


REGIONS = st.tuples(*(st.integers(0, limit - 200) for limit in (WIDTH_PX, HEIGHT_PX)))


@settings(max_examples=60, deadline=None)
@given(REGIONS, st.floats(0, 1), st.floats(0, 1))
def test_a_region_that_is_moved_has_its_own_correction(
    both, corner: tuple[int, int], wide: float, high: float
) -> None:
    library, host = both
    left, top = corner
    roi = Roi(left, top, 200 + int(wide * (WIDTH_PX - 200 - left)), 200 + int(high * (HEIGHT_PX - 200 - top)))
    line = f"R {roi.x_px} {roi.y_px} {roi.width_px} {roi.height_px}".encode()
    region = (ctypes.c_int * 4)()
    try:
        assert library.gaze_region_line(line, region) == 1
        assert tuple(region) == roi.as_tuple
        values = np.array([50, -70], np.int8)
        _, found = decode(library, values, 0, 0.01)
        expected = host.take(values.astype(np.float32) * np.float32(0.01), roi.box, (WIDTH_PX, HEIGHT_PX))
        assert found == pytest.approx((expected.x_cm, expected.y_cm), abs=1e-3)
    finally:
        back = "R " + " ".join(map(str, ROI.as_tuple))
        assert library.gaze_region_line(back.encode(), region) == 1


def test_regions_off_the_sensor_are_refused(both) -> None:
    library, _ = both
    region = (ctypes.c_int * 4)()
    for wrong in (b"R", b"R 1 2 3", b"R -1 0 100 100", b"R 4000 0 100 100", b"R 0 3000 10 100", b"R 0 0 0 5"):
        assert library.gaze_region_line(wrong, region) == 0


def test_tensors_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    library = build(tmp_path, card())
    assert decode(library, np.zeros(3, np.int8), 0, 0.1)[0] == -2
    assert decode(library, np.zeros(2, np.int64), 0, 0.1)[0] == -3
    assert decode(library, np.zeros(2, np.int8), 0, 0.0)[0] == -3
    assert library.gaze_from_tensor(ctypes.byref(Tensor(None, 2, 8, 0, 0, 0.1)), ctypes.byref(Point())) == -1


def test_calibration_line(tmp_path: Path) -> None:
    library = build(tmp_path, card())
    for wrong in (b"", b"C", b"C 1 2 3", b"X 1 0 0 0 1 0", b"C 1 0 nan 0 1 0", b"C 1 0 0 0 1 x"):
        assert library.gaze_calibrate_line(wrong) == 0
    before = decode(library, np.array([20, -30], np.int8), 0, 0.01)[1]
    assert before == pytest.approx((2, -3), abs=1e-5)
    assert library.gaze_calibrate_line(b"C 2 0 1 0 -1 0.5") == 1
    assert decode(library, np.array([20, -30], np.int8), 0, 0.01)[1] == pytest.approx((5, 3.5), abs=1e-5)


def test_middle_region_has_the_pictures_shape() -> None:
    for size in ((64, 64), (96, 256), (112, 64)):
        roi = middle_roi(card(size=size))
        assert parse_roi(",".join(map(str, roi.as_tuple))) == roi, "it lies on the sensor"
        assert roi.width_px / roi.height_px == pytest.approx(size[1] / size[0], rel=2e-3)
        assert roi.width_px >= WIDTH_PX - 2 or roi.height_px >= HEIGHT_PX - 2


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exported = tmp_path / "exported"
    exported.mkdir()
    write_card(card(), exported / "fake.json")
    out = tmp_path / "pico"
    assert (
        run(
            [
                "export",
                str(exported),
                "--target",
                "imx500-mcu",
                "--out",
                str(out),
                "--roi",
                "1500,800,1200,1000",
            ]
        )
        == 0
    ), capsys.readouterr().err
    assert (out / "gaze_network.h").read_text() == network_header(card(), ROI)
    assert {"main.c", "pico_port.c", "gaze_sensor.c", "CMakeLists.txt", "README.md"} < {
        path.name for path in out.iterdir()
    }
    assert run(["export", str(tmp_path), "--target", "imx500-mcu", "--out", str(out)]) == 3
