"""The whole runtime on real encoded video: a portrait, nobody, two faces; and the rules of the pipeline on
its own."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from tests.tracking.conftest import Encoder, face_at
from tinytracker.devices import sized_device
from tinytracker.domain import Box, EyeLandmarks, Face, Frame, GazePoint
from tinytracker.errors import UsageError, VideoError
from tinytracker.evaluation.clips import Collector
from tinytracker.faces.eyes import corners_from_eyes
from tinytracker.faces.finder import Detection, HaarFinder
from tinytracker.faces.tracker import FaceTracker
from tinytracker.tracking.filters import OneEuroFilter
from tinytracker.tracking.gaze import EYES_CLOSED
from tinytracker.tracking.pipeline import GazePipeline, distance_of_face_cm, run
from tinytracker.tracking.sources import VideoSource


class StubModel:
    """Looks 3 cm right and 8 cm down, plus what `noise` says; counts how often it is asked."""

    def __init__(self, noise: float = 0.0) -> None:
        self.asked: list[Face] = []
        self._rng = np.random.default_rng(0)
        self._noise = noise

    def predict(self, image: np.ndarray, face: Face) -> GazePoint:
        self.asked.append(face)
        x, y = self._rng.normal(0, self._noise, 2)
        return GazePoint(3.0 + x, -8.0 + y)


class Scripted:
    """A finder and locator of one face whose eyes are open as `openness` says, frame by frame; None: no
    face."""

    def __init__(self, openness: list[float | None]) -> None:
        self.openness = openness
        self.frame = -1

    def start(self) -> None:
        self.frame += 1

    def find(
        self, image: np.ndarray, region: Box | None = None, width_px: tuple[float, float] | None = None
    ) -> list[Detection]:
        if self.openness[self.frame] is None:
            return []
        face = face_at(320, 200)
        eyes = np.array([face.left_eye.centre_px, face.right_eye.centre_px])  # type: ignore[union-attr]
        return [Detection(face.box, eyes, 1.0)]

    def locate(self, image: np.ndarray, face: Box) -> EyeLandmarks:
        eyes = np.array([[350.0, 200.0], [290.0, 200.0]])
        openness = self.openness[self.frame]
        corners = np.zeros((2, 2, 2)) if openness is None else corners_from_eyes(eyes)
        return EyeLandmarks(corners, eyes, np.full(2, openness or 0.0))


def through(pipeline: GazePipeline, scripted: Scripted) -> list:  # type: ignore[type-arg]
    image = np.random.default_rng(0).integers(0, 255, (480, 640, 3), dtype=np.uint8)
    samples = []
    for index in range(len(scripted.openness)):
        scripted.start()
        samples.append(pipeline.process(Frame(image, index, index * 33_333_333)))
    return samples


def test_real_video_with_nobody_and_with_two_faces(portrait: np.ndarray, encode: Encoder) -> None:
    """Encoded and decoded as any video is: 4 frames of a face, 4 of a wall, 4 of two faces."""
    head = portrait[20:240, 110:330]
    nobody = np.full_like(portrait, 110)
    two = nobody.copy()
    two[20:240, 20:240] = head
    two[200:500, 200:500] = cv2.resize(head, (300, 300))
    video = encode([portrait] * 4 + [nobody] * 4 + [two] * 4, rate=30)
    collector, model = Collector(), StubModel()
    pipeline = GazePipeline(model, FaceTracker(HaarFinder()))
    with VideoSource(video) as source:
        summary = run(pipeline, source, [collector])
    assert [sample.is_valid for sample in collector.samples] == [True] * 4 + [False] * 4 + [True] * 4
    assert [sample.reason for sample in collector.samples[4:8]] == ["no face"] * 4
    assert [sample.faces for sample in collector.samples] == [1] * 4 + [0] * 4 + [2] * 4
    assert (summary.frames, summary.valid, summary.most_faces, dict(summary.reasons)) == (
        12,
        8,
        2,
        {"no face": 4},
    )
    found = collector.samples[0].face
    assert found is not None
    assert abs(found.box.centre_px[0] - 225.7) < 8
    largest = collector.samples[-1].face
    assert largest is not None
    assert largest.box.centre_px[0] > 300
    assert [sample.frame_index for sample in collector.samples] == list(range(12))


def test_change_of_size_ends_the_run_with_an_error(encode: Encoder, tmp_path) -> None:  # type: ignore[no-untyped-def]
    grey = np.full((48, 64, 3), 90, np.uint8)
    joined = tmp_path / "joined.h264"
    parts = (encode([grey] * 3, name="a.h264"), encode([cv2.resize(grey, (128, 96))] * 3, name="b.h264"))
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    collector = Collector()
    with VideoSource(joined) as source, pytest.raises(VideoError, match="at frame 3: expected 64 x 48"):
        run(GazePipeline(StubModel(), FaceTracker(HaarFinder())), source, [collector])
    assert len(collector.samples) == 3


def test_sample_holds_cm_degrees_and_pixels() -> None:
    scripted = Scripted([0.3])
    screen = sized_device("laptop", 34.0, 21.0)
    sample = through(
        GazePipeline(StubModel(), FaceTracker(scripted, scripted), screen=screen, fov_deg=60), scripted
    )[0]
    focal_px = 320 / math.tan(math.radians(30))
    assert sample.distance_cm == pytest.approx(focal_px * 6.3 / 60)
    assert (sample.gaze.x_cm, sample.gaze.y_cm) == (pytest.approx(3), pytest.approx(-8))
    assert sample.x_deg == pytest.approx(math.degrees(math.atan2(3, sample.distance_cm)))
    assert sample.y_deg == pytest.approx(math.degrees(math.atan2(-8, sample.distance_cm)))
    # 40 points per cm, camera 1 cm above the middle of the upper edge
    assert sample.screen_px == (pytest.approx((17 + 3) * 40), pytest.approx((8 - 1) * 40))


def test_closed_eyes_have_no_gaze_and_the_network_is_not_asked() -> None:
    scripted = Scripted([0.3, 0.02, 0.02, 0.3])
    model = StubModel()
    samples = through(GazePipeline(model, FaceTracker(scripted, scripted)), scripted)
    assert [sample.reason for sample in samples] == ["", EYES_CLOSED, EYES_CLOSED, ""]
    assert [sample.is_valid for sample in samples] == [True, False, False, True]
    assert samples[1].face is not None
    assert samples[1].distance_cm is not None
    assert len(model.asked) == 2


@pytest.mark.parametrize("interruption", [0.02, None])
def test_filter_starts_anew_after_a_blink_or_a_lost_face(interruption: float | None) -> None:
    """Before and after the interruption the gaze is elsewhere; a filter that remembered would drag along."""
    scripted = Scripted([0.3, 0.3, 0.3, interruption, 0.3])

    class Jumping(StubModel):
        def predict(self, image: np.ndarray, face: Face) -> GazePoint:
            return GazePoint(10.0, 0.0) if scripted.frame > 3 else GazePoint(-10.0, 0.0)

    samples = through(GazePipeline(Jumping(), FaceTracker(scripted, scripted), [OneEuroFilter()]), scripted)
    assert samples[-1].gaze.x_cm == pytest.approx(10.0)


def test_filter_steadies_the_gaze_in_cm_too() -> None:
    scripted = Scripted([0.3] * 60)
    raw = through(GazePipeline(StubModel(noise=1.0), FaceTracker(scripted, scripted)), scripted)
    scripted.frame = -1
    steady = through(
        GazePipeline(StubModel(noise=1.0), FaceTracker(scripted, scripted), [OneEuroFilter()]), scripted
    )
    tremor = [np.diff([sample.gaze.x_cm for sample in samples[20:]]).std() for samples in (raw, steady)]
    assert tremor[1] < 0.35 * tremor[0]


def test_distance_from_the_eyes_distance_in_pixels() -> None:
    """A pinhole of 90 degrees has a focal length of half the frame's longer side, upright or not."""
    near, far = face_at(interocular_px=63), face_at(interocular_px=31.5)
    assert distance_of_face_cm(near, 640, 480, 90) == pytest.approx(32.0)
    assert distance_of_face_cm(far, 480, 640, 90) == pytest.approx(64.0)


def test_field_of_view_that_no_camera_has() -> None:
    with pytest.raises(UsageError, match="field of view"):
        GazePipeline(StubModel(), FaceTracker(HaarFinder()), fov_deg=0.5)


def test_run_stops_when_told(encode: Encoder) -> None:
    video = encode([np.full((48, 64, 3), 90, np.uint8)] * 10)
    for options, frames in (({"max_frames": 4}, 4), ({"stop": lambda: True}, 0), ({}, 10)):
        seen: list[tuple[int, int]] = []
        with VideoSource(video) as source:
            pipeline = GazePipeline(StubModel(), FaceTracker(HaarFinder()))
            summary = run(
                pipeline,
                source,
                progress=lambda done, total, seen=seen: seen.append((done, total)),
                **options,
            )  # type: ignore[arg-type, misc]
        assert summary.frames == frames
        assert seen == [(done, 10) for done in range(1, frames + 1)]
        assert summary.stopped == ("stop" in options)


def test_every_stage_is_timed(portrait: np.ndarray, encode: Encoder) -> None:
    pipeline = GazePipeline(StubModel(), FaceTracker(HaarFinder()), [OneEuroFilter()])
    with VideoSource(encode([portrait] * 3)) as source:
        run(pipeline, source)
    stages = {row.stage: row for row in pipeline.watch.stages()}
    assert list(stages) == ["read", "face", "gaze", "stages", "write", "total"]
    assert all(row.runs == 3 for row in stages.values())
    parts = sum(row.per_frame_ms for name, row in stages.items() if name != "total")
    assert 0.5 * stages["total"].per_frame_ms < parts <= 1.01 * stages["total"].per_frame_ms
