"""One person who does not exist: their anatomy and colours, drawn from a random generator.

Lengths are cm, angles radians, colours linear RGB reflectances (0 black, 1 all light returned). The head
frame has its origin midway between the two eyes' centres of rotation, X to the image's right when the head
faces the camera (the person's left), Y up, Z out of the face. Distances named nasal or temporal are measured
along X, towards the nose or away from it.

Sources of the distributions (all are population values, rounded): margin-reflex distances 3.4 +- 0.9 and 5.0
+- 0.7 mm, fissure 29.8 +- 1.0 mm, lid excursion 0.93 and 0.35 of the globe's (oculoplastic literature); iris
radius 5.85 +- 0.2 mm (white-to-white corneal diameter); kappa about 4 to 5 deg nasal and 1 to 1.5 deg up
(Guestrin & Eizenman, 2006).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tinytracker.synthetic.complexion import Complexion
    from tinytracker.synthetic.wardrobe import Wardrobe

EYE_RADIUS_CM = 1.2
"""Distance from the eye's centre of rotation to the front of the sclera: the globe a lid slides over."""

LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
"""Weights of linear RGB in luminance (Rec. 709)."""


def _normal(rng: np.random.Generator, mean: float, deviation: float, low: float, high: float) -> float:
    """A draw from a normal distribution, clipped to [low, high]."""
    return float(np.clip(rng.normal(mean, deviation), low, high))


def _pass_over(rng: np.random.Generator, count: int) -> None:
    """Makes so many normal draws and drops them: they were measures of a kind of heads that is gone. Without
    them every seed would stand for somebody else."""
    rng.standard_normal(count)


def _tinted(rng: np.random.Generator, colour: np.ndarray, brightness: float, tint: float) -> np.ndarray:
    """`colour` (3,) times a common and a per-channel random factor, kept a possible reflectance."""
    return np.clip(colour * math.exp(rng.normal(0, brightness)) * np.exp(rng.normal(0, tint, 3)), 0.004, 0.85)


@dataclass(frozen=True)
class Eyes:
    """The eyeballs and how they sit in the face."""

    iris_radius_cm: float
    pupil_radius_cm: float
    rise_cm: float  # centre of rotation above the head's frame of lids and canthi
    depth_cm: float  # centre of rotation in front (+) of where the head's mesh was made for
    kappa_rad: np.ndarray  # (2, 2) [left, right][nasal, up]: visual axis against optical axis
    iris_colour: np.ndarray  # (3,)
    sclera_colour: np.ndarray  # (3,)
    redness: float  # 0 to 1: veins and reddened corners
    glint: float  # strength of the corneal reflections, 1 = as a wet surface would
    seed: int  # iris and vein patterns

    @classmethod
    def draw(cls, rng: np.random.Generator, skin: Skin) -> Eyes:
        """Dark skin goes with dark irises and a sclera that returns less light."""
        skin_tone = skin.tone
        nasal, up = rng.normal(4.2, 1.2), rng.normal(1.0, 1.0)
        kappa = np.radians([[nasal + rng.normal(0, 0.4), up + rng.normal(0, 0.4)] for _ in range(2)])
        irises = np.array(
            [
                [0.030, 0.015, 0.009],
                [0.065, 0.033, 0.015],
                [0.11, 0.07, 0.03],
                [0.11, 0.12, 0.065],
                [0.08, 0.115, 0.145],
                [0.12, 0.14, 0.14],
            ]
        )
        likely = [0.2, 0.25, 0.17, 0.13, 0.15, 0.10] if skin_tone < 2 else [0.6, 0.3, 0.1, 0.0, 0.0, 0.0]
        # On photographs the sclera is far from white: it lies in the lids' shadow and returns less light than
        # it seems to.
        yellow = abs(rng.normal(0, 0.05))
        level = (
            0.35
            * (float(skin.colour @ LUMINANCE) / 0.40) ** rng.uniform(0.85, 1.05)
            * math.exp(rng.normal(0, 0.05))
        )
        white = level * np.array([1.06, 0.99, 0.94]) * np.array([1, 1 - 0.4 * yellow, 1 - 2 * yellow])
        _pass_over(rng, 1)
        return cls(
            iris_radius_cm=_normal(rng, 0.585, 0.02, 0.53, 0.64),
            pupil_radius_cm=_normal(rng, 0.21, 0.055, 0.11, 0.37),
            rise_cm=_normal(rng, 0.0, 0.05, -0.12, 0.12),
            depth_cm=_normal(rng, 0.0, 0.06, -0.15, 0.15),
            kappa_rad=kappa,
            iris_colour=_tinted(rng, irises[rng.choice(6, p=likely)], 0.15, 0.10),
            sclera_colour=np.clip(white, 0.06, 0.75),
            redness=_normal(rng, 0.35, 0.25, 0.0, 1.2),
            glint=float(rng.uniform(0.3, 1.0)),
            seed=int(rng.integers(1 << 16)),
        )


@dataclass(frozen=True)
class Lids:
    """The opening between the lids, straight ahead with a resting face, and how it moves.

    Heights are above the pupil's centre in primary gaze; the lower margin's distance is positive downwards.
    """

    nasal_cm: float  # inner canthus, from the eye's centre
    temporal_cm: float  # outer canthus
    inner_height_cm: float  # height of the inner canthus over the pupil's centre (negative: below)
    outer_height_cm: float
    upper_margin_cm: float  # MRD1
    lower_margin_cm: float  # MRD2
    upper_gain: float  # share of the globe's vertical excursion that the upper margin follows
    lower_gain: float
    asymmetry_cm: float  # left upper margin higher by this, right one lower
    droop: float  # skew of the upper margin: positive is lower on the temporal side
    peak: float  # where the upper margin is highest, 0 nasal .. 1 temporal
    crease_cm: float  # height of the lid crease above the upper margin in primary gaze; 0 = no crease
    crease_depth: float
    fold: float  # 0 to 1: how much the skin above the crease overhangs (hooded lids)
    shadow: float  # light left under the upper lid's lashes, 0 to 1
    shadow_reach_cm: float  # how far below the upper margin that shadow goes
    lash_length_cm: float
    lash_density: float  # 0 to 1
    lash_line_cm: float  # thickness of the dark line the lashes' roots make along the upper margin
    lash_lift_rad: float  # root angle of the upper lashes above straight ahead
    bags: float  # 0 to 1: shadow below the lower lid
    makeup: float  # 0 to 1: dark lid and lash line

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Lids:
        fissure = _normal(rng, 2.98, 0.10, 2.68, 3.28)
        nasal = fissure * _normal(rng, 0.527, 0.012, 0.50, 0.56)
        makeup = float(rng.uniform(0.2, 0.8)) if rng.random() < 0.2 else 0.0
        inner = _normal(rng, -0.36, 0.06, -0.5, -0.2)
        return cls(
            nasal_cm=nasal,
            temporal_cm=fissure - nasal,
            inner_height_cm=inner,
            outer_height_cm=inner + _normal(rng, 0.18, 0.10, -0.1, 0.42),
            upper_margin_cm=_normal(rng, 0.34, 0.09, 0.12, 0.56),
            lower_margin_cm=_normal(rng, 0.50, 0.07, 0.33, 0.68),
            upper_gain=_normal(rng, 0.93, 0.12, 0.65, 1.2),
            lower_gain=_normal(rng, 0.35, 0.12, 0.1, 0.65),
            asymmetry_cm=_normal(rng, 0, 0.025, -0.06, 0.06),
            droop=_normal(rng, 0, 0.08, -0.2, 0.2),
            peak=_normal(rng, 0.47, 0.04, 0.38, 0.56),
            crease_cm=float(rng.choice([0.0, 0.16, 0.28, 0.42], p=[0.17, 0.28, 0.33, 0.22]))
            * math.exp(rng.normal(0, 0.12)),
            crease_depth=_normal(rng, 0.55, 0.2, 0.15, 1.0),
            fold=float(rng.beta(1.2, 1.8)),
            shadow=_normal(rng, 0.38, 0.11, 0.12, 0.7),
            shadow_reach_cm=_normal(rng, 0.41, 0.09, 0.18, 0.7),
            lash_length_cm=_normal(rng, 0.55, 0.16, 0.2, 1.0) * (1 + 0.3 * makeup),
            lash_density=min(1.0, _normal(rng, 0.6, 0.2, 0.15, 1.0) + 0.3 * makeup),
            lash_line_cm=_normal(rng, 0.080, 0.025, 0.03, 0.15) * (1 + 0.6 * makeup),
            lash_lift_rad=math.radians(_normal(rng, 8, 13, -22, 35)),
            bags=_normal(rng, 0.25, 0.2, 0.0, 0.8),
            makeup=makeup,
        )


@dataclass(frozen=True)
class FaceShape:
    """Shape of an ICT head, and of what is painted on it; a MakeHuman head has a `figure.Figure`.

    nose_length_cm: longer than the average by this. lip, mouth_width: factors on an average. identity: (100,)
    weights of ICT-FaceKit's principal shapes.
    """

    nose_length_cm: float
    lip: float
    mouth_width: float
    identity: np.ndarray

    @classmethod
    def draw(cls, rng: np.random.Generator) -> FaceShape:
        _pass_over(rng, 6)
        nose_length_cm = float(rng.normal(0, 0.25))
        _pass_over(rng, 6)
        lip, mouth_width = _normal(rng, 1, 0.25, 0.5, 1.7), _normal(rng, 1, 0.1, 0.75, 1.25)
        _pass_over(rng, 1)
        return cls(nose_length_cm, lip, mouth_width, rng.normal(0, 0.85, 100))


_SKINS = np.array(
    [
        [0.72, 0.50, 0.41],
        [0.62, 0.41, 0.31],
        [0.50, 0.31, 0.215],
        [0.36, 0.205, 0.13],
        [0.21, 0.115, 0.07],
        [0.105, 0.055, 0.037],
    ]
)


@dataclass(frozen=True)
class Skin:
    """Colours of skin, lips and beard."""

    tone: float  # 0 (lightest) to 5 (darkest), position in a palette
    colour: np.ndarray  # (3,)
    lip_colour: np.ndarray  # (3,)
    redness: float
    freckles: float
    gloss: float
    beard: float  # 0 none .. 1 full
    moustache: float
    orbit_shadow: float  # 0 to 1: how dark the orbit lies beyond what its shape explains (pigment, thin skin)
    occlusion: float  # exponent on the ambient occlusion of the head's shape, 1 = as computed
    seed: int  # blotches

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Skin:
        tone = float(np.clip(rng.beta(1.2, 1.9) * 5, 0, 4.999))
        step, part = int(tone), tone - int(tone)
        colour = _tinted(rng, _SKINS[step] * (1 - part) + _SKINS[step + 1] * part, 0.05, 0.05)
        natural = rng.random() < 0.75
        beard = float(rng.choice([0.0, rng.uniform(0.1, 0.35), rng.uniform(0.5, 0.95)], p=[0.6, 0.25, 0.15]))
        return cls(
            tone=tone,
            colour=colour,
            lip_colour=np.clip(
                colour
                * ([1.0, 0.62, 0.62] if natural else [1.05, 0.35, 0.40])
                * (1 + rng.normal(0, 0.08, 3)),
                0.01,
                0.9,
            ),
            redness=_normal(rng, 0.4, 0.3, 0, 1.2),
            freckles=float(rng.uniform(0.2, 0.6)) if rng.random() < 0.12 else 0.0,
            gloss=_normal(rng, 0.25, 0.15, 0.03, 0.7),
            beard=beard,
            moustache=beard * float(rng.uniform(0.6, 1.1)),
            orbit_shadow=float(rng.uniform(0.28, 0.6)),
            occlusion=float(rng.uniform(1.1, 1.9)),
            seed=int(rng.integers(1 << 16)),
        )


@dataclass(frozen=True)
class Hair:
    """Hair of head and brows. style: 0 bald, 1 short, 2 long, 3 fringe."""

    style: int
    colour: np.ndarray  # (3,)
    hairline_cm: float  # above the eyes
    thickness_cm: float
    brow_thickness_cm: float
    brow_height_cm: float  # centre of the brow above the pupil
    brow_density: float
    brow_arc_cm: float
    brow_tilt: float
    seed: int

    @classmethod
    def draw(cls, rng: np.random.Generator, skin_tone: float) -> Hair:
        colours = np.array(
            [
                [0.012, 0.010, 0.009],
                [0.035, 0.02, 0.013],
                [0.09, 0.05, 0.025],
                [0.20, 0.12, 0.06],
                [0.36, 0.26, 0.15],
                [0.27, 0.26, 0.25],
                [0.15, 0.055, 0.025],
            ]
        )
        likely = (
            [0.35, 0.27, 0.16, 0.08, 0.04, 0.06, 0.04]
            if skin_tone < 2.5
            else [0.70, 0.2, 0.02, 0.0, 0.0, 0.08, 0.0]
        )
        style = int(rng.choice([0, 1, 2, 3], p=[0.07, 0.45, 0.33, 0.15]))
        return cls(
            style=style,
            colour=_tinted(rng, colours[rng.choice(7, p=likely)], 0.2, 0.05),
            hairline_cm=float(rng.normal(4.3, 0.5) if style == 3 else rng.normal(6.3, 0.6)),
            thickness_cm=0.0 if style == 0 else float(rng.uniform(0.3, 1.3)),
            brow_thickness_cm=_normal(rng, 0.33, 0.08, 0.15, 0.55),
            brow_height_cm=_normal(rng, 2.0, 0.2, 1.5, 2.6),
            brow_density=_normal(rng, 0.75, 0.2, 0.15, 1.0),
            brow_arc_cm=_normal(rng, 0.28, 0.1, 0.0, 0.55),
            brow_tilt=float(rng.normal(0, 0.07)),
            seed=int(rng.integers(1 << 16)),
        )


@dataclass(frozen=True)
class Glasses:
    """Spectacles in a plane before the face. Lens outlines are super-ellipses."""

    half_width_cm: float
    half_height_cm: float
    rim_cm: float
    drop_cm: float  # centre of the lenses above the eyes (negative: below)
    roundness: float  # exponent of the outline: 2 ellipse, large rectangle
    tint: float
    distance_cm: float  # plane of the lenses in front of the eyes' centres
    colour: np.ndarray  # (3,)
    reflection: float  # strength of the surroundings mirrored in the lenses

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Glasses:
        kind = rng.random()
        colour = (
            [0.01, 0.01, 0.012] if kind < 0.6 else ([0.25, 0.22, 0.2] if kind < 0.8 else [0.12, 0.05, 0.02])
        )
        return cls(
            half_width_cm=float(rng.uniform(2.2, 2.75)),
            half_height_cm=float(rng.uniform(1.55, 2.3)),
            rim_cm=float(rng.uniform(0.07, 0.28)),
            drop_cm=float(rng.uniform(-0.45, 0.05)),
            roundness=float(rng.uniform(2.2, 6)),
            tint=float(rng.uniform(0.0, 0.3)),
            distance_cm=float(rng.uniform(2.0, 2.5)),
            colour=np.array(colour),
            reflection=float(0.03 + 0.4 * rng.beta(1, 2.5)) if rng.random() < 0.5 else 0.0,
        )


@dataclass(frozen=True)
class Subject:
    """Everything that makes one person look as they do."""

    eyes: Eyes
    lids: Lids
    face: FaceShape
    skin: Skin
    hair: Hair
    glasses: Glasses | None
    seed: int = field(default=0)
    wardrobe: Wardrobe | None = None  # of MakeHuman heads only, as is the next
    complexion: Complexion | None = None

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Subject:
        """Draw a person as ICT heads have them, the ground of those with MakeHuman's (`people.suited`); the
        same generator state gives the same person."""
        skin = Skin.draw(rng)
        return cls(
            eyes=Eyes.draw(rng, skin),
            lids=Lids.draw(rng),
            face=FaceShape.draw(rng),
            skin=skin,
            hair=Hair.draw(rng, skin.tone),
            glasses=Glasses.draw(rng) if rng.random() < 0.28 else None,
            seed=int(rng.integers(1 << 16)),
        )


@dataclass(frozen=True)
class Expression:
    """What the face does in one frame, apart from where it looks."""

    smile: float = 0.0  # -0.3 (frown) .. 1
    mouth_open_cm: float = 0.0
    brow_raise_cm: float = 0.0
    squint: float = 0.0  # 0 none .. 1: both lids close in, the lower one most
    droop_cm: float = 0.0  # upper margins lower by this (tired), higher if negative (startled)
    blink: float = 0.0  # 0 open .. 1 shut
    lid_jitter_cm: tuple[float, float] = (0.0, 0.0)  # upper, lower margin
    others: tuple[tuple[str, float], ...] = ()  # further movements of the face by name (`mesh.Unit`), 0 to 1

    @property
    def strengths(self) -> dict[str, float]:
        """Movements of the mesh by name."""
        return {
            "smile": self.smile,
            "jaw": self.mouth_open_cm,
            "brow": self.brow_raise_cm,
            **dict(self.others),
        }

    @classmethod
    def draw(cls, rng: np.random.Generator, blink_share: float = 0.02) -> Expression:
        """A random everyday expression; `blink_share` of them are caught somewhere in a blink."""
        blink = float(rng.uniform(0.35, 1.0)) if rng.random() < blink_share else 0.0
        squinting = rng.random() < 0.25
        return cls(
            smile=float(rng.uniform(-0.3, 0.9)),
            mouth_open_cm=max(0.0, float(rng.normal(-0.45, 0.35))),
            brow_raise_cm=_normal(rng, 0.0, 0.12, -0.3, 0.4),
            squint=float(rng.uniform(0, 0.7)) if squinting else 0.0,
            droop_cm=_normal(rng, 0.0, 0.06, -0.15, 0.2),
            blink=blink,
            lid_jitter_cm=(_normal(rng, 0, 0.04, -0.1, 0.1), _normal(rng, 0, 0.03, -0.08, 0.08)),
        )

    @classmethod
    def draw_lively(cls, rng: np.random.Generator, blink_share: float = 0.02) -> Expression:
        """As `draw`, with a calmer smile, lids that vary more whatever the gaze, and other movements of
        mouth, brows, cheeks."""
        blink = float(rng.uniform(0.35, 1.0)) if rng.random() < blink_share else 0.0
        calm = rng.random() < 0.45
        others = tuple(
            (name, float(rng.beta(1.2, 2.0)))
            for name, share in _OTHER_MOVEMENTS.items()
            if rng.random() < share * (0.3 if calm else 1.0)
        )
        return cls(
            smile=float(rng.uniform(-0.05, 0.25) if calm else rng.uniform(-0.1, 1.0) * rng.random()),
            mouth_open_cm=max(0.0, float(rng.normal(-0.45, 0.45))),
            brow_raise_cm=_normal(rng, 0.0, 0.14, -0.3, 0.45),
            squint=float(rng.uniform(0, 0.75)) if rng.random() < 0.22 else 0.0,
            droop_cm=_normal(rng, 0.0, 0.09, -0.2, 0.25),
            blink=blink,
            lid_jitter_cm=(_normal(rng, 0, 0.05, -0.12, 0.12), _normal(rng, 0, 0.04, -0.1, 0.1)),
            others=others,
        )


_OTHER_MOVEMENTS = {
    "frown": 0.12,
    "brow_down": 0.2,
    "pucker": 0.07,
    "puff": 0.03,
    "press": 0.12,
    "stretch": 0.08,
    "teeth": 0.12,
    "sneer": 0.05,
    "squint": 0.15,
    "smirk": 0.08,
    "one_brow": 0.08,
}
"""How often each of the further movements of a face (`mesh.Unit`) is seen."""
