"""The One-Euro filter's constants: lag against jitter, on rendered people whose eyes jump from dot to dot at
30 frames a second.

    python benchmarks/one_euro.py FOLDER [--figure docs/pictures/one_euro.svg]

Each of some unseen people looks at dots for 0.6 to 1.6 s each while the head sways. FOLDER keeps what the
network said. Of every setting: jitter, the root mean square of steps from frame to frame in a fixation, in
shares of the raw gaze's; and lag, the time after a jump of 5 degrees or more until the filtered gaze has gone
80 % of the way that the raw gaze's mean goes.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from calibration_people import SCREENS, StoredCrops, row_of

from tinytracker.engines.model import GazeModel
from tinytracker.geometry import screen_size_points, visual_angle_deg
from tinytracker.synthetic.clip import sway_path
from tinytracker.synthetic.person import Person
from tinytracker.synthetic.session import Session
from tinytracker.synthetic.setup import Setup
from tinytracker.synthetic.subject import Expression
from tinytracker.tracking.filters import PRESETS, OneEuroFilter, OneEuroParameters
from tinytracker.tracking.pipeline import INTEROCULAR_CM

SEED = 990_003
FRAMES_PER_SECOND, SECONDS = 30, 16
LEAST_JUMP_DEG, SHARE = 5.0, 0.8
SETTLED_FRAMES = 12


@dataclass(frozen=True)
class Looks:
    """raw_deg: (n, 2). dot: (n,), number of the dot looked at."""

    raw_deg: np.ndarray
    dot: np.ndarray

    def filtered(self, parameters: OneEuroParameters) -> np.ndarray:
        smooth = OneEuroFilter(parameters)
        steps = enumerate(self.raw_deg)
        return np.array(
            [smooth.apply(x, y, round(index * 1e9 / FRAMES_PER_SECOND)) for index, (x, y) in steps]
        )


def look(number: int, model: GazeModel) -> Looks:
    """Renders one person's looks and asks the network."""
    who, rng = np.random.default_rng([SEED, number, 0]), np.random.default_rng([SEED, number, 1])
    person, screen = Person.from_seed(int(who.integers(1 << 62))), SCREENS[number % len(SCREENS)]
    session = Session(person, rng, Setup.at(screen, rng))
    width, height = screen_size_points(screen, session.trial.orientation)
    frames = FRAMES_PER_SECOND * SECONDS
    ends = np.cumsum(rng.integers(18, 48, frames // 18))
    dot = np.searchsorted(ends, np.arange(frames), side="right")
    places = rng.uniform(0.08, 0.92, (dot[-1] + 1, 2)) * (width, height)
    sways = sway_path(rng, np.arange(frames) / FRAMES_PER_SECOND)
    rows, numbers, distances = [], [], []
    for index in range(frames):
        frame = session.frame_at(session.target(*places[dot[index]]), sways[index], Expression(smile=0.15))
        row = row_of(frame)
        if row is not None:
            rows.append(row)
            numbers.append(dot[index])
            distances.append(row["f_px"] * INTEROCULAR_CM / row["interocular_px"])
    kept = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    gaze_cm = model.predict_batch(StoredCrops(kept), np.arange(len(rows))).astype(float)
    return Looks(np.stack(visual_angle_deg(*gaze_cm.T, np.array(distances)), axis=1), np.array(numbers))


def jitter_deg(gaze: np.ndarray, dot: np.ndarray) -> float:
    """Root mean square of the steps between frames of one dot, once the gaze has settled on it."""
    squares = []
    for number in np.unique(dot):
        steps = np.diff(gaze[dot == number][SETTLED_FRAMES:], axis=0)
        squares += list((steps**2).sum(axis=1))
    return float(np.sqrt(np.mean(squares)))


def lags_ms(looks: Looks, gaze: np.ndarray) -> list[float]:
    """Of each large jump: how long until 80 % of the way between the raw gaze's means at both dots is
    gone."""
    lags = []
    for number in np.unique(looks.dot)[:-1]:
        before, after = looks.dot == number, looks.dot == number + 1
        start, goal = looks.raw_deg[before].mean(axis=0), looks.raw_deg[after].mean(axis=0)
        way = goal - start
        if np.linalg.norm(way) < LEAST_JUMP_DEG:
            continue
        gone = (gaze[after] - start) @ way / (way @ way)
        arrived = np.flatnonzero(gone >= SHARE)
        lags.append(1000 * float(arrived[0] if len(arrived) else after.sum()) / FRAMES_PER_SECOND)
    return lags


def measure(people: list[Looks], parameters: OneEuroParameters) -> tuple[float, float, float]:
    """Jitter in shares of the raw gaze's, and the lag's median and 90th percentile in ms."""
    shares, lags = [], []
    for looks in people:
        gaze = looks.filtered(parameters)
        shares.append(jitter_deg(gaze, looks.dot) / jitter_deg(looks.raw_deg, looks.dot))
        lags += lags_ms(looks, gaze)
    return float(np.mean(shares)), float(np.median(lags)), float(np.quantile(lags, 0.9))


def draw(
    path: Path, people: list[Looks], settings: dict[tuple[float, float], tuple[float, float, float]]
) -> None:
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6.4, 4.2))
    for beta in sorted({beta for _, beta in settings}):
        points = [(mean, share) for (_, own), (share, _, mean) in settings.items() if own == beta]
        axes.plot(*zip(*points, strict=True), ".-", color="0.75", linewidth=0.8, markersize=4, zorder=1)
        axes.annotate(
            f"beta {beta:g}", points[0], fontsize=7, color="0.5", xytext=(3, 3), textcoords="offset points"
        )
    for name, parameters in PRESETS.items():
        share, _, slow = measure(people, parameters)
        axes.scatter(
            slow,
            share,
            s=45,
            zorder=2,
            label=f"{name} ({parameters.min_cutoff_hz:g} Hz, {parameters.beta_hz_per_deg_s:g})",
        )
    axes.set_xlabel("lag: 9 of 10 jumps are 80 % done after, ms")
    axes.set_ylabel("jitter in fixations, share of the raw gaze's")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--people", type=int, default=12)
    parser.add_argument("--figure", type=Path, help="draw it here (.svg)")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    options.folder.mkdir(parents=True, exist_ok=True)
    model = GazeModel.load("tinytracker-eyes")
    people = []
    for number in range(options.people):
        path = options.folder / f"{model.card.sha256[:12]}-{number:02d}.npz"
        if not path.exists():
            looks = look(number, model)
            np.savez(path, raw_deg=looks.raw_deg, dot=looks.dot)
            print(f"person {number}: {len(looks.dot)} frames", flush=True)
        with np.load(path) as kept:
            people.append(Looks(kept["raw_deg"], kept["dot"]))
    print(
        f"{len(people)} people, raw jitter {np.mean([jitter_deg(p.raw_deg, p.dot) for p in people]):.2f} "
        f"deg from frame to frame"
    )
    settings = {}
    for beta in (0.0, 0.01, 0.02, 0.03, 0.06, 0.12):
        for cutoff in (0.3, 0.5, 0.8, 1.2, 2.0, 3.0, 5.0):
            settings[cutoff, beta] = share, lag, slow = measure(people, OneEuroParameters(cutoff, beta))
            print(
                f"cut-off {cutoff:3.1f} Hz, beta {beta:4.2f}: jitter {share:.2f}, lag {lag:4.0f} ms median, "
                f"{slow:4.0f} ms p90"
            )
    for name, parameters in PRESETS.items():
        share, lag, slow = measure(people, parameters)
        print(f"{name:8s} jitter {share:.2f}, lag {lag:.0f} ms median, {slow:.0f} ms p90")
    if options.figure is not None:
        draw(options.figure, people, settings)


if __name__ == "__main__":
    main()
