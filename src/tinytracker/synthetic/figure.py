"""Who somebody is, as MakeHuman's targets tell people apart: sex, age, ancestry, and a hundred local
measures.

A head is the base mesh plus a mixture of macro targets whose weights sum to 1 (sex x age x ancestry), weight,
about two dozen local targets (nose, lids, lips, chin, ...), and a little asymmetry.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CHILD_SHARE = 0.13
CHILD_YEARS = (6.0, 16.0)
ADULT_YEARS = (16.0, 85.0)
_AGES = {"child": 10.0, "young": 25.0, "old": 80.0}
"""Years that the three ages of the targets stand for."""

# Between the centres of rotation: adults' mean and deviation by sex (Dodgson, "Variation and extrema of human
# interpupillary distance", 2004: 6.17 and 6.40 cm far; less by convergence), children's by their years, about
# 0.1 cm more each year (after MacLachlan & Howland, "Normal values ... aged 1 month to 19 years", 2002).
_INTEROCULAR_CM = {"female": 6.15, "male": 6.40}
_INTEROCULAR_DEVIATION_CM = 0.32
_GROWN_UP_YEARS, _GROWTH_CM_A_YEAR = 17.0, 0.095
INTEROCULAR_CM = (5.4, 7.2)
"""Range of adults; children's goes down to 4.8."""
_LEAST_INTEROCULAR_CM = 4.8


def _pairs(folder: str, deviation: float, names: str) -> tuple[tuple[str, str, float], ...]:
    """Pairs of opposite targets, from "name low/high, ...": (name without its end, "low high", deviation
    of the weight)."""
    pairs = (pair.split() for pair in names.split(","))
    return tuple((folder + name, ends.replace("/", " "), deviation) for name, ends in pairs)


_LOCAL = (
    *_pairs(
        "nose/",
        0.45,
        """
        nose-base down/up, nose-compression compress/uncompress, nose-curve concave/convex,
        nose-flaring decr/incr, nose-greek decr/incr, nose-hump decr/incr, nose-nostrils-angle
        down/up, nose-nostrils-width decr/incr, nose-point down/up, nose-point-width decr/incr,
        nose-scale-depth decr/incr, nose-scale-horiz decr/incr, nose-scale-vert decr/incr,
        nose-septumangle decr/incr, nose-volume decr/incr, nose-width1 decr/incr, nose-width2
        decr/incr, nose-width3 decr/incr""",
    ),
    *_pairs(
        "mouth/",
        0.4,
        """
        mouth-angles down/up, mouth-cupidsbow decr/incr, mouth-laugh-lines in/out,
        mouth-lowerlip-height decr/incr, mouth-lowerlip-volume decr/incr, mouth-philtrum-volume
        decr/incr, mouth-scale-horiz decr/incr, mouth-scale-vert decr/incr, mouth-trans down/up,
        mouth-upperlip-height decr/incr, mouth-upperlip-volume decr/incr""",
    ),
    *_pairs(
        "chin/",
        0.4,
        """
        chin-bones decr/incr, chin-cleft decr/incr, chin-height decr/incr, chin-jaw-drop
        decr/incr, chin-prognathism decr/incr, chin-prominent decr/incr, chin-width decr/incr""",
    ),
    *_pairs(
        "forehead/",
        0.4,
        """
        forehead-nubian decr/incr, forehead-scale-vert decr/incr, forehead-temple decr/incr,
        forehead-trans backward/forward""",
    ),
    *_pairs(
        "eyebrows/",
        0.4,
        """
        eyebrows-angle down/up, eyebrows-trans down/up, eyebrows-trans backward/forward""",
    ),
    *_pairs(
        "head/",
        0.35,
        """
        head-age decr/incr, head-back-scale-depth decr/incr, head-fat decr/incr, head-scale-horiz
        decr/incr, head-scale-vert decr/incr""",
    ),
    *_pairs(
        "neck/",
        0.4,
        """
        neck-double decr/incr, neck-scale-horiz decr/incr, neck-scale-depth decr/incr""",
    ),
)
_SHAPES = ("diamond", "invertedtriangular", "oval", "rectangular", "round", "square", "triangular")
# Of both eyes, cheeks and ears alike, with a little of each side's own.
_SIDED = (
    *_pairs(
        "eyes/",
        0.55,
        """
        {}-eye-bag decr/incr, {}-eye-bag in/out, {}-eye-bag-height decr/incr, {}-eye-eyefold-angle
        down/up, {}-eye-eyefold concave/convex, {}-eye-eyefold down/up""",
    ),
    *_pairs(
        "cheek/",
        0.4,
        """
        {}-cheek-bones decr/incr, {}-cheek-inner decr/incr, {}-cheek-trans down/up,
        {}-cheek-volume decr/incr""",
    ),
    *_pairs(
        "ears/",
        0.4,
        """
        {}-ear-flap decr/incr, {}-ear-lobe decr/incr, {}-ear-scale decr/incr, {}-ear-scale-vert
        decr/incr, {}-ear-wing decr/incr""",
    ),
)
_ASYMMETRIC = (
    *(f"brown-{k}" for k in (1, 2)), *(f"cheek-{k}" for k in (1, 2)), *(f"eye-{k}" for k in range(1, 9)),
    *(f"jaw-{k}" for k in (1, 2, 3)), *(f"mouth-{k}" for k in (1, 2)), *(f"nose-{k}" for k in range(1, 5)),
    *(f"temple-{k}" for k in (1, 2)),
)  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """One person. ancestry: shares of (african, asian, caucasian). interocular_cm: between the eyes' centres
    of rotation. weights: of MakeHuman's targets by name."""

    male: bool
    years: float
    ancestry: tuple[float, float, float]
    interocular_cm: float
    weights: dict[str, float]

    @property
    def is_child(self) -> bool:
        return self.years < ADULT_YEARS[0]

    @property
    def youth(self) -> float:
        """1 at six years, 0 from seventeen on."""
        return float(np.clip((_GROWN_UP_YEARS - self.years) / 11, 0, 1))

    @property
    def wear(self) -> float:
        """How much the skin has aged: 0 until thirty, 1 at eighty."""
        return float(np.clip((self.years - 30) / 50, 0, 1))

    @classmethod
    def draw(cls, rng: np.random.Generator, skin_tone: float) -> Figure:
        """skin_tone: 0 (lightest) to 5 (darkest); ancestry goes with it."""
        male = bool(rng.random() < 0.5)
        is_child = rng.random() < CHILD_SHARE
        years = float(rng.uniform(*CHILD_YEARS) if is_child else 16 + 69 * rng.beta(1.3, 2.0))
        ancestry = _ancestry(rng, skin_tone)
        return cls(
            male, years, ancestry, _interocular(rng, male, years), _weights(rng, male, years, ancestry)
        )


def _ancestry(rng: np.random.Generator, skin_tone: float) -> tuple[float, float, float]:
    dark = float(np.clip((skin_tone - 1.2) / 2.3, 0, 1))
    alpha = np.array([0.10 + 1.5 * dark, 0.45 if skin_tone < 3.2 else 0.12, 0.20 + 0.6 * (1 - dark)])
    # The targets are extremes of a kind; people are nearer to each other.
    african, asian, caucasian = 0.76 * rng.dirichlet(alpha) + 0.08
    return float(african), float(asian), float(caucasian)


def _interocular(rng: np.random.Generator, male: bool, years: float) -> float:
    missing = max(0.0, _GROWN_UP_YEARS - years) * _GROWTH_CM_A_YEAR
    mean = _INTEROCULAR_CM["male" if male else "female"] - missing
    low = INTEROCULAR_CM[0] if years >= ADULT_YEARS[0] else _LEAST_INTEROCULAR_CM
    return float(
        np.clip(rng.normal(mean, _INTEROCULAR_DEVIATION_CM * (1 - 0.3 * missing)), low, INTEROCULAR_CM[1])
    )


def _weights(
    rng: np.random.Generator, male: bool, years: float, ancestry: tuple[float, float, float]
) -> dict[str, float]:
    weights: dict[str, float] = {}
    sex = {"male": 0.5 + 0.5 * rng.beta(5, 1), "female": 0.0}
    sex["female"] = 1 - sex["male"]
    if not male:
        sex["male"], sex["female"] = sex["female"], sex["male"]
    points = list(_AGES.values())
    ages = {name: float(np.interp(years, points, np.eye(3)[k])) for k, name in enumerate(_AGES)}
    heavy = float(np.clip(rng.normal(0.1, 0.45), -1, 1))
    for s, sex_share in sex.items():
        for age, age_share in ages.items():
            for people, share in zip(("african", "asian", "caucasian"), ancestry, strict=True):
                weights[f"macro/{people}-{s}-{age}"] = sex_share * age_share * share
            build = "maxweight" if heavy > 0 else "minweight"
            weights[f"macro/universal-{s}-{age}-averagemuscle-{build}"] = abs(heavy) * sex_share * age_share
    calm = 0.5 - 0.2 * float(np.clip((17 - years) / 11, 0, 1))  # children's faces differ less
    for name, ends, deviation in _LOCAL:
        _add(weights, name, ends, calm * rng.normal(0, deviation))
    weights[f"head/head-{rng.choice(_SHAPES)}"] = float(rng.uniform(0, 0.45))
    for name, ends, deviation in _SIDED:
        both = rng.normal(0, deviation)
        for side in "lr":
            _add(weights, name.format(side), ends, 1.3 * calm * both + rng.normal(0, 0.04))
    narrow = ancestry[1] * rng.uniform(0.2, 1.2) + rng.normal(0, 0.12)
    for side in "lr":
        _add(weights, f"eyes/{side}-eye-epicanthus", "out in", narrow)
        _add(
            weights,
            f"eyes/{side}-eye-bag",
            "decr incr",
            0.6 * float(np.clip((years - 40) / 40, 0, 1)) * rng.uniform(0, 1.3),
        )
    for part in _ASYMMETRIC:
        side = rng.choice(["l", "r"])
        weights[f"asym/asym-{part}-{side}"] = float(abs(rng.normal(0, 0.13)))
    return {name: weight for name, weight in weights.items() if weight > 1e-3}


def _add(weights: dict[str, float], name: str, ends: str, value: float) -> None:
    """`value` of the target `name` with the second of two ends if positive, the first if negative."""
    low, high = ends.split()
    target = f"{name}-{high if value > 0 else low}"
    weights[target] = min(0.75, weights.get(target, 0.0) + abs(float(value)))
