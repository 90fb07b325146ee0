"""Following a face: when the detector runs, when it does not, and which face is followed.

The world is a list of faces per frame; the finder and the locator report on it as real ones would.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest

from tinytracker.domain import Box, EyeLandmarks
from tinytracker.faces.boxes import eye_middles_px, face_box_from_corners, interocular_px
from tinytracker.faces.eyes import PROBES, corners_from_eyes
from tinytracker.faces.finder import Detection, HaarFinder
from tinytracker.faces.tracker import NO_EYES, FaceTracker, TrackerSettings

SIZE = (480, 640)


@dataclass(frozen=True)
class Head:
    """Eyes' middle and distance in pixels; `seed` is its look."""

    x_px: float = 320.0
    y_px: float = 200.0
    interocular_px: float = 60.0
    seed: int = 1
    detectable: bool = True

    @property
    def eyes_px(self) -> np.ndarray:
        half = self.interocular_px / 2
        return np.array([[self.x_px + half, self.y_px], [self.x_px - half, self.y_px]])

    @property
    def corners_px(self) -> np.ndarray:
        return corners_from_eyes(self.eyes_px)

    @property
    def box(self) -> Box:
        return face_box_from_corners(self.corners_px)


def picture(*heads: Head) -> np.ndarray:
    """A grey frame with a random pattern, its own, where each head is."""
    frame = np.full((*SIZE, 3), 100, np.uint8)
    for head in heads:
        look = np.random.default_rng(head.seed).integers(0, 255, (8, 8, 3), dtype=np.uint8)
        x, y, side = round(head.box.x_px), round(head.box.y_px), round(head.box.width_px)
        frame[y : y + side, x : x + side] = cv2.resize(look, (side, side), interpolation=cv2.INTER_CUBIC)
    return frame


@dataclass
class World:
    """A finder and a locator that know where the heads are, and count how often they are asked."""

    heads: list[Head] = field(default_factory=list)
    whole_searches: int = 0
    near_searches: int = 0
    located: int = 0
    noise_px: float = 0.0
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def find(
        self, image: np.ndarray, region: Box | None = None, width_px: tuple[float, float] | None = None
    ) -> list[Detection]:
        if region is None:
            self.whole_searches += 1
        else:
            self.near_searches += 1
        seen = [
            head for head in self.heads if head.detectable and (region is None or _inside(head.box, region))
        ]
        seen = [head for head in seen if width_px is None or width_px[0] <= head.box.width_px <= width_px[1]]
        return [
            Detection(head.box, head.eyes_px, 1.0)
            for head in sorted(seen, key=lambda head: -head.box.width_px)
        ]

    def locate(self, image: np.ndarray, face: Box) -> EyeLandmarks:
        """The eyes of the nearest head if the crop shows it, else nonsense."""
        self.located += 1
        heads = [
            head
            for head in self.heads
            if abs(head.box.centre_px[0] - face.centre_px[0]) < 0.6 * face.width_px
        ]
        if not heads:
            return EyeLandmarks(np.zeros((2, 2, 2)), np.zeros((2, 2)), np.zeros(2))
        corners = heads[0].corners_px + self.rng.normal(0, self.noise_px, (2, 2, 2))
        return EyeLandmarks(corners, heads[0].eyes_px, np.full(2, 0.35))


def _inside(box: Box, region: Box) -> bool:
    x, y = box.centre_px
    return (
        region.x_px <= x <= region.x_px + region.width_px
        and region.y_px <= y <= region.y_px + region.height_px
    )


def follow(tracker: FaceTracker, world: World, *moments: list[Head]) -> list[object]:
    results = []
    for heads in moments:
        world.heads = heads
        results.append(tracker.update(picture(*heads)))
    return results


def middle_of(tracked) -> np.ndarray:  # type: ignore[no-untyped-def]
    return np.array([tracked.face.box.centre_px[0], tracked.face.left_eye.centre_px[1]])


def test_detector_runs_once_and_the_locator_follows() -> None:
    world = World()
    path = [[Head(x_px=250 + 4 * k, y_px=200 + k)] for k in range(20)]
    results = follow(FaceTracker(world, world), world, *path)
    assert (world.whole_searches, world.near_searches) == (1, 0)
    last = results[-1]
    assert last.face.found_by == "tracker"
    np.testing.assert_allclose(middle_of(last), [250 + 76, 219], atol=4)
    assert last.face.left_eye.centre_px[0] > last.face.right_eye.centre_px[0]


def test_without_locator_the_detector_looks_near_the_last_box() -> None:
    world = World()
    path = [[Head(x_px=250 + 4 * k)] for k in range(20)]
    results = follow(FaceTracker(world), world, *path)
    assert (world.whole_searches, world.near_searches, world.located) == (1, 19, 0)
    assert results[-1].face.landmarks is None
    np.testing.assert_allclose(middle_of(results[-1]), [326, 200], atol=1e-6)


@pytest.mark.parametrize("with_locator", [True, False])
def test_whole_frame_is_searched_again_after_a_while(with_locator: bool) -> None:
    world = World()
    tracker = FaceTracker(world, world if with_locator else None, TrackerSettings(refresh_frames=10))
    results = follow(tracker, world, *([[Head()]] * 15 + [[Head(), Head(x_px=520, seed=2)]] * 10))
    assert world.whole_searches == 3
    assert [result.faces for result in results] == [1] * 20 + [2] * 5


@pytest.mark.parametrize("with_locator", [True, False])
def test_no_face_and_back(with_locator: bool) -> None:
    world = World()
    tracker = FaceTracker(world, world if with_locator else None)
    results = follow(tracker, world, [], [Head()], [], [Head(x_px=500)])
    assert [result.face is not None for result in results] == [False, True, False, True]
    assert [result.faces for result in results] == [0, 1, 0, 1]
    assert results[0].reason == results[2].reason == "no face"
    assert results[3].face.found_by == "detector"


@pytest.mark.parametrize("with_locator", [True, False])
def test_largest_of_two_faces_then_the_one_followed(with_locator: bool) -> None:
    """The other face grows larger, but the one followed is kept, through whole searches too."""
    world = World()
    tracker = FaceTracker(world, world if with_locator else None, TrackerSettings(refresh_frames=4))
    small, large = Head(x_px=160, interocular_px=40, seed=2), Head(x_px=460, interocular_px=60)
    largest = Head(x_px=160, interocular_px=75, seed=2)
    results = follow(tracker, world, *([[small, large]] * 3 + [[largest, large]] * 12))
    assert all(abs(middle_of(result)[0] - 460) < 2 for result in results)
    assert results[-1].faces == 2


def test_sudden_change_is_noticed_at_once_though_the_locator_would_go_on() -> None:
    """Another picture in the same place: the look no longer fits, so the detector is asked, and finds
    nothing."""
    world = World()
    tracker = FaceTracker(world, world)
    world.heads = [Head()]
    tracker.update(picture(Head()))
    assert tracker.update(picture(Head())).face is not None
    world.heads = [Head(detectable=False, seed=7)]
    result = tracker.update(picture(*world.heads))
    assert (result.face, result.reason, world.whole_searches) == (None, "no face", 2)


def test_face_the_detector_misses_is_kept_for_a_while_only() -> None:
    """A head turned aside: the eyes are still found and it looks the same, but not for ever without a
    confirmation."""
    world = World()
    tracker = FaceTracker(world, world, TrackerSettings(refresh_frames=5, patience=2))
    results = follow(tracker, world, [Head()], *([[Head(detectable=False)]] * 30))
    found = [result.face is not None for result in results]
    assert found == [True] * 15 + [False] * 16


def test_face_whose_eyes_make_no_sense_is_no_face() -> None:
    """A detector's mistake on a wall: a box, but no eyes in it."""

    class Wall(World):
        def locate(self, image: np.ndarray, face: Box) -> EyeLandmarks:
            return EyeLandmarks(np.zeros((2, 2, 2)), np.zeros((2, 2)), np.zeros(2))

    world = Wall(heads=[Head()])
    result = FaceTracker(world, world).update(picture(Head()))
    assert (result.face, result.reason, result.faces) == (None, NO_EYES, 1)


def test_box_is_steadier_than_the_locator_and_keeps_up_with_motion() -> None:
    world = World(noise_px=1.0)
    tracker = FaceTracker(world, world, TrackerSettings(refresh_frames=1000))
    results = follow(tracker, world, *([[Head()]] * 60))
    boxes = np.array([middle_of(result) for result in results[5:]])
    raw = np.array([eye_middles_px(result.face.landmarks.corners_px).mean(axis=0) for result in results[5:]])
    assert np.diff(boxes, axis=0).std() < 0.6 * np.diff(raw, axis=0).std()
    world.noise_px = 0.0
    jumped = follow(tracker, world, [Head(x_px=350)])[0]
    assert abs(middle_of(jumped)[0] - 350) < 1.0


def test_badly_placed_box_is_cropped_twice() -> None:
    """The first crop comes from a detector whose boxes sit low; the second from the eyes found in it."""

    class Low(World):
        def find(
            self, image: np.ndarray, region: Box | None = None, width_px: tuple[float, float] | None = None
        ):  # type: ignore[no-untyped-def]
            head = self.heads[0]
            return [Detection(head.box, head.eyes_px + [0.0, 0.5 * head.interocular_px], 1.0)]

    crops: list[Box] = []

    class Watching(Low):
        def locate(self, image: np.ndarray, face: Box) -> EyeLandmarks:
            crops.append(face)
            return super().locate(image, face)

    world = Watching(heads=[Head()])
    FaceTracker(world, world).update(picture(Head()))
    assert len(crops) == 2 + len(PROBES)
    assert crops[0].y_px - Head().box.y_px == pytest.approx(30)
    assert crops[1].y_px == pytest.approx(Head().box.y_px)


def test_reset_searches_anew() -> None:
    world = World()
    tracker = FaceTracker(world, world)
    follow(tracker, world, [Head()])
    tracker.reset()
    follow(tracker, world, [Head()])
    assert world.whole_searches == 2


def test_stages_are_timed() -> None:
    from contextlib import nullcontext

    seen: list[str] = []

    def stage(name: str) -> nullcontext[None]:
        seen.append(name)
        return nullcontext()

    world = World(heads=[Head()])
    tracker = FaceTracker(world, world)
    tracker.update(picture(Head()), stage)
    tracker.update(picture(Head()), stage)
    assert seen == ["face", "eyes", "eyes", "face", "eyes"]  # found, located, probed; followed, located


def test_real_portrait_is_followed_by_haar_alone(portrait: np.ndarray) -> None:
    """A real face carried across the frame; its box keeps to it."""
    tracker = FaceTracker(HaarFinder())
    for shift in range(0, 60, 6):
        moved = np.roll(portrait, shift, axis=1)
        face = tracker.update(moved).face
        assert face is not None
        assert abs(face.box.centre_px[0] - (225.7 + shift)) < 8
        assert interocular_px(
            corners_from_eyes(np.array([face.left_eye.centre_px, face.right_eye.centre_px]))
        ) == pytest.approx(44.7, rel=0.3)
