"""What the region's lag costs, with a trained network: python benchmarks/imx500_lag.py [--people 5] [--plot
lag.png]

The steering loop of the IMX500 on rendered people who move the head, once with and once without prediction.
The gaze network is the released tinytracker (int8, LiteRT), which needs the face's position beside the
picture: it gets the region that holds, which the sensor itself could not feed. So the regions are the
sensor's, the network's errors a stand-in's. All emulated; what an exported network of the sensor's does says
`tinytracker simulate imx500 --model DIR --lag ...`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from terminal import print_table

from tinytracker.domain import Face
from tinytracker.engines.model import GazeModel
from tinytracker.faces.eyes import eyes_closed
from tinytracker.faces.finder import open_finder
from tinytracker.faces.tracker import FaceTracker
from tinytracker.synthetic.unseen import CLIP_PEOPLE
from tinytracker.targets.imx500.chip.sensor import MODES, view_of_whole_picture
from tinytracker.targets.imx500.lag_study import LagOutcome, LagStudy, Scene, merged, render
from tinytracker.targets.imx500.running.steering import RoiLog, Steering, SteeringSettings
from tinytracker.tracking.assemble import open_locator

LAGS = (1, 2, 4, 6, 8, 12)
SENSOR = (112, 112)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=5, choices=range(1, len(CLIP_PEOPLE) + 1))
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument(
        "--motion", type=float, default=3.0, help="head motion, against somebody who sits at ease"
    )
    parser.add_argument("--plot", type=Path)
    chosen = parser.parse_args()
    model = GazeModel.load("tinytracker")
    scenes = [
        render(who, chosen.seconds, chosen.motion, lambda done, total: None)
        for who in CLIP_PEOPLE[: chosen.people]
    ]
    tracked = [follow(scene) for scene in scenes]
    for predict in (True, False):
        outcomes = [
            merged(
                [
                    steer(model, scene, faces, lag, predict)
                    for scene, faces in zip(scenes, tracked, strict=True)
                ]
            )
            for lag in LAGS
        ]
        print(f"\nprediction {'on' if predict else 'off'}; network: the released tinytracker, standing in")
        study = LagStudy(outcomes, scenes, MODES["binned"])
        print_table(study.table())
        print(f"always the middle of each person's dots: {study.always_the_middle_cm:.2f} cm")
        if predict and chosen.plot is not None:
            title = "The region's lag, emulated: tinytracker standing in, rendered people"
            study.draw(chosen.plot, title)


def follow(scene: Scene) -> list[Face | None]:
    """The face in every frame, as the host finds it."""
    tracker = FaceTracker(open_finder(), open_locator())
    return [tracker.update(frame.image).face for frame in scene.frames]


def steer(model: GazeModel, scene: Scene, faces: list[Face | None], lag: int, predict: bool) -> LagOutcome:
    """One person, one lag: the region of each frame, and the gaze of what lies in it. The result comes a
    frame later."""
    view = view_of_whole_picture(scene.frames[0].width_px, scene.frames[0].height_px)
    steering = Steering(
        lambda face: face.box, view, MODES["binned"], SENSOR, lag, SteeringSettings(predict=predict)
    )
    log, off, misses, late = RoiLog(), [], [], []
    for index, (frame, face) in enumerate(zip(scene.frames, faces, strict=True)):
        box = view.to_picture(log.at(index - lag).box)
        if face is not None and index > lag + 2:
            off.append(np.hypot(*np.subtract(box.centre_px, face.box.centre_px)) / box.width_px)
            if face.landmarks is None or not eyes_closed(face.landmarks):
                gaze = model.predict(frame.image, Face(box))
                misses.append([gaze.x_cm, gaze.y_cm] - scene.dots_cm[index])
                late.append([gaze.x_cm, gaze.y_cm] - scene.dots_cm[min(index + 1, len(faces) - 1)])
        wanted = steering.follow(index, face)
        if wanted is not None:
            log.command(index, wanted)
    seen, shown = np.array(misses).reshape(-1, 2), np.array(late).reshape(-1, 2)
    lengths = (np.linalg.norm(one, axis=1) for one in (seen, shown, seen - seen.mean(axis=0)))
    return LagOutcome(lag, 1, *lengths, np.array(off), len(faces))


if __name__ == "__main__":
    main()
