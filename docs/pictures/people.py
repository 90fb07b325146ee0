"""Makes docs/people.jpg, five rows of seven people who do not exist, as cameras would take them, and
docs/eyes.jpg, their eyes.

    python docs/pictures/people.py

Needs tinytracker[synth].
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from tinytracker.domain import Box
from tinytracker.images import encode_jpeg
from tinytracker.synthetic.camera import Camera
from tinytracker.synthetic.develop import Sensor, develop, meter
from tinytracker.synthetic.person import Person
from tinytracker.synthetic.pose import rotation
from tinytracker.synthetic.rooms import draw_room
from tinytracker.synthetic.subject import Expression

ROWS, COLUMNS, FACE_PX, EYE_PX = 5, 7, 160, (160, 96)
FIRST_SEED = 900_000  # far from the seeds that training uses
CAMERA = Camera(590, 240, 320, 480, 640)


def portrait(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """One person at a phone: face, uint8 (160, 160, 3), and one eye, uint8 (96, 160, 3), of the same
    photograph, RGB."""
    rng = np.random.default_rng([seed, 1])
    person = Person.from_seed(seed)
    turn = rotation(*np.radians(rng.normal([0, 4, 0], [10, 7, 4])))
    target = (rng.uniform(-6, 6), rng.uniform(-10, 3))
    posed = person.pose(np.array([0, 2.0, -34.0]), turn, target, Expression.draw_lively(rng, 0), rng)
    scene, sensor = draw_room(rng), Sensor.phone(rng)
    corners = CAMERA.project(posed.canthi_cm)
    eyes = corners.mean(1)
    side = float(np.linalg.norm(eyes[0] - eyes[1])) / 0.34
    x, y = eyes.mean(0)
    face = Box(x - side / 2, y - 0.42 * side, side, side)
    width = 1.5 * float(np.linalg.norm(corners[0, 0] - corners[0, 1]))
    eye = Box(
        *(eyes[0] - np.array([width, width * EYE_PX[1] / EYE_PX[0]]) / 2),
        width,
        width * EYE_PX[1] / EYE_PX[0],
    )
    light = person.render(posed, scene, CAMERA, face, FACE_PX, FACE_PX, supersampling=2)
    skin = float(light[FACE_PX // 3 : -FACE_PX // 4, FACE_PX // 4 : -FACE_PX // 4].mean())
    exposure = meter(light, skin, rng)
    frame_px = CAMERA.width_px, CAMERA.height_px
    near = person.render(posed, scene, CAMERA, eye, *EYE_PX, supersampling=2)
    return develop(light, face, frame_px, sensor, exposure, seed), develop(
        near, eye, frame_px, sensor, exposure, seed
    )


def sheet(tiles: list[np.ndarray]) -> bytes:
    rows = [np.concatenate(tiles[r * COLUMNS : (r + 1) * COLUMNS], 1) for r in range(ROWS)]
    return encode_jpeg(np.concatenate(rows), 85)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parent.parent, help="folder")
    options = parser.parse_args()
    pairs = [portrait(FIRST_SEED + i) for i in range(ROWS * COLUMNS)]
    (options.out / "people.jpg").write_bytes(sheet([face for face, _ in pairs]))
    (options.out / "eyes.jpg").write_bytes(sheet([eye for _, eye in pairs]))


if __name__ == "__main__":
    main()
