"""How rendered eyes look beside real ones: tone and detail round the eyes, as numbers, after the camera.

    OMP_NUM_THREADS=1 python benchmarks/appearance.py
    OMP_NUM_THREADS=1 python benchmarks/appearance.py --heads ict --ict-path ICT-FaceKit/FaceXModel
    OMP_NUM_THREADS=1 python benchmarks/appearance.py --write

`--write` keeps what was measured, a row for each frame, in docs/data/appearance.csv, and puts its table into
docs/people.md; tests hold these rows to the real pictures, and a few of them to what is rendered today.

Frames are rendered and developed as recordings are; pixels are turned into linear light by the sRGB curve, as
was done with the real pictures. For every measure: median and 5-95 % range of phones and tablets, and of
laptops and monitors, beside the medians measured on one laptop user, a few phone frames and some 190
photographs (Nov 2026; measured with landmarks found, not known, and with regions that may differ a little
from these).

`w` is the distance between an eye's canthi; all means are of linear light. cheek: a square of 0.6 w, 1.05 w
below the eye. sclera: median of the opening outside 1.15 iris radii, an edge of a pixel left out. lid line:
0.07 w to either side of the upper margin, middle two thirds. iris: mean of the disc of 0.8 iris radii,
whatever covers it, over the mean sclera. eye band: from 0.30 w above the line through the canthi to 0.20 w
below. above, below: 0.27 w beyond the margins. sharpness: mean gradient of the 64 x 32 eye crop's brightness
over its standard deviation.

The regions of the real measurements are not known to the pixel, but the former rendered people (ICT heads,
and heads made by formulas, which are gone) were measured both ways: columns "real" are real over former as
measured then, times former as measured here.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from documents import markdown, put_table
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import track

from tinytracker.files import written_aside
from tinytracker.synthetic.eyes import SIDE
from tinytracker.synthetic.head_kinds import HEAD_KINDS
from tinytracker.synthetic.lids import margin_heights, margin_shapes
from tinytracker.synthetic.session import SyntheticFrame
from tinytracker.synthetic.writer import SynthOptions, name_of_person, session_of

DOCS = Path(__file__).resolve().parents[1] / "docs"
ROWS, DOCUMENT = DOCS / "data" / "appearance.csv", DOCS / "people.md"
WRITTEN = SynthOptions(seed=31, frames=4)
WRITTEN_PEOPLE = 200

LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
FORMER_THEN = {"phone": (0.42, 0.45, 0.59, 0.46, 0.35), "laptop": (0.42, 0.43, 0.61, 0.47, 0.22)}
FORMER_HERE = {"phone": (0.41, 0.25, 0.52, 0.39, 0.25), "laptop": (0.38, 0.29, 0.54, 0.38, 0.19)}
"""Medians of the former rendered people: as measured with the real ones, and by this script."""
NAMES = ("sclera / cheek", "lid line / cheek", "iris / sclera", "eye band / cheek", "sharpness")
REAL = {
    "laptop user": ("laptop", (0.33, 0.38, 0.72, 0.42, 0.15)),
    "phone frames": ("phone", (0.58, 0.30, 0.74, 0.64, 0.25)),
    "photographs": ("phone", (0.61, 0.24, 0.62, 0.48, 0.46)),
}
"""Medians of real pictures, and which former people they are compared with."""


def real_medians() -> dict[str, dict[str, float]]:
    """What this script would read on the real pictures: name of the measure -> pictures -> median."""
    return {
        name: {
            pictures: values[k] / FORMER_THEN[kind][k] * FORMER_HERE[kind][k]
            for pictures, (kind, values) in REAL.items()
        }
        for k, name in enumerate(NAMES)
    }


SRGB = np.where(
    np.arange(256) <= 10, np.arange(256) / 255 / 12.92, ((np.arange(256) / 255 + 0.055) / 1.055) ** 2.4
).astype(np.float32)


def measures(frame: SyntheticFrame) -> dict[str, float] | None:
    """The measures of one frame by name, both eyes together; None if a cheek lies outside the picture or the
    eyes are shut."""
    image = frame.image()
    light = SRGB[image] @ LUMINANCE
    posed, camera = frame.posed, frame.camera
    corners, irises = camera.project(posed.canthi_cm), camera.project(posed.iris_centres_cm)
    if posed.openness.min() < 0.12:
        return None
    rows = []
    for e in range(2):
        inner, outer = corners[e]
        across = outer - inner
        w = float(np.hypot(*across))
        across = across / w
        down = np.array([-across[1], across[0]]) * (1 if across[0] > 0 else -1)
        middle = (inner + outer) / 2
        cheek = _square(light, middle + 1.05 * w * down, 0.3 * w)
        upper, lower = _margins_px(frame, e)
        opening = _filled(light.shape, np.concatenate([upper, lower[::-1]]))
        inside = cv2.erode(opening, np.ones((3, 3), np.uint8))
        radius_px = frame.person.subject.eyes.iris_radius_cm * camera.f_px / -posed.position_cm[2]
        v, u = np.mgrid[: light.shape[0], : light.shape[1]]
        from_iris = np.hypot(u + 0.5 - irises[e][0], v + 0.5 - irises[e][1]) / radius_px
        white = light[(inside > 0) & (from_iris > 1.15)]
        iris = light[from_iris < 0.8]
        if not len(cheek) or len(white) < 4 or not len(iris):
            return None
        edges = [
            inner - 0.30 * w * down,
            outer - 0.30 * w * down,
            outer + 0.20 * w * down,
            inner + 0.20 * w * down,
        ]
        band = light[_filled(light.shape, np.array(edges)) > 0]
        steps = np.arange(-0.07, 0.071, 0.02) * w
        line = _at(light, (upper[6:27, None] + steps[:, None] * down).reshape(-1, 2))
        above = _square(light, upper[16] - 0.27 * w * down, 0.08 * w)
        below = _square(light, lower[16] + 0.27 * w * down, 0.08 * w)
        if not len(above) or not len(below):
            return None
        values = (
            np.median(white) / cheek.mean(),
            line.mean() / cheek.mean(),
            iris.mean() / white.mean(),
            band.mean() / cheek.mean(),
        )
        rows.append(
            (
                *values,
                above.mean() / cheek.mean(),
                below.mean() / cheek.mean(),
                _sharpness(image, middle, w),
                cheek.mean(),
            )
        )
    sclera, line, iris, band, above, below, sharp, cheek = np.mean(rows, axis=0)
    if cheek < 0.008:
        return None  # too dark to divide by
    return {
        "sclera / cheek": sclera,
        "lid line / cheek": line,
        "iris / sclera": iris,
        "eye band / cheek": band,
        "above / cheek": above,
        "below / cheek": below,
        "sharpness": sharp,
    }


def _margins_px(frame: SyntheticFrame, eye: int) -> tuple[np.ndarray, np.ndarray]:
    """Upper and lower margin (33, 2) in pixels, from the inner to the outer canthus."""
    person, posed = frame.person, frame.posed
    lids, centre = person.subject.lids, person.mesh.eye_centres_cm[eye]
    s = np.linspace(0.02, 0.98, 33)
    upper, lower, _ = margin_heights(margin_shapes(lids, s), posed.openings[eye])
    x = centre[0] + SIDE[eye] * (s * (lids.nasal_cm + lids.temporal_cm) - lids.nasal_cm)
    depth = np.interp(s, [0, 0.5, 1], [0.6, 1.25, 0.3]) + centre[2]
    curves = (
        np.stack([x, centre[1] + height, depth], 1) @ posed.rotation.T + posed.position_cm
        for height in (upper, lower)
    )
    first, second = (frame.camera.project(curve) for curve in curves)
    return first, second


def _filled(shape: tuple[int, ...], corners: np.ndarray) -> np.ndarray:
    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], 1)
    return mask


def _square(light: np.ndarray, centre: np.ndarray, half: float) -> np.ndarray:
    x, y, half = round(float(centre[0])), round(float(centre[1])), max(1, round(half))
    if x - half < 0 or y - half < 0 or x + half >= light.shape[1] or y + half >= light.shape[0]:
        return np.zeros(0)
    return light[y - half : y + half + 1, x - half : x + half + 1].ravel()


def _at(light: np.ndarray, points: np.ndarray) -> np.ndarray:
    x, y = np.clip(points.round().astype(int).T, 0, [[light.shape[1] - 1], [light.shape[0] - 1]])
    return light[y, x]


def _sharpness(image: np.ndarray, middle: np.ndarray, w: float) -> float:
    """Of the eye crop: 1.48 w wide, 64 x 32 pixels."""
    scale = 64 / (1.48 * w)
    place = np.array([[scale, 0, 32 - scale * middle[0]], [0, scale, 16 - scale * middle[1]]])
    crop = (
        cv2.cvtColor(cv2.warpAffine(image, place, (64, 32), flags=cv2.INTER_LINEAR), cv2.COLOR_RGB2GRAY)
        / 255.0
    )
    down, across = np.gradient(crop)
    return float(np.hypot(down, across).mean() / (crop.std() + 1e-6))


@dataclass(frozen=True, slots=True)
class Look:
    """The measures of one frame by name. person: SEED-INDEX; frame: from 0; camera: "phone" (tablets too) or
    "laptop" (monitors too)."""

    person: str
    frame: int
    camera: str
    measures: dict[str, float]


def looks(options: SynthOptions, people: Iterable[int], ict_path: Path | None = None) -> Iterator[Look]:
    """Renders people by their numbers; frames whose eyes cannot be measured are left out."""
    for index in people:
        session = session_of(options, index, ict_path)
        camera = "phone" if session.setup.device.turns else "laptop"
        for number in range(options.frames):
            found = measures(session.frame())
            if found is not None:
                yield Look(name_of_person(options.seed, index), number, camera, found)


def values(rows: Sequence[Look], name: str, camera: str | None = None) -> np.ndarray:
    """One measure of all frames, or of those of one kind of camera, (n,)."""
    return np.array([row.measures[name] for row in rows if camera in (None, row.camera)])


def table_of(rows: Sequence[Look]) -> str:
    """Ours beside the real ones, as Markdown; the cells of a camera that nobody here has stay empty."""
    kinds = {"ours, phones": "phone", "ours, laptops": "laptop"}
    lines = []
    for name in rows[0].measures:
        cells = []
        for camera in kinds.values():
            seen = values(rows, name, camera)
            low, middle, high = np.percentile(seen, [5, 50, 95]) if len(seen) else (np.nan,) * 3
            cells.append(f"{middle:.2f} [{low:.2f}, {high:.2f}]" if len(seen) else "")
        real = real_medians().get(name, {})
        lines.append((name, *cells, *(f"{real[pictures]:.2f}" if real else "" for pictures in REAL)))
    return markdown(("measure", *(f"{kind} >" for kind in kinds), *(f"{kind} >" for kind in REAL)), lines)


def write_looks(rows: Sequence[Look], path: Path) -> None:
    """As CSV, whole or not at all; values to four digits."""
    with written_aside(path) as aside, aside.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("person", "frame", "camera", *rows[0].measures))
        for row in rows:
            cells = (f"{value:.4g}" for value in row.measures.values())
            writer.writerow((row.person, row.frame, row.camera, *cells))


def read_looks(path: Path) -> list[Look]:
    """What `write_looks` wrote."""
    with path.open(newline="") as file:
        return [
            Look(
                row.pop("person"),
                int(row.pop("frame")),
                row.pop("camera"),
                {name: float(value) for name, value in row.items()},
            )
            for row in csv.DictReader(file)
        ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--heads", default="makehuman", choices=HEAD_KINDS)
    parser.add_argument("--ict-path", type=Path)
    parser.add_argument("--people", type=int, default=WRITTEN_PEOPLE)
    parser.add_argument("--frames", type=int, default=WRITTEN.frames, help="per person")
    parser.add_argument("--seed", type=int, default=WRITTEN.seed)
    parser.add_argument("--write", action="store_true", help="docs/data/appearance.csv and docs/people.md")
    arguments = parser.parse_args()
    options = SynthOptions(arguments.seed, arguments.frames, arguments.heads)
    if arguments.write and (options, arguments.people) != (WRITTEN, WRITTEN_PEOPLE):
        parser.error("what is written is of the people by default; leave the other options out")
    cv2.setNumThreads(1)
    console = Console(width=max(150, Console().width))
    numbers = track(range(arguments.people), "Rendering people", console=Console(stderr=True))
    rows = list(looks(options, numbers, arguments.ict_path))
    if not rows:
        raise SystemExit("no eye of these people can be measured; take more --people or --frames")
    if arguments.write:
        write_looks(rows, ROWS)
        put_table(DOCUMENT, "appearance", table_of(rows))
    console.print(
        f"{arguments.heads}: {arguments.people} people, {arguments.frames} frames each (rendered): median "
        f"[5-95 %]; real: medians measured"
    )
    console.print(Markdown(table_of(rows)))


if __name__ == "__main__":
    main()
