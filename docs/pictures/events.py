"""docs/pictures/events.png: events of a rendered eye, the pupil as estimated and as it was.

    python docs/pictures/events.py [--model pupil]

The demo's person before two sensors: in a saccade (the moment of most events) and in slow movements.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from tinytracker.domain import Image
from tinytracker.events.dataset import crop_of
from tinytracker.events.labels import at_times
from tinytracker.images import write_image
from tinytracker.pupils.drawing import picture_of
from tinytracker.pupils.follow import follow
from tinytracker.retina.model import PupilModel
from tinytracker.synthetic.near_eye.writer import EyesOptions, recording_of

OUT = Path(__file__).with_suffix(".png")
SEED, SECONDS = 90_000, 2.0
SHOWN_US, LONGEST_GAP_US = 20_000, 120_000
MOMENTS = (("davis346", 30, (60, 120, 550)), ("davis346", 40, (60, 120, 550)), ("speck", 30, (36, 0, 512)))
"""Sensor; how many moments have more events; rows and columns from where, and the width."""
HEIGHT_PX, GAP_PX = 440, 6


def moments(sensor: str, model: PupilModel) -> list[Image]:
    """Pictures of every estimate of a pupil, those of most events first."""
    recording = recording_of(EyesOptions(seed=SEED, seconds=SECONDS, sensors=(sensor,)), 0)
    shown = []
    for sample in follow(recording.events, model, crop_of(recording)):
        if not sample.is_valid:
            continue
        events = recording.events.between(sample.t_us - SHOWN_US, sample.t_us)
        truth = at_times(recording.labels, np.array([sample.t_us], np.int64), LONGEST_GAP_US)[0]
        shown.append((len(events), picture_of(events, sample, truth)))
    return [picture for _, picture in sorted(shown, key=lambda one: -one[0])]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="pupil")
    network = PupilModel.load(parser.parse_args().model)
    of_sensor = {sensor: moments(sensor, network) for sensor in {sensor for sensor, _, _ in MOMENTS}}
    gap = np.full((HEIGHT_PX, GAP_PX, 3), 255, np.uint8)
    parts = []
    for sensor, rank, (top, left, width) in MOMENTS:
        parts += [of_sensor[sensor][rank][top : top + HEIGHT_PX, left : left + width], gap]
    write_image(OUT, np.concatenate(parts[:-1], axis=1))
