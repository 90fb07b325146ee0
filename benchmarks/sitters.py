"""How good calibrating is for the ten people who can sit at `tinytracker live --demo`: found, followed and
seen as live, in a time of their own, so that no figure hangs on the machine.

    python benchmarks/sitters.py                 # all ten; a person costs some 8 s of one core
    python benchmarks/sitters.py 32 52

Each sits at the demo's laptop (34.5 cm wide, 1280 x 720, its camera 640 x 480 at twelve frames a second) and
looks at five dots, then at eight others; sits down anew, looks at one dot, and at four others. Degrees, mean
over the other dots' frames, as `Calibration.check` has them; in another sitting uncalibrated, by what was
fitted in the first, by what of it is expected to last (`Calibration.carried_over`, as a stored profile is
used), and with one new dot. Who sits there by default
(`synthetic.unseen.LIVE_PERSON`) was in the middle of the ten when it was chosen.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from tinytracker.calibration.calibration import Calibration
from tinytracker.calibration.dots import SETTLE_NS, Dot
from tinytracker.calibration.layouts import Place, check_layout, layout
from tinytracker.devices import Device, sized_device
from tinytracker.domain import Frame
from tinytracker.engines.model import GazeModel
from tinytracker.geometry import points_to_camera_cm
from tinytracker.synthetic.sitter import Sitter
from tinytracker.synthetic.unseen import CLIP_PEOPLE
from tinytracker.tracking.assemble import build_pipeline
from tinytracker.tracking.calibrating import prior_of
from tinytracker.tracking.pipeline import GazePipeline

SCREEN = replace(sized_device("laptop", 34.5, 19.4), width_points=1280, height_points=720)
FRAME_NS = 1_000_000_000 // 12
FRAMES_PER_DOT = 12


class Sat:
    """One person before the screen. now_ns: their own time."""

    def __init__(self, person: int, pipeline: GazePipeline, screen: Device = SCREEN) -> None:
        self.sitter = Sitter(screen, person)
        self._pipeline, self._screen, self._now_ns, self._index = pipeline, screen, 0, 0
        pipeline.fov_deg = self.sitter.fov_deg
        pipeline.tracker.reset()

    def look(self, places: Sequence[Place]) -> list[Dot]:
        """The dots at these shares of the screen, as they would have been collected."""
        return [self._look(*place) for place in places]

    def _look(self, across: float, down: float) -> Dot:
        place = across * self._screen.width_points, down * self._screen.height_points
        self.sitter.look_at(*place)
        shown_ns, samples = self._now_ns, []
        self.sitter.at(shown_ns / 1e9)  # the dot is seen, and the eyes set out
        self._now_ns += SETTLE_NS
        for _ in range(FRAMES_PER_DOT):
            sight = self.sitter.at(self._now_ns / 1e9)
            samples.append(self._pipeline.process(Frame(sight.image, self._index, self._now_ns)))
            self._now_ns, self._index = self._now_ns + FRAME_NS, self._index + 1
        x_cm, y_cm = points_to_camera_cm(*place, self._screen)
        return Dot.of_samples(float(x_cm), float(y_cm), samples, shown_ns, place)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("people", type=int, nargs="*", default=list(CLIP_PEOPLE), metavar="N")
    people = parser.parse_args().people
    cv2.setNumThreads(1)
    model = GazeModel.load("tinytracker-eyes")
    pipeline, prior = build_pipeline(model), prior_of(model.card)
    print(
        "person: uncalibrated, after five dots; in another sitting: uncalibrated, as it was, stored, with "
        "one new dot"
    )
    rows = []
    for person in people:
        sat = Sat(person, pipeline)
        calibration = Calibration.fit(sat.look(layout(5)), prior)
        check = calibration.check(sat.look(check_layout(8)))
        sat.sitter.sit_down_anew()
        (middle,) = sat.look(layout(1))
        others = sat.look(check_layout(4))
        later = calibration.check(others)
        stored, recentred = (
            one.check(others).error_deg for one in (calibration.carried_over(), calibration.recentred(middle))
        )
        rows.append(
            (
                check.uncalibrated_deg,
                check.error_deg,
                later.uncalibrated_deg,
                later.error_deg,
                stored,
                recentred,
            )
        )
        print(f"{person:5d}: " + ", ".join(f"{value:.2f}" for value in rows[-1]), flush=True)
    print(" mean: " + ", ".join(f"{value:.2f}" for value in np.mean(rows, axis=0)))


if __name__ == "__main__":
    main()
