"""Making one person of a whole: a subject's hair, skin and lids suited to a figure's sex and years."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tinytracker.synthetic.complexion import Complexion
from tinytracker.synthetic.figure import Figure
from tinytracker.synthetic.subject import Eyes, Hair, Lids, Skin, Subject
from tinytracker.synthetic.wardrobe import Wardrobe


def draw(seed: int) -> tuple[Subject, Figure]:
    """The person that a seed stands for; the same seed gives the same person."""
    rng = np.random.default_rng([seed, 1])
    subject = Subject.draw(np.random.default_rng(seed))
    figure = Figure.draw(rng, subject.skin.tone)
    return suited(subject, figure, rng), figure


def suited(subject: Subject, figure: Figure, rng: np.random.Generator) -> Subject:
    """The subject with what sex and years decide."""
    wear = Wardrobe.draw(rng, figure)
    lids = _lids(subject, figure, rng)
    return replace(
        subject,
        complexion=Complexion.draw(rng, figure, made_up=lids.makeup > 0),
        eyes=_eyes(subject, figure, rng),
        lids=lids,
        skin=_skin(subject, figure, rng),
        hair=_hair(subject, figure, rng),
        glasses=subject.glasses if not figure.is_child or rng.random() < 0.5 else None,
        wardrobe=wear,
    )


def _eyes(subject: Subject, figure: Figure, rng: np.random.Generator) -> Eyes:
    """Irises and scleras as bright against the skin as cameras show them: these heads' orbits are deeper
    than those the subject's were drawn for."""
    eyes = subject.eyes
    iris = eyes.iris_colour * rng.uniform(1.3, 2.5)
    return replace(
        eyes,
        iris_colour=iris * min(1.0, 0.17 / float(iris.max())),
        sclera_colour=np.clip(eyes.sclera_colour * rng.uniform(1.4, 2.1), 0.06, 0.8),
        pupil_radius_cm=float(min(0.4, eyes.pupil_radius_cm * (1 + 0.15 * figure.youth - 0.2 * figure.wear))),
    )


def _lids(subject: Subject, figure: Figure, rng: np.random.Generator) -> Lids:
    lids = subject.lids
    small = 1 - 0.10 * figure.youth
    made_up = figure.years > 15 and not figure.male and rng.random() < 0.45
    makeup = float(rng.uniform(0.2, 0.9)) if made_up else 0.0
    return replace(
        lids,
        nasal_cm=lids.nasal_cm * small,
        temporal_cm=lids.temporal_cm * small,
        upper_margin_cm=lids.upper_margin_cm - 0.05 * figure.wear,
        makeup=makeup,
        lash_length_cm=min(1.0, lids.lash_length_cm * (1.0 if figure.male else 1.25) * (1 + 0.3 * makeup)),
        lash_line_cm=lids.lash_line_cm * rng.uniform(1.7, 3.0),
        lash_density=min(1.0, lids.lash_density + 0.35),
        shadow=float(np.clip(lids.shadow - 0.13, 0.08, 0.7)),
        shadow_reach_cm=lids.shadow_reach_cm * 1.25,
        bags=float(np.clip(lids.bags * (0.5 + 1.2 * figure.wear), 0, 0.9)),
    )


def _skin(subject: Subject, figure: Figure, rng: np.random.Generator) -> Skin:
    skin = subject.skin
    grown = figure.male and figure.years > 17
    style = rng.choice(["shaved", "stubble", "moustache", "beard"], p=[0.42, 0.3, 0.06, 0.22])
    beard = (
        0.0
        if not grown
        else {
            "shaved": rng.uniform(0, 0.12),
            "stubble": rng.uniform(0.15, 0.45),
            "moustache": rng.uniform(0, 0.15),
            "beard": rng.uniform(0.6, 1.0),
        }[style]
    )
    moustache = (
        0.0
        if not grown
        else (rng.uniform(0.6, 0.95) if style == "moustache" else beard * rng.uniform(0.6, 1.1))
    )
    lip = skin.lip_colour
    if figure.male or figure.is_child:
        lip = np.clip(skin.colour * [1.0, 0.70, 0.70] * (1 + rng.normal(0, 0.05, 3)), 0.01, 0.9)
    return replace(
        skin,
        occlusion=float(rng.uniform(0.7, 1.5)),
        beard=float(beard),
        moustache=float(moustache),
        lip_colour=lip,
    )


def _hair(subject: Subject, figure: Figure, rng: np.random.Generator) -> Hair:
    hair = subject.hair
    grey = np.clip((figure.years - rng.uniform(35, 70)) / 18, 0, 1)
    colour = hair.colour * (1 - grey) + np.array([0.36, 0.35, 0.34]) * rng.uniform(0.5, 1.1) * grey
    bald = figure.male and rng.random() < 0.05 + 0.35 * figure.wear
    likely = [0.0, 0.88, 0.05, 0.07] if figure.male else [0.0, 0.2, 0.6, 0.2]
    style = 0 if bald else int(rng.choice(4, p=likely))
    hairline = (
        rng.normal(4.4, 0.5)
        if style == 3
        else rng.normal(6.3 + (0.6 * figure.wear if figure.male else 0), 0.5)
    )
    full = (0.6, 1.6) if not figure.male else (0.15, 1.1)
    curly = figure.ancestry[0] > 0.5 and rng.random() < 0.4
    return replace(
        hair,
        style=style,
        colour=colour,
        hairline_cm=float(hairline),
        thickness_cm=0.0
        if style == 0
        else float(rng.uniform(*full) * (2.0 if curly and style == 1 else 1.0)),
        brow_density=float(hair.brow_density * (1.0 if figure.male else 0.85)),
        brow_thickness_cm=float(hair.brow_thickness_cm * (1.1 if figure.male else 0.85)),
    )
