"""Makes near-eye.jpg: six rendered people under near-infrared light above the events of each.

python docs/pictures/near_eye.py
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from tinytracker.events.stream import Events
from tinytracker.files import write_bytes
from tinytracker.synthetic.near_eye.recording import Sitting, pictures, record

PEOPLE, SHARE_OF_PIXELS = (3, 5, 9, 15, 16, 18), 0.06
PICTURE = Path(__file__).with_name("near-eye.jpg")
LIGHT_ROSE, LIGHT_FELL = (60, 200, 250), (250, 150, 60)  # BGR: yellow, blue


def main() -> None:
    columns = []
    for number in PEOPLE:
        sitting = Sitting.draw(np.random.default_rng([2026, number]), "davis346", 0.8, {})
        recording = record("somebody", sitting, np.random.default_rng(number), 25.0)
        seen = list(pictures(sitting))
        place = _busiest(recording.events, [t_us for t_us, _ in seen])
        label = recording.labels[place]
        ellipse = (
            (float(label["x_px"]), float(label["y_px"])),
            (float(label["major_px"]), float(label["minor_px"])),
            float(label["angle_deg"]),
        )
        grey = cv2.cvtColor(seen[place][1], cv2.COLOR_GRAY2BGR)
        drawn = _drawn(recording.events.between(0, seen[place][0]))
        cv2.ellipse(drawn, ellipse, (255, 255, 255), 1, cv2.LINE_AA)
        columns.append(np.vstack([grey, drawn]))
    sheet = np.hstack(columns)
    sheet = cv2.resize(sheet, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA)
    write_bytes(PICTURE, cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, 78])[1].tobytes())


def _busiest(events: Events, times_us: list[int]) -> int:
    """The number of the picture that the most events precede, of all but the first few."""
    counts = [len(events.between(t_us - 15_000, t_us)) for t_us in times_us[3:]]
    return 3 + int(np.argmax(counts))


def _drawn(events: Events) -> np.ndarray:
    image = np.full((events.height_px, events.width_px, 3), 30, np.uint8)
    newest = events.rows(max(0, len(events) - round(SHARE_OF_PIXELS * image[..., 0].size)), len(events))
    image[newest.y_px, newest.x_px] = np.where(newest.on[:, None], LIGHT_ROSE, LIGHT_FELL)
    return image


if __name__ == "__main__":
    main()
