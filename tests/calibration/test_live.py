"""One's own program shows dots: a rendered person looks where the program draws, through the real pipeline,
in another thread."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Self

import numpy as np
import pytest

from tinytracker.calibration.layouts import check_layout, layout
from tinytracker.devices import sized_device
from tinytracker.domain import Frame
from tinytracker.engines.model import GazeModel
from tinytracker.errors import DeviceError, UsageError
from tinytracker.faces.finder import open_finder
from tinytracker.faces.tracker import FaceTracker
from tinytracker.geometry import screen_size_points
from tinytracker.tracking.assemble import open_locator
from tinytracker.tracking.calibrating import LiveCalibration, conditions_of, network_used, prior_of
from tinytracker.tracking.pipeline import GazePipeline

pytest.importorskip("numba", reason="numba, which renders people, is not installed")

SCREEN = sized_device("laptop", 34.0, 21.0)
FRAME_NS = 66_666_667


class PersonAtCamera:
    """A camera before somebody who looks at `place_px`, which the test moves; it ends after `frames`."""

    name, is_live, frame_count, frames_per_second = "rendered camera", True, None, 15.0

    def __init__(self, frames: int = 400) -> None:
        from tinytracker.synthetic.person import Person
        from tinytracker.synthetic.session import Session
        from tinytracker.synthetic.setup import Setup

        self._rng = np.random.default_rng(5)
        self._session = Session(Person.from_seed(77_022), self._rng, Setup.at(SCREEN, self._rng))
        self._frames = frames
        self.place_px = (100.0, 100.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def __iter__(self) -> Iterator[Frame]:
        from tinytracker.synthetic.pose import Sway
        from tinytracker.synthetic.subject import Expression

        for index in range(self._frames):
            target = self._session.target(*self.place_px)
            shown = self._session.frame_at(target, Sway.draw(self._rng).scaled(0.1), Expression(smile=0.15))
            yield Frame(shown.image(), index, index * FRAME_NS, self.name)


@pytest.fixture
def pipeline() -> GazePipeline:
    tracker = FaceTracker(open_finder(None), open_locator())
    return GazePipeline(GazeModel.load("tinytracker-eyes"), tracker, screen=SCREEN)


def test_a_program_calibrates_with_its_own_dots(pipeline: GazePipeline) -> None:
    camera, model = PersonAtCamera(), GazeModel.load("tinytracker-eyes")
    conditions = conditions_of(network_used(model.card), SCREEN, camera, (640, 480), 60.0)
    width, height = screen_size_points(SCREEN, 1)
    with LiveCalibration(pipeline, camera, conditions, prior_of(model.card)) as live:
        for number, (across, down) in enumerate([*layout(3), *check_layout(4)[:2]]):
            camera.place_px = (
                across * width,
                down * height,
            )  # the program draws the dot, the person looks at it
            live.show(*camera.place_px)
            assert live.wait(hold_out=number >= 3, timeout_s=120) == ""
        calibration = live.finish()
    assert len(calibration.dots) == 3 + 2  # those of the check, once they had told
    assert all(dot.frames >= 15 for dot in calibration.dots)
    assert calibration.validation is not None
    assert len(calibration.validation.dots) == 2
    assert (
        calibration.validation.error_deg < 4.0
    )  # the middle of the screen is 6 away; frames come as they can
    assert calibration.conditions.camera is not None
    assert calibration.conditions.camera.name == "rendered camera"


def test_a_camera_that_ends_is_said(pipeline: GazePipeline) -> None:
    with LiveCalibration(pipeline, PersonAtCamera(frames=2)) as live:
        live.show(100.0, 100.0)
        with pytest.raises(DeviceError, match="rendered camera ended before the calibration did"):
            live.wait(timeout_s=60)


def test_dots_must_be_shown_and_a_screen_known(pipeline: GazePipeline) -> None:
    with (
        LiveCalibration(pipeline, PersonAtCamera(frames=1)) as live,
        pytest.raises(UsageError, match="no dot is shown"),
    ):
        live.wait()
    pipeline.screen = None
    with pytest.raises(UsageError, match="needs the screen"):
        LiveCalibration(pipeline, PersonAtCamera(frames=1))
