"""Makes docs/people.jpg: five rows of seven people who do not exist, as cameras would take them.

    python docs/pictures/people.py [--ict PATH]

With ICT-FaceKit every second person has an ICT head; without it all are procedural. Needs tinytracker[synth].
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from tinytracker.domain import Box
from tinytracker.images import encode_jpeg
from tinytracker.synthetic import ict
from tinytracker.synthetic.camera import Camera
from tinytracker.synthetic.develop import Sensor, develop, meter
from tinytracker.synthetic.person import Person
from tinytracker.synthetic.pose import rotation
from tinytracker.synthetic.scene import Scene
from tinytracker.synthetic.subject import Expression

ROWS, COLUMNS, SIDE_PX = 5, 7, 160
FIRST_SEED = 900_000  # far from the seeds that training uses
CAMERA = Camera(590, 240, 320, 480, 640)


def portrait(seed: int, model: ict.IctModel | None) -> np.ndarray:
    """One person at a phone, uint8 (160, 160, 3) RGB."""
    rng = np.random.default_rng([seed, 1])
    person = Person.from_seed(seed, "procedural" if model is None else "ict", model)
    turn = rotation(*np.radians(rng.normal([0, 6, 0], [10, 7, 4])))
    posed = person.pose(np.array([0, 2.0, -34.0]), turn, (rng.uniform(-6, 6), rng.uniform(-12, 1)), Expression.draw(rng, 0), rng)
    eyes = CAMERA.project(posed.canthi_cm).mean(1)
    side = float(np.linalg.norm(eyes[0] - eyes[1])) / 0.38
    x, y = eyes.mean(0)
    box = Box(x - side / 2, y - 0.36 * side, side, side)
    light = person.render(posed, Scene.draw(rng), CAMERA, box, SIDE_PX, SIDE_PX, supersampling=2)
    face = float(light[SIDE_PX // 3 : -SIDE_PX // 4, SIDE_PX // 4 : -SIDE_PX // 4].mean())
    return develop(light, box, (CAMERA.width_px, CAMERA.height_px), Sensor.draw(rng, webcam=False), meter(light, face, rng), seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ict", type=Path, help="ICT-FaceKit: its FaceXModel folder or packed .npz")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent.parent / "people.jpg")
    options = parser.parse_args()
    model = ict.load(options.ict) if options.ict else None
    tiles = [portrait(FIRST_SEED + i, model if i % 2 else None) for i in range(ROWS * COLUMNS)]
    picture = np.concatenate([np.concatenate(tiles[r * COLUMNS : (r + 1) * COLUMNS], 1) for r in range(ROWS)])
    options.out.write_bytes(encode_jpeg(picture, 85))


if __name__ == "__main__":
    main()
