"""How fast the whole head's renderer draws an eye, as the first sketch of near-eye events had it: python
benchmarks/whole_head.py

128 x 128 pixels, the camera before one eye, two lamps; processor time of one thread. A file of its own,
because it runs on the package of any commit since that sketch: `benchmarks/events.py render --sketch
CHECKOUT` asks it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tinytracker.domain import Box
from tinytracker.synthetic.camera import Camera
from tinytracker.synthetic.person import Person
from tinytracker.synthetic.pose import rotation
from tinytracker.synthetic.scene import Light, Scene
from tinytracker.synthetic.subject import Expression

PEOPLE = 6


def whole_head_frames(number: int) -> Callable[[int], object]:
    """Renders frame k of somebody by the whole head's renderer: 128 x 128, its camera before the left eye,
    two lamps, as the first sketch of near-eye events had it."""
    rng = np.random.default_rng(number)
    person = Person.from_seed(int(rng.integers(1 << 40)))
    person = Person(replace(person.subject, glasses=None), person.mesh, person.heads)
    lamps = [
        Light(np.array(place) / np.linalg.norm(place), np.full(3, bright), 3.0, 0.8)
        for place, bright in (((0.5, 0.2, 1.0), 0.6), ((-0.4, -0.3, 1.0), 0.5))
    ]
    scene = replace(Scene.draw(rng), lights=tuple(lamps), ambient=np.full(3, 0.15))
    away_cm = rng.uniform(3.6, 5.0)
    camera = Camera(128 * away_cm / 3.4, 64, 64, 128, 128)
    turn = rotation(*np.radians((rng.uniform(-25, 25), rng.uniform(5, 30), rng.normal(0, 4))))
    place = np.array([0.0, 0.0, -away_cm - 1.2]) - turn @ person.mesh.eye_centres_cm[0]

    def frame(k: int) -> object:
        target = (np.sin(k / 20), np.cos(k / 20))
        posed = person.pose(place, turn, target, Expression(), np.random.default_rng(5))
        return person.render(posed, scene, camera, Box(0, 0, 128, 128), 128, 128)

    return frame


def processor_ms(frame: Callable[[int], object], frames: int) -> float:
    """Of this process, for one frame."""
    started = time.process_time()
    for k in range(frames):
        frame(k)
    return (time.process_time() - started) / frames * 1e3


if __name__ == "__main__":
    took_ms = []
    for number in range(PEOPLE):
        frame = whole_head_frames(number)
        frame(0)  # compiled, and all that is done once
        took_ms += [processor_ms(frame, 10) for _ in range(3)]
    print(f"{np.mean(took_ms):.3f}")
