"""The live pipeline on the fake camera: what each fault does to the rows, with the real face tracker on a
real face."""

from __future__ import annotations

import csv
import logging
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tinytracker.cards import InputSpec, ModelCard
from tinytracker.domain import Box, Face, Frame, GazePoint, GazeSample
from tinytracker.errors import DeviceError, InputError, ModelError
from tinytracker.evaluation.clips import Collector
from tinytracker.faces.finder import open_finder
from tinytracker.faces.tracker import FaceTracker
from tinytracker.targets.imx500.chip.metadata import with_result
from tinytracker.targets.imx500.chip.sensor import MODES, WHOLE_SENSOR, Roi, View, view_of_whole_picture
from tinytracker.targets.imx500.running.camera import CameraSettings, ChipCamera, Picamera2Hardware
from tinytracker.targets.imx500.running.live import NO_RESULT, STALE, ChipGaze, ChipModel, ChipTimes
from tinytracker.targets.imx500.running.simulate import EndOfPictures, SimulatedSource, Timing
from tinytracker.tracking.assemble import open_locator
from tinytracker.tracking.pipeline import GazePipeline, run
from tinytracker.tracking.sinks import CsvSink

from .fake import TIMING, FakeHardware, Faults, FaultySensor, ReplayHardware, ReplaySensor, card

FRAME_MS = TIMING.frame_ms


@dataclass
class Outcome:
    samples: list[GazeSample]
    rows: list[dict[str, str]]
    hardware: FakeHardware
    times: ChipTimes
    camera: ChipCamera
    error: Exception | None

    @property
    def reasons(self) -> list[str]:
        return [sample.reason for sample in self.samples]


def track(
    tmp_path: Path,
    images: list[np.ndarray],
    faults: Faults | None = None,
    *,
    timing: Timing = TIMING,
    loop_lag: int | None = TIMING.loop_frames,
    retries: int = 2,
    roi: Roi | None = None,
    model: ModelCard | None = None,
) -> Outcome:
    """Tracks all pictures into a CSV file as the command does: rows had before a DeviceError are kept."""
    network = tmp_path / "network.rpk"
    network.write_bytes(b"")
    sensor = FaultySensor(images, faults or Faults(), timing=timing)
    hardware = FakeHardware(sensor)
    camera = ChipCamera(network, CameraSettings(MODES["binned"], timeout_s=0.01, retries=retries), hardware)
    tracker = FaceTracker(open_finder(), open_locator())
    gaze = ChipGaze(ChipModel(model or card()), camera, MODES["binned"], loop_lag_frames=loop_lag, roi=roi)
    collector, error = Collector(), None
    with camera, CsvSink(tmp_path / "gaze.csv") as sink:
        try:
            run(GazePipeline(gaze, tracker), camera, [sink, collector])
        except (DeviceError, EndOfPictures) as ended:
            error = ended
    with (tmp_path / "gaze.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return Outcome(collector.samples, rows, hardware, gaze.times, camera, error)


def told_view() -> View:
    """What the pictures show of the sensor, as the metadata tells it: in whole pixels."""
    crop = view_of_whole_picture(640, 480).crop
    lengths = (crop.x_px, crop.y_px, crop.width_px, crop.height_px)
    return View((640, 480), Box(*(float(round(length)) for length in lengths)))


def valid(outcome: Outcome) -> list[int]:
    return [k for k, sample in enumerate(outcome.samples) if sample.is_valid]


def test_undisturbed(tmp_path: Path, walk: list[np.ndarray]) -> None:
    """The first frame has no result yet; then each row is the gaze of one frame before, and says so."""
    outcome = track(tmp_path, walk)
    assert len(outcome.rows) == len(walk)
    assert outcome.reasons == [NO_RESULT] + [""] * 39
    assert {row["lag_ms"] for row in outcome.rows[1:]} == {"33.3"}
    assert outcome.hardware.opened == ["chip", "camera", "closed"]
    assert outcome.times.lags == {1: 39}
    assert outcome.times.kpi_ms[-1] == (1.0, 1.4)


def test_region_follows_the_face(tmp_path: Path, walk: list[np.ndarray]) -> None:
    """Two frames after a command, what the network sees is the face where it is by then, within 4 % of its
    width."""
    outcome = track(tmp_path, walk)
    view = told_view()
    off = []
    for frame in range(12, 39):
        face = outcome.samples[frame].face
        assert face is not None
        seen, there = outcome.hardware.sensor.seen[frame][1].box, view.to_sensor(face.box)
        off.append(abs(seen.centre_px[0] - there.centre_px[0]) / there.width_px)
    assert np.median(off) < 0.04


def test_tensor_missing_for_three_frames(tmp_path: Path, walk: list[np.ndarray]) -> None:
    outcome = track(tmp_path, walk, Faults(missing=frozenset({10, 11, 12})))
    assert [outcome.reasons[k] for k in (9, 10, 11, 12, 13)] == ["", NO_RESULT, NO_RESULT, NO_RESULT, ""]
    assert len(outcome.rows) == 40
    assert outcome.rows[11]["reason"] == NO_RESULT
    assert outcome.rows[11]["gaze_x_cm"] == ""
    assert outcome.times.lags == {1: 36}  # the results after the gap are no older than before


def test_one_time_out_is_survived(
    tmp_path: Path, walk: list[np.ndarray], caplog: pytest.LogCaptureFixture
) -> None:
    """The camera is opened anew, once, in the right order, with one line said; all rows stay, the region
    too."""
    with caplog.at_level(logging.WARNING):
        outcome = track(tmp_path, walk, Faults(timeouts=frozenset({20})))
    assert len(outcome.rows) == 40
    assert outcome.hardware.opened == ["chip", "camera", "flush", "closed", "chip", "camera", "closed"]
    assert [record.message for record in caplog.records if "opening it anew" in record.message] == [
        f"imx500:{tmp_path / 'network.rpk'}: no frame for 0.01 s; opening it anew"
    ]
    assert [row["frame"] for row in outcome.rows] == [str(k) for k in range(40)]
    assert len(valid(outcome)) >= 37


def test_after_a_restart_the_stages_begin_anew(tmp_path: Path, walk: list[np.ndarray]) -> None:
    """Once at the first frame, which has nothing before it, and once when the camera was opened anew, not
    where a result lacks."""
    (tmp_path / "network.rpk").write_bytes(b"")
    hardware = FakeHardware(FaultySensor(walk, Faults(timeouts=frozenset({20}), missing=frozenset({10}))))
    camera = ChipCamera(tmp_path / "network.rpk", CameraSettings(MODES["binned"], timeout_s=0.01), hardware)
    gaze = ChipGaze(ChipModel(card()), camera, MODES["binned"], loop_lag_frames=TIMING.loop_frames)

    class Told:
        frames = 0
        resets: list[int] = []  # noqa: RUF012

        def apply(self, x_deg: float, y_deg: float, t_ns: int) -> tuple[float, float]:
            return x_deg, y_deg

        def reset(self) -> None:
            self.resets.append(tracked.frames)

    tracked = Told()
    pipeline = GazePipeline(gaze, FaceTracker(open_finder(), open_locator()), [tracked])
    with camera, suppress(EndOfPictures):
        for frame in camera:
            pipeline.process(frame)
            tracked.frames += 1
    assert tracked.frames == 40
    assert tracked.resets == [0, 20]


def test_a_frame_of_another_source_is_refused(tmp_path: Path) -> None:
    (tmp_path / "network.rpk").write_bytes(b"")
    camera = ChipCamera(tmp_path / "network.rpk", CameraSettings(MODES["binned"]))
    gaze = ChipGaze(ChipModel(card()), camera, MODES["binned"])
    picture = Frame(np.zeros((480, 640, 3), np.uint8), 0, 0, "me.mp4")
    with pytest.raises(TypeError, match=r"me\.mp4 comes from no ChipCamera"):
        GazePipeline(gaze, FaceTracker(open_finder(), open_locator())).process(picture)


def test_time_outs_without_end_stop_with_one_message_and_keep_the_rows(
    tmp_path: Path, walk: list[np.ndarray]
) -> None:
    outcome = track(tmp_path, walk, Faults(timeouts=frozenset(range(15, 1000))))
    assert isinstance(outcome.error, DeviceError)
    assert "gave no frame for 0.03 s, opened 2 times anew" in str(outcome.error)
    assert len(outcome.rows) == 15
    assert outcome.hardware.opened.count("chip") == 3
    assert outcome.hardware.opened[-1] == "closed"


def test_retries_are_counted_anew_after_a_frame(tmp_path: Path, walk: list[np.ndarray]) -> None:
    outcome = track(tmp_path, walk, Faults(timeouts=frozenset({5, 6, 10, 11, 15, 16})))
    assert isinstance(outcome.error, EndOfPictures)
    assert len(outcome.rows) == 40
    assert outcome.camera.restarts == 6


def test_results_six_frames_late(tmp_path: Path, walk: list[np.ndarray]) -> None:
    """They stay gaze, each row says how late; meanwhile nothing new comes for six frames."""
    outcome = track(tmp_path, walk, Faults(later_from=20, later_by=6))
    assert outcome.reasons[20:27] == ["", *[STALE] * 6]
    assert len(outcome.rows) == 40
    assert {row["lag_ms"] for row in outcome.rows[27:]} == {f"{7 * FRAME_MS:.1f}"}
    assert outcome.times.lags == {1: 20, 7: 13}


def test_late_results_are_placed_by_the_region_of_their_time(tmp_path: Path, walk: list[np.ndarray]) -> None:
    """The host's correction hears of the region that the network saw then, not of today's."""
    seen: list[Box] = []

    class Spy(ChipModel):
        def take(self, numbers: np.ndarray, seen_px: Box, frame_px: tuple[int, int]) -> GazePoint:
            seen.append(seen_px)
            return super().take(numbers, seen_px, frame_px)

    (tmp_path / "network.rpk").write_bytes(b"")
    timing = Timing(FRAME_MS, 19.2, 1.4, 1.0, roi_frames=2, extra_frames=5)
    hardware = FakeHardware(FaultySensor(walk, Faults(), timing=timing))
    camera = ChipCamera(tmp_path / "network.rpk", CameraSettings(MODES["binned"]), hardware)
    tracker = FaceTracker(open_finder(), open_locator())
    gaze = ChipGaze(Spy(card()), camera, MODES["binned"], loop_lag_frames=timing.loop_frames)
    with camera, pytest.raises(EndOfPictures):
        run(GazePipeline(gaze, tracker), camera)
    view = told_view()
    truth = [view.to_picture(roi.box) for _, roi in hardware.sensor.seen]
    assert len(seen) == 34
    assert seen == truth[: len(seen)]


def test_slow_network(tmp_path: Path, walk: list[np.ndarray]) -> None:
    """60 ms of inference at 33 ms a frame: every other frame repeats a result, and says so instead of
    counting it twice."""
    outcome = track(tmp_path, walk, timing=Timing(FRAME_MS, 19.2, 1.4, 60.0))
    reasons = outcome.reasons[3:39]
    assert reasons.count(STALE) == pytest.approx(len(reasons) / 2, abs=1)
    assert reasons.count("") == pytest.approx(len(reasons) / 2, abs=1)


@pytest.mark.parametrize(
    ("outputs", "told"),
    [
        ((np.zeros((300, 4), np.float32), np.zeros(300, np.float32)), "300x4, 300"),
        ((np.zeros(3, np.float32),), "gives 3,"),
    ],
)
def test_network_with_other_outputs(
    tmp_path: Path, walk: list[np.ndarray], outputs: tuple[np.ndarray, ...], told: str
) -> None:
    outcome = track(tmp_path, walk, Faults(outputs=outputs))
    assert isinstance(outcome.error, DeviceError)
    assert told in str(outcome.error)
    assert "another network" in str(outcome.error)
    assert [row["reason"] for row in outcome.rows] == [NO_RESULT]  # what there was before is kept


def test_face_partly_outside_keeps_the_region_on_the_sensor(tmp_path: Path, walk: list[np.ndarray]) -> None:
    """The face leaves the picture at the right: no region ever leaves the sensor or changes its shape."""
    leaving = [np.roll(frame, 170 + 4 * k, axis=1) for k, frame in enumerate(walk[:1] * 30)]
    outcome = track(tmp_path, leaving)
    regions = [roi for _, roi in outcome.hardware.sensor.seen if roi != WHOLE_SENSOR]
    assert regions
    for roi in regions:
        assert roi.is_inside
        assert roi.width_px == pytest.approx(roi.height_px, abs=2)
    assert len(outcome.rows) == 30


def test_driver_that_keeps_its_region(
    tmp_path: Path, walk: list[np.ndarray], caplog: pytest.LogCaptureFixture
) -> None:
    """picamera2 prints and goes on when the driver refuses; we say so once and count with the region it
    has."""
    with caplog.at_level(logging.WARNING):
        outcome = track(tmp_path, walk, Faults(refuses_roi=True))
    assert sum("holds the region" in record.message for record in caplog.records) == 1
    assert {roi for _, roi in outcome.hardware.sensor.seen} == {WHOLE_SENSOR}
    assert len(valid(outcome)) == 39


def test_fixed_region(tmp_path: Path, walk: list[np.ndarray]) -> None:
    fixed = Roi(400, 300, 2400, 2400)
    outcome = track(tmp_path, walk, roi=fixed)
    assert {roi for _, roi in outcome.hardware.sensor.seen[3:]} == {fixed}


def test_without_a_face_there_is_no_gaze(tmp_path: Path) -> None:
    outcome = track(tmp_path, [np.full((480, 640, 3), 90, np.uint8)] * 6)
    assert outcome.reasons == [NO_RESULT] + ["no face"] * 5
    assert {roi for _, roi in outcome.hardware.sensor.seen} == {WHOLE_SENSOR}


def test_lag_by_the_sensors_own_times_where_it_was_not_measured(
    tmp_path: Path, walk: list[np.ndarray]
) -> None:
    outcome = track(tmp_path, walk, timing=Timing(FRAME_MS, 19.2, 1.4, 80.0), loop_lag=None)
    assert min(outcome.times.lags) == 4  # 19.2 ms of read-out and 81.4 ms over 33.3 ms


class TestModel:
    def test_correction_by_the_box(self) -> None:
        """gaze = y * scale(box) + offset(box) with one hidden layer, by hand."""
        correction = {
            "input": "face_box",
            "hidden": {"weight": [[1, 0, 0, 0], [0, 0, -1, 0]], "bias": [0.5, 0.0]},
            "scale": {"weight": [[1, 0], [0, 0]], "bias": [1.0, 2.0]},
            "offset": {"weight": [[0, 0], [0, 1]], "bias": [0.1, 0.0]},
        }
        model = ChipModel(card(correction=correction))
        # Box numbers of (160, 0, 320, 480) in 640 x 480: (-0.5, -1, 0, 1); hidden: (0, 0).
        gaze = model.take(np.array([0.5, -0.25], np.float32), Box(160, 0, 320, 480), (640, 480))
        assert (gaze.x_cm, gaze.y_cm) == pytest.approx((10 * (0.5 + 0.1), 10 * -0.5))
        # (480, 0, 160, 480): (0.5, -1, -0.5, 1); hidden: (1, 0.5).
        gaze = model.take(np.array([0.5, -0.25], np.float32), Box(480, 0, 160, 480), (640, 480))
        assert (gaze.x_cm, gaze.y_cm) == pytest.approx((10 * (0.5 * 2 + 0.1), 10 * (-0.5 + 0.5)))

    def test_constant_correction(self) -> None:
        model = ChipModel(
            card(correction={"input": "", "scale": {"bias": [2.0, 2.0]}, "offset": {"bias": [-1.0, -1.0]}})
        )
        assert model.take(np.array([0.75, 0.5]), Box(0, 0, 1, 1), (2, 2)) == GazePoint(5.0, 0.0)

    def test_eye_band_is_a_wide_rectangle_over_both_eyes(self) -> None:
        face = Face(Box(100, 100, 200, 200), Box(200, 130, 50, 50), Box(120, 130, 50, 50))
        assert ChipModel(card("eye_band", (96, 256))).target(face) == Box(85, 117.5, 200, 75)

    @pytest.mark.parametrize(
        "wrong",
        [
            ModelCard("m", "f", (InputSpec("face", "face", 64, 64, position="channels"),)),
            ModelCard("m", "f", (InputSpec("face", "face", 64, 64, colour="grey"),)),
            ModelCard("m", "f", (InputSpec("a", "left_eye", 64, 64), InputSpec("b", "right_eye", 64, 64))),
            ModelCard("m", "f", (InputSpec("face", "face", 64, 64),), output="eyes"),
        ],
    )
    def test_networks_the_sensor_cannot_feed(self, wrong: ModelCard) -> None:
        with pytest.raises(ModelError, match="one picture of three channels"):
            ChipModel(wrong)


class TestCamera:
    def test_without_picamera2(self, tmp_path: Path) -> None:
        try:
            import picamera2  # noqa: F401
        except ImportError:
            (tmp_path / "network.rpk").write_bytes(b"")
            camera = ChipCamera(
                tmp_path / "network.rpk", CameraSettings(MODES["binned"]), Picamera2Hardware()
            )
            with pytest.raises(DeviceError, match="sudo apt install imx500-all python3-picamera2"), camera:
                pass
        else:
            pytest.skip("picamera2 is here")

    def test_without_a_network(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="tinytracker deploy imx500"):
            ChipCamera(tmp_path / "network.rpk", CameraSettings(MODES["binned"]))

    def test_camera_that_does_not_start_leaves_nothing_open(
        self, tmp_path: Path, walk: list[np.ndarray]
    ) -> None:
        (tmp_path / "network.rpk").write_bytes(b"")
        hardware = FakeHardware(FaultySensor(walk, Faults()))

        def busy(number: int) -> None:
            hardware.opened.append("camera")
            raise RuntimeError("Device or resource busy")

        hardware.open_camera = busy  # type: ignore[method-assign, assignment]
        camera = ChipCamera(tmp_path / "network.rpk", CameraSettings(MODES["binned"]), hardware)
        with pytest.raises(DeviceError, match="another program"), camera:
            pass

    def test_replays_recorded_metadata(self, tmp_path: Path) -> None:
        """Metadata as libcamera delivers it, frame by frame: numbers, lists and tuples, a frame lost between
        two."""
        (tmp_path / "network.rpk").write_bytes(b"")
        common = {"FrameDuration": 33300, "ScalerCrop": (0, 0, 4056, 3040), "ExposureTime": 9000}
        outputs = [np.array([[0.25], [-0.5]], np.float32)]
        recorded = [
            {**common, "SensorTimestamp": 1_000_000_000},
            {**common, "SensorTimestamp": 1_033_300_000, **with_result(outputs, "network", 200, (0.9, 1.2))},
            {**common, "SensorTimestamp": 1_099_900_000, **with_result(outputs, "network", 202, (0.9, 1.2))},
        ]
        hardware = ReplayHardware(ReplaySensor(recorded, np.zeros((480, 640, 3), np.uint8)))
        camera = ChipCamera(tmp_path / "network.rpk", CameraSettings(MODES["binned"]), hardware)
        with camera:
            news = [camera.read().news for _ in recorded]
            assert camera.set_roi(Roi(10, 20, 300, 400)) == Roi(10, 20, 300, 400)
        assert [item.frame for item in news] == [0, 1, 3]
        assert news[0].result is None
        assert news[2].result is not None
        assert news[2].result.frame_count == 202
        assert news[2].result.outputs[0].tolist() == [[0.25], [-0.5]]
        assert news[2].kpi_ms == (0.9, 1.2)
        assert hardware.sensor.commanded == [Roi(10, 20, 300, 400)]


def test_simulated_source_ends_with_the_pictures(tmp_path: Path, walk: list[np.ndarray]) -> None:
    (tmp_path / "card.json").write_bytes(b"")
    source = SimulatedSource(
        tmp_path / "card.json", CameraSettings(MODES["binned"]), FaultySensor(walk[:5], Faults())
    )
    with source:
        assert [frame.index for frame in source] == [0, 1, 2, 3, 4]
