"""Injection against the fake chip: each sample gets its own result, whatever the counter and the bus do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tinytracker.cards import InputSpec
from tinytracker.errors import DatasetError, DeviceError
from tinytracker.targets.imx500.chip.sensor import MODES
from tinytracker.targets.imx500.running.camera import CameraSettings, ChipCamera
from tinytracker.targets.imx500.running.inject import (
    InjectionLog,
    Injector,
    inject_all,
    input_tensors,
    seen_boxes,
)

from .fake import REGISTERS, FakeHardware, Faults, FaultySensor

GREY = [np.full((48, 64, 3), 90, np.uint8)]


def average(tensor: np.ndarray) -> list[np.ndarray]:
    """Two numbers that tell the samples apart."""
    return [np.array([tensor[0].astype(float).mean(), tensor[2].astype(float).mean()], np.float32)]


def tensor(value: int) -> np.ndarray:
    return np.full((3, 64, 64), value, np.int8)


class Bench:
    def __init__(
        self, tmp_path: Path, faults: Faults | None = None, frames: int = 600, first_count: int = 250
    ) -> None:
        (tmp_path / "network.rpk").write_bytes(b"")
        self.sensor = FaultySensor(GREY * frames, faults or Faults(), average)
        self.sensor.first_count = first_count
        self.hardware = FakeHardware(self.sensor)
        settings = CameraSettings(MODES["binned"])
        self.camera = ChipCamera(tmp_path / "network.rpk", settings, self.hardware, tensor_injection=True)

    def __enter__(self) -> Injector:
        self.camera.__enter__()
        return Injector(self.camera, retries=5, frames=30, pause_s=0)

    def __exit__(self, *error: object) -> None:
        self.camera.__exit__(None, None, None)


def test_each_sample_gets_its_own_result_across_the_wrap(tmp_path: Path) -> None:
    """The counter starts at 250 and wraps at once; results of the sample before are still under way each
    time."""
    with Bench(tmp_path) as injector:
        got = [float(injector.run(tensor(value)).outputs[0][0]) for value in range(-60, 60)]
    assert got == list(range(-60, 60))
    assert (injector.errors, injector.missed) == (0, 0)


def test_opened_for_injection(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    with bench:
        pass
    assert bench.hardware.opened == ["chip, injecting", "camera", "closed"]


def test_errno_121_is_tried_again(tmp_path: Path) -> None:
    with Bench(tmp_path, Faults(injection_errors=frozenset({0, 1, 3}))) as injector:
        assert [injector.run(tensor(value)).outputs[0][0] for value in (5, 6)] == [5, 6]
    assert injector.errors == 3


def test_lost_frame_is_injected_again(tmp_path: Path) -> None:
    with Bench(tmp_path, Faults(missed_injections=frozenset({1, 2}))) as injector:
        assert [injector.run(tensor(value)).outputs[0][0] for value in (5, 6, 7)] == [5, 6, 7]
    assert injector.missed == 2


def test_a_driver_that_names_no_frame_is_not_taken_for_frame_zero(tmp_path: Path) -> None:
    """picamera2 says 0 where its ioctl fails; the frame that is really called 0 is found all the same."""
    bench = Bench(tmp_path, first_count=100)
    with bench as injector:
        chip, silent = injector._source.chip, {0, 1, 4}
        asked = iter(range(10_000))
        own = chip.get_injection_cmp_frm
        chip.get_injection_cmp_frm = lambda: 0 if next(asked) in silent else own()
        got = [float(injector.run(tensor(value)).outputs[0][0]) for value in range(-80, 80)]
    assert got == list(range(-80, 80)), "the counter passes 0 meanwhile"
    assert injector.errors == len(silent)


def test_gives_up_in_one_line(tmp_path: Path) -> None:
    with (
        Bench(tmp_path, Faults(injection_errors=frozenset(range(100)))) as injector,
        pytest.raises(DeviceError, match=r"6 attempts.*bypass-cache"),
    ):
        injector.run(tensor(1))


def test_other_errors_are_not_retried(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    with bench as injector:

        def broken(handle: int) -> None:
            raise RuntimeError("no such control") from OSError(22, "Invalid argument")

        bench.hardware.chip._IMX500__set_input_tensor = broken  # type: ignore[method-assign]
        with pytest.raises(DeviceError, match="no such control"):
            injector.run(tensor(1))
    assert injector.errors == 0


def test_padded_as_the_chip_wants_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.sensor.tensor_size = (40, 33)
    with bench as injector:
        injector.run(np.ones((3, 33, 40), np.int8))
    data = np.frombuffer(bench.hardware.chip.injected[0], np.int8).reshape(3, 34, 64)
    assert data[:, :33, :40].all()
    assert data.sum() == 3 * 33 * 40


class Crops:
    """Stored crops as a dataset offers them: sample k is uniformly 10 k."""

    def __init__(self, count: int) -> None:
        self.labels = {
            "face_x_px": np.arange(count) * 1.0,
            "face_y_px": np.full(count, 20.0),
            "face_w_px": np.full(count, 50.0),
            "face_h_px": np.full(count, 50.0),
            "frame_width_px": np.full(count, 640),
            "frame_height_px": np.full(count, 480),
        }

    def pictures(self, kind: str, indices: np.ndarray) -> np.ndarray:
        assert kind == "face"
        return np.stack([np.full((80, 80, 3), 10 * k, np.uint8) for k in indices])


def test_tensors_are_what_the_processor_would_make(tmp_path: Path) -> None:
    spec = InputSpec("face", "face", 64, 64)
    made = list(input_tensors(Crops(20), np.array([0, 7, 19]), spec, REGISTERS))  # type: ignore[arg-type]
    assert [t[1, 5, 5] for t in made] == [-128, 70 - 128, 190 - 128]
    assert made[0].shape == (3, 64, 64)
    box, frame_px = next(iter(seen_boxes(Crops(20), np.array([7]), spec)))  # type: ignore[arg-type]
    assert (box.x_px, box.width_px, frame_px) == (7.0, 50.0, (640, 480))


ABOUT = {"network": "abc", "dataset": "d", "split": "test"}


class TestResuming:
    def run(self, tmp_path: Path, stop_after: int | None = None) -> tuple[dict[int, float], int]:
        log = InjectionLog(tmp_path / "log.jsonl", ABOUT)
        bench = Bench(tmp_path)
        asked: list[int] = []

        def tensors(indices: np.ndarray) -> Iterator[np.ndarray]:
            for index in indices:
                asked.append(int(index))
                yield tensor(int(index))

        with bench as injector:
            inject_all(
                injector,
                log,
                np.arange(10),
                tensors,
                stop=lambda: stop_after is not None and len(asked) > stop_after,
            )
        log.close()
        return {sample: float(outputs[0]) for sample, outputs in log.done.items()}, len(
            bench.hardware.chip.injected
        )

    def test_stopped_and_started_again(self, tmp_path: Path) -> None:
        first, injected = self.run(tmp_path, stop_after=4)
        assert (sorted(first), injected) == ([0, 1, 2, 3], 4)
        everything, injected = self.run(tmp_path)
        assert everything == {k: float(k) for k in range(10)}
        assert injected == 6

    def test_killed_in_the_middle_of_a_line(self, tmp_path: Path) -> None:
        self.run(tmp_path, stop_after=4)
        path = tmp_path / "log.jsonl"
        path.write_bytes(path.read_bytes() + b'{"sample": 4, "outp')
        everything, injected = self.run(tmp_path)
        assert everything == {k: float(k) for k in range(10)}
        assert injected == 6
        assert all(json.loads(line) for line in path.read_text().splitlines())

    def test_log_of_another_run_is_refused(self, tmp_path: Path) -> None:
        self.run(tmp_path, stop_after=1)
        with pytest.raises(DatasetError, match="was begun for"):
            InjectionLog(tmp_path / "log.jsonl", {**ABOUT, "network": "other"})

    def test_any_file_is_not_a_log(self, tmp_path: Path) -> None:
        (tmp_path / "log.jsonl").write_text(json.dumps(ABOUT, sort_keys=True) + "\nhello\n")
        with pytest.raises(DatasetError, match="no log of injections"):
            InjectionLog(tmp_path / "log.jsonl", ABOUT)
