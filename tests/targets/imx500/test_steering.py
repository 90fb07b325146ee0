"""Lag from 8-bit counters, regions in time, and a region that goes where the face will be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinytracker.domain import Box, Face
from tinytracker.targets.imx500.chip.sensor import MODES, WHOLE_SENSOR, Roi, roi_around, view_of_whole_picture
from tinytracker.targets.imx500.running.simulate import SimulatedChip, SimulatedSensor, Timing
from tinytracker.targets.imx500.running.steering import (
    FrameNumbers,
    LagMeter,
    RoiLog,
    Steering,
    SteeringSettings,
    measure_loop_lag,
)

from .fake import REGISTERS, TENSOR, brightness, pictures

VIEW = view_of_whole_picture(640, 480)


class TestLagMeter:
    @given(st.integers(0, 255), st.integers(0, 2000), st.lists(st.integers(0, 100), min_size=1, max_size=50))
    def test_any_start_of_the_counter(self, first_count: int, first_frame: int, late: list[int]) -> None:
        """Once a freshest result has come, each lateness is told exactly, across the counter's wrap."""
        meter = LagMeter(least_frames=2)
        frames = first_frame + 300 * np.arange(len(late) + 1)
        assert meter.update(int(frames[0]), int(frames[0] + first_count) % 256) == 2
        for frame, lateness in zip(frames[1:].tolist(), late, strict=True):
            assert meter.update(frame, (frame + first_count - lateness) % 256) == 2 + lateness

    def test_fresher_than_ever_becomes_the_least(self) -> None:
        meter = LagMeter(1)
        assert [meter.update(10, 4), meter.update(11, 5), meter.update(12, 8), meter.update(13, 7)] == [
            1,
            1,
            1,
            3,
        ]

    def test_six_frames_later(self) -> None:
        meter = LagMeter(1)
        counts = [250, 251, 252, 253, 254 - 6, 255 - 6, 256 - 6]
        assert [meter.update(frame, count) for frame, count in enumerate(counts)] == [1, 1, 1, 1, 7, 7, 7]


class TestFrameNumbers:
    def test_frames_the_host_missed_count(self) -> None:
        numbers = FrameNumbers()
        times_ms = [0.0, 33.4, 66.5, 166.6, 200.0]
        assert [numbers.number(round((5000 + t) * 1e6), 33.3) for t in times_ms] == [0, 1, 2, 5, 6]

    def test_two_frames_never_share_a_number(self) -> None:
        numbers = FrameNumbers()
        assert [numbers.number(t, 33.3) for t in (100, 100, 101)] == [0, 1, 2]


def test_roi_log_knows_when() -> None:
    log = RoiLog()
    first, second = Roi(0, 0, 100, 100), Roi(10, 0, 100, 100)
    log.command(3, first)
    log.command(7, second)
    assert [log.at(frame) for frame in (-5, 2, 3, 6, 7, 90)] == [
        WHOLE_SENSOR,
        WHOLE_SENSOR,
        first,
        first,
        second,
        second,
    ]
    for frame in range(8, 900):
        log.command(frame, Roi(frame, 0, 100, 100))
    assert log.at(899) == log.last == Roi(899, 0, 100, 100)
    assert log.at(0).x_px < 899 - 200  # forgotten: the oldest that is remembered


def face(x_px: float, y_px: float = 200.0, width_px: float = 120.0) -> Face:
    return Face(Box(x_px, y_px, width_px, width_px))


def steering(lead_frames: float = 3, **settings: object) -> Steering:
    return Steering(
        lambda face: face.box, VIEW, MODES["full"], (64, 64), lead_frames, SteeringSettings(**settings)
    )  # type: ignore[arg-type]


class TestSteering:
    def test_region_of_a_still_face_stays(self) -> None:
        steer = steering()
        roi = steer.follow(0, face(100))
        assert roi == roi_around(VIEW.to_sensor(Box(100, 200, 120, 120)), (64, 64), MODES["full"])
        assert [steer.follow(frame, face(100 + 0.5 * (frame % 2))) for frame in range(1, 6)] == [None] * 5

    def test_region_leads_a_moving_face(self) -> None:
        """4 px a frame, to the right: the region commanded now lies where the face will be in three
        frames."""
        steer, still = steering(), steering(predict=False)
        for frame in range(12):
            ahead, behind = (
                steer.follow(frame, face(100 + 4 * frame)),
                still.follow(frame, face(100 + 4 * frame)),
            )
        assert ahead is not None
        assert behind is not None
        scale = VIEW.crop.width_px / 640
        assert ahead.box.centre_px[0] - behind.box.centre_px[0] == pytest.approx(3 * 4 * scale, abs=4)

    def test_region_runs_no_farther_than_allowed(self) -> None:
        steer = steering(lead_frames=50)
        for frame in range(8):
            roi = steer.follow(frame, face(100 + 20 * frame))
        assert roi is not None
        assert roi.box.centre_px[0] - VIEW.to_sensor(face(240).box).centre_px[0] == pytest.approx(
            0.3 * roi.width_px, abs=4
        )

    def test_lost_face_leaves_the_region_and_forgets_the_motion(self) -> None:
        steer = steering()
        for frame in range(5):
            steer.follow(frame, face(100 + 10 * frame))
        assert steer.follow(5, None) is None
        assert steer.follow(6, face(300)) == roi_around(
            VIEW.to_sensor(face(300).box), (64, 64), MODES["full"]
        )

    @given(
        st.lists(st.tuples(st.floats(-300, 900), st.floats(-300, 700), st.floats(1, 900)), max_size=30),
        st.floats(0, 20),
    )
    def test_region_never_leaves_the_sensor(
        self, faces: list[tuple[float, float, float]], lead: float
    ) -> None:
        steer = steering(lead_frames=lead)
        for frame, (x, y, width) in enumerate(faces):
            roi = steer.follow(frame, face(x, y, width))
            assert roi is None or roi.is_inside


class TestLoopLag:
    @pytest.mark.parametrize(("roi_frames", "extra"), [(1, 0), (2, 0), (2, 5), (6, 6)])
    def test_is_measured_from_outside(self, roi_frames: int, extra: int) -> None:
        """The simulated loop's lag is found by commanding regions and watching the outputs, noise in them
        or not."""
        rng = np.random.default_rng(0)
        scene = np.tile(np.linspace(0, 255, 640, dtype=np.uint8)[None, :, None], (480, 1, 3))
        timing = Timing(33.3, 19.2, 1.4, 1.0, roi_frames, extra)

        def noisy(tensor: np.ndarray) -> list[np.ndarray]:
            return [brightness(tensor)[0] + rng.normal(0, 0.003, 2).astype(np.float32)]

        sensor = SimulatedSensor(pictures([scene] * 120), noisy, REGISTERS, TENSOR, timing)
        chip = SimulatedChip(sensor)

        def step(roi: Roi | None) -> list[np.ndarray] | None:
            if roi is not None:
                chip.set_inference_roi_abs(roi.as_tuple)
            return chip.get_outputs(sensor.expose()[1])

        assert measure_loop_lag(step, WHOLE_SENSOR, Roi(0, 0, 600, 600)) == timing.loop_frames

    def test_nothing_to_see_gives_none(self) -> None:
        grey = [np.full((48, 64, 3), 90, np.uint8)] * 120
        sensor = SimulatedSensor(pictures(grey), brightness, REGISTERS, TENSOR, Timing(33.3, 19.2, 1.4, 1.0))
        chip = SimulatedChip(sensor)
        assert (
            measure_loop_lag(
                lambda roi: chip.get_outputs(sensor.expose()[1]), WHOLE_SENSOR, Roi(0, 0, 600, 600)
            )
            is None
        )

    def test_no_results_give_none(self) -> None:
        assert measure_loop_lag(lambda roi: None, WHOLE_SENSOR, Roi(0, 0, 600, 600)) is None
