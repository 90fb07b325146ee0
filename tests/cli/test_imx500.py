"""The IMX500's commands from end to end, on the fake camera and a small ONNX network."""

from __future__ import annotations

import csv
import json
import threading
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tinytracker.calibration.calibration import Calibration
from tinytracker.calibration.conditions import Conditions
from tinytracker.calibration.dots import Dot
from tinytracker.cards import InputSpec, ModelCard, card_path, read_card, write_card
from tinytracker.cli import app as cli
from tinytracker.data.dataset import Dataset
from tinytracker.domain import Frame, GazeSample
from tinytracker.files import sha256
from tinytracker.models import create_model
from tinytracker.models.checkpoint import save_network
from tinytracker.targets.imx500.chip.sensor import MODES, Roi
from tinytracker.targets.imx500.running import camera
from tinytracker.targets.imx500.running.network import load_exported
from tinytracker.targets.imx500.running.simulate import EndOfPictures
from tinytracker.targets.imx500.simulated import open_simulated
from tinytracker.tracking.calibrating import network_used
from tinytracker.tracking.pipeline import run

from ..targets.imx500.fake import TIMING, FakeHardware, Faults, FaultySensor, brightness, card
from ..targets.imx500.small import write_small_export
from ..targets.imx500.test_deploy import rpk
from ..training.tiny import write_dataset

WALK = [np.full((480, 640, 3), 96, np.uint8)]


def deployed(folder: Path, made: ModelCard | None = None) -> Path:
    """A packaged network with its card."""
    network = folder / "network.rpk"
    network.write_bytes(rpk())
    write_card(
        replace(made or card(), sha256=sha256(network), counts={"macs": 16_700_000}), card_path(network)
    )
    return network


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, portrait: np.ndarray) -> FakeHardware:
    """The camera that the commands find: 120 frames of a real face, then silence; a result shows which region
    was seen."""
    frame = np.tile(np.linspace(40, 200, 640, dtype=np.uint8)[None, :, None], (480, 1, 3))
    frame[20:460, 100:540] = portrait[:440, 40:480]
    hardware = FakeHardware(FaultySensor([frame] * 120, Faults(), brightness))
    monkeypatch.setattr(camera, "Picamera2Hardware", lambda: hardware)

    expose = hardware.sensor.expose

    def until_silent() -> object:
        try:
            return expose()
        except EndOfPictures:
            raise TimeoutError from None

    monkeypatch.setattr(hardware.sensor, "expose", until_silent)
    return hardware


def test_track(fake: FakeHardware, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The loop's lag is measured first; rows carry gaze and lag; the table has the sensor's own times."""
    network = deployed(tmp_path)
    code = cli.run(
        [
            "track",
            f"imx500:{network}",
            "--csv",
            str(tmp_path / "gaze.csv"),
            "--max-frames",
            "20",
            "--no-filter",
        ]
    )
    out, err = capsys.readouterr()
    assert code == 0, err
    assert "the loop's lag: 3 frames" in err
    assert "network (dnn)" in out
    assert "measured by the sensor" in out
    with (tmp_path / "gaze.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 20
    assert sum(row["valid"] == "1" for row in rows) >= 18
    assert {row["lag_ms"] for row in rows if row["valid"] == "1"} == {"33.3"}
    assert fake.opened == ["chip", "camera", "closed"]


def calibrated(folder: Path, network: Path) -> Path:
    """The profile of somebody who looks 3 degrees lower than the network in the sensor says."""
    dots = [Dot.of_angles((x, y), [(x - 1.0, y + 3.0)] * 15) for x, y in ((0, -8), (-12, -2), (12, -14))]
    used = network_used(read_card(card_path(network)))
    Calibration.fit(dots, conditions=Conditions(used)).save(folder / "me.json")
    return folder / "me.json"


def test_track_calibrated(fake: FakeHardware, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = deployed(tmp_path)
    profile = calibrated(tmp_path, network)
    given = ["--csv", str(tmp_path / "gaze.csv"), "--max-frames", "5", "--no-filter", "--no-measure-lag"]
    assert cli.run(["track", f"imx500:{network}", "--calibration", str(profile), *given]) == 0
    calibration = Calibration.load(profile).carried_over()  # before a camera: of another sitting
    with (tmp_path / "gaze.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["valid"] == "1"]
    assert {row["calibration_id"] for row in rows} == {calibration.id}
    raw, told = (
        np.array([[float(row[f"{kind}{axis}_deg"]) for axis in "xy"] for row in rows])
        for kind in ("raw_", "")
    )
    np.testing.assert_allclose(told, np.stack(calibration.apply(*raw.T), axis=1), atol=0.01)
    assert np.abs(told - raw).max() > 1
    (tmp_path / "other").mkdir()
    other = deployed(tmp_path / "other", replace(card(), name="another"))
    other.write_bytes(other.read_bytes() + b"0")
    write_card(replace(read_card(card_path(other)), sha256=sha256(other)), card_path(other))
    assert cli.run(["track", f"imx500:{other}", "--calibration", str(profile), *given]) == 3
    assert "but gaze comes from another" in capsys.readouterr().err


def test_the_page_takes_its_frames_and_gaze_from_the_sensor(fake: FakeHardware, tmp_path: Path) -> None:
    pytest.importorskip("starlette")
    from tinytracker.cli.live import _tracker
    from tinytracker.web.live import Live, LiveOptions
    from tinytracker.web.tracking import TrackingThread

    network = deployed(tmp_path)
    options = LiveOptions(source=f"imx500:{network}", folder=tmp_path)
    with ExitStack() as stack:
        live = Live(options, _tracker(options, None, stack))
    seen: list[GazeSample] = []
    enough = threading.Event()

    class Watcher:
        def seen(self, frame: Frame, sample: GazeSample) -> None:
            seen.append(sample)
            if len(seen) >= 20:
                enough.set()

        def camera_gone(self, why: str) -> None:
            raise AssertionError(why)

    live.tracking = TrackingThread(live._opener(None), live.pipeline, Watcher())
    live.tracking.start()
    assert enough.wait(30)
    live.tracking.stop()
    assert sum(sample.is_valid for sample in seen) >= 15
    assert fake.opened == ["chip", "camera", "closed"]


def test_track_until_the_camera_falls_silent_keeps_the_rows(
    fake: FakeHardware, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = deployed(tmp_path)
    code = cli.run(
        ["track", f"imx500:{network}", "--jsonl", str(tmp_path / "gaze.jsonl"), "--no-measure-lag"]
    )
    err = capsys.readouterr().err
    assert code == 5
    assert "gave no frame for 15 s, opened 2 times anew" in err
    assert len((tmp_path / "gaze.jsonl").read_text().splitlines()) == 120


def test_track_a_network_with_other_outputs(
    fake: FakeHardware, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.sensor.network = lambda tensor: [np.zeros((100, 4), np.float32)]
    network = deployed(tmp_path)
    assert (
        cli.run(["track", f"imx500:{network}", "--csv", str(tmp_path / "gaze.csv"), "--no-measure-lag"]) == 5
    )
    err = capsys.readouterr().err
    assert "100x4" in err
    assert err.strip().count("\n") <= 1


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["track", "imx500:"], 2, "packaged network"),
        (["track", "imx500:nowhere.rpk"], 3, "tinytracker deploy imx500"),
        (["track", "imx500:{rpk}", "--roi", "0,0,9999,10"], 2, "inside 4056 x 3040"),
        (["track", "imx500:{rpk}", "--sensor-mode", "tiny"], 2, "full, binned"),
        (["track", "imx500:{rpk}", "--board", "qemu-m4"], 2, "choose one"),
        (["deploy", "spresense", "x"], 2, "no board"),
        (["deploy", "imx500", "{folder}"], 3, "packerOut.zip"),
        (["bench", "nothing"], 2, "no board"),
        (["bench", "imx500", "--board", "serial:x"], 2, "imx500:NETWORK.rpk"),
        (["simulate", "imx500"], 2, "--model DIR"),
        (["simulate", "imx500", "--model", "{folder}"], 3, "one .onnx"),
        (["evaluate", "--inject", "{folder}"], 2, "--board imx500:NETWORK.rpk"),
        (["evaluate", "--board", "serial:x", "--inject", "{folder}"], 2, "imx500:NETWORK.rpk"),
    ],
)
def test_mistakes_are_one_line(
    fake: FakeHardware,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    told: str,
) -> None:
    network = deployed(tmp_path)
    filled = [argument.format(rpk=network, folder=tmp_path) for argument in arguments]
    assert cli.run(filled) == code
    err = capsys.readouterr().err
    assert told in err
    assert "Traceback" not in err


def test_bench_estimates_and_measures(
    fake: FakeHardware, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = deployed(tmp_path)
    arguments = [
        "bench",
        "imx500",
        str(network),
        "--board",
        f"imx500:{network}",
        "--frames",
        "20",
        "--csv",
        str(tmp_path / "c.csv"),
    ]
    assert cli.run(arguments) == 0, capsys.readouterr().err
    with (tmp_path / "c.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["how"] for row in rows} == {"estimated", "measured", "published"}
    measured = {row["metric"]: float(row["value"]) for row in rows if row["how"] == "measured"}
    assert measured["inference"] == pytest.approx(1.0)
    assert measured["region_lag"] == pytest.approx(3 * 33.3)


def test_evaluate_by_injection(
    fake: FakeHardware, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half of the test split first, then the rest: each crop runs on the chip once, and the errors are those
    of its answers."""
    network = deployed(tmp_path)
    write_dataset(tmp_path / "data")
    dataset = Dataset.open([tmp_path / "data"])
    test = dataset.split("test")
    left_and_upper = (
        dataset.faces(test)[:, :, :32].mean((1, 2, 3)),
        dataset.faces(test)[:, :32].mean((1, 2, 3)),
    )
    gaze_cm = 10 * (np.stack(left_and_upper, axis=1) - 128) / 256
    error_cm = np.hypot(
        *(gaze_cm - np.stack([dataset.labels[f"gaze_{axis}_cm"][test] for axis in "xy"], axis=1)).T
    )
    arguments = [
        "evaluate",
        "--board",
        f"imx500:{network}",
        "--inject",
        str(tmp_path / "data"),
        "--csv",
        str(tmp_path / "e.csv"),
    ]
    for limit, asked, injections in ((["--limit", "4"], [0, 2, 5, 7], 4), ([], list(range(8)), 4)):
        assert cli.run([*arguments, *limit]) == 0, capsys.readouterr().err
        assert f"{len(asked)} of {len(asked)} samples run on the chip" in capsys.readouterr().out
        with (tmp_path / "e.csv").open(newline="") as file:
            rows = {
                row["metric"]: row
                for row in csv.DictReader(file)
                if row["group"] == "all" and row["target"] == "imx500"
            }
        assert float(rows["error"]["value"]) == pytest.approx(error_cm[asked].mean(), abs=0.01)
        assert (float(rows["frames"]["value"]), float(rows["invalid"]["value"])) == (len(asked), 0)
        assert len(fake.chip.injected) == injections
    assert len((tmp_path / "fake_injected.jsonl").read_text().splitlines()) == 1 + 8


def test_lint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for model, code, told in (
        ("tinytracker_imx", 0, "imx500 can run"),
        ("tinytracker_s", 6, "error: face: 1 channel (grey), the sensor feeds 3; train it with options"),
    ):
        network = create_model(model)
        save_network(network, network.card(model, recipe={"model": model}), tmp_path / "m.safetensors")
        assert cli.run(["lint", str(tmp_path / "m.safetensors"), "--target", "imx500"]) == code
        assert told in capsys.readouterr().out


onnx = pytest.importorskip("onnx")


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """A folder as the export leaves it: a little network (mean of each half of the picture), channels first,
    and its card."""
    return write_small_export(tmp_path / "exported")


def test_simulate_a_video(
    exported: Path, tmp_path: Path, portrait: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    import cv2

    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for index in range(12):
        cv2.imwrite(str(pictures / f"{index}.png"), np.roll(portrait, 3 * index, axis=1)[..., ::-1])
    code = cli.run(
        ["simulate", "imx500", str(pictures), "--model", str(exported), "--csv", str(tmp_path / "gaze.csv")]
    )
    out, err = capsys.readouterr()
    assert code == 0, err
    assert "12 frames" in out
    assert "a region holds 2 frames after its command, a result comes 1 after its own" in out
    with (tmp_path / "gaze.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["reason"] == "no result from the sensor"
    assert sum(row["valid"] == "1" for row in rows) == 11


def test_simulate_error_against_lag(
    exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The later the region, the farther it trails the moving face; without prediction."""
    pytest.importorskip("numba")
    monkeypatch.setenv("COLUMNS", "160")
    arguments = [
        "simulate",
        "imx500",
        "--model",
        str(exported),
        "--seconds",
        "2",
        "--motion",
        "4",
        "--no-predict",
        "--people",
        "1",
    ]
    code = cli.run([*arguments, "--lag", "1", "--lag", "12", "--plot", str(tmp_path / "lag.png")])
    out, err = capsys.readouterr()
    assert code == 0, err
    shares = [
        float(line.split("%")[0].split("│")[-1]) for line in out.splitlines() if "%" in line and "ms)" in line
    ]
    assert len(shares) == 2
    assert shares[1] > 2 * shares[0]
    assert (tmp_path / "lag.png").stat().st_size > 10_000


def test_simulate_a_baked_position_keeps_the_region(exported: Path, portrait: np.ndarray) -> None:
    """The network was made for that region and no other."""
    spec = InputSpec("face", "face", 64, 64, position="baked")
    write_card(replace(card(counts={"macs": 24_576}), inputs=(spec,)), exported / "small.json")
    (exported / "network_intrinsics.json").write_text(
        json.dumps({"tinytracker": {"fixed_region": [0.25, 0.25, 0.5, 0.5]}})
    )
    frames = [Frame(portrait, index, index * 33_300_000) for index in range(6)]
    network, size = load_exported(exported), (frames[0].width_px, frames[0].height_px)
    source, pipeline = open_simulated(network, MODES["binned"], iter(frames), TIMING, size)
    with source:
        assert run(pipeline, source).frames == 6
    assert [roi for _, roi in source.sensor.seen[3:]] == [Roi(1014, 760, 2028, 1520)] * 3


def test_simulated_arithmetic_is_the_networks(exported: Path) -> None:
    """Through registers and quantiser the ONNX sees (p - 128) / 128."""
    from tinytracker.targets.imx500.chip.isp import tensor_of

    network = load_exported(exported)
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:, :32] = 192
    left, upper = network.run(tensor_of(picture, network.registers))[0]
    assert (left, upper) == pytest.approx(((192 - 128) / 128, ((192 - 128) / 128 - 1) / 2), abs=1e-5)


def test_registers_of_the_packaged_network_are_used(exported: Path) -> None:
    """As the packager rounded them."""
    (exported / "network.rpk").write_bytes(rpk().replace(b"K11=0x0400", b"K11=0x0401"))
    assert load_exported(exported).registers.div_val == (1024, 1025, 1024)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (b"K11=0x0400", b"K11=0x0200"),
        (b"K03=0x1800", b"K03=0x0000"),
        (b"Format=RGB", b"Format=BGR"),
    ],
)
def test_simulate_refuses_a_package_that_would_be_fed_wrong(
    exported: Path, right: bytes, wrong: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    (exported / "network.rpk").write_bytes(rpk().replace(right, wrong))
    assert cli.run(["simulate", "imx500", "--model", str(exported)]) != 0
    err = capsys.readouterr().err
    assert "network.rpk" in err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1
