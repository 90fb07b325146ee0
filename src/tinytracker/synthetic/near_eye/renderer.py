"""A near-eye camera's pictures of somebody, in linear light, and the exact label of each."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tinytracker.synthetic.eyes import torsion_free
from tinytracker.synthetic.near_eye import lashes, textures
from tinytracker.synthetic.near_eye.anatomy import REFRACTIVE_INDEX, NearEye
from tinytracker.synthetic.near_eye.headset import Headset, View
from tinytracker.synthetic.near_eye.lids import COLUMNS, REACH_CM, Lids, Margins
from tinytracker.synthetic.near_eye.optics import Optics, Pixels, Rows, ellipse_of, pupil_outline
from tinytracker.synthetic.near_eye.shade import (
    CREASE_REACH_CM,
    LOWER_REACH_CM,
    Curves,
    Ground,
    Moment,
    Paints,
    Textures,
    lit_through_pupil,
    mirror_lamps,
    paint_still,
    shade,
)
from tinytracker.synthetic.near_eye.surface import lay_out, surface_of
from tinytracker.synthetic.near_eye.visible import visible_share

Light = NDArray[np.float32]
"""(H, W): linear light; a white sheet under the lamps gives about 1."""

CAMERA_STEP_PX = 0.05
"""A camera that moved less is left where it was: all that depends on its place alone is kept."""


@dataclass(frozen=True, slots=True)
class State:
    """What an eye is like at one moment; see `gaze_path.EyePath`. slip_cm: of the camera, along its axes."""

    yaw_deg: float
    pitch_deg: float
    lid_pitch_deg: float
    blink: float
    pupil_radius_cm: float
    slip_cm: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class PupilTruth:
    """The ellipse of the pupil as it appears through the cornea, whole even where lids hide it, in pixels
    of the view, of which the first one's middle is (0.5, 0.5); NaN where the eye is turned too far.
    visible: the share of it that the lids leave free. openness: the opening's height over its width."""

    x_px: float
    y_px: float
    major_px: float
    minor_px: float
    angle_deg: float
    visible: float
    openness: float


class Renderer:
    """Pictures of one person by one headset. scale: of the pictures' size to that of the headset's view, to
    which truth belongs."""

    def __init__(self, person: NearEye, headset: Headset, scale: float = 1.0) -> None:
        self.person, self.headset = person, headset
        self.view = headset.view.scaled(scale)
        rng = np.random.default_rng(person.texture_seed)
        globe, look = person.globe, person.look
        self._lids = Lids(person.lids, person.side, globe.ball_radius_cm)
        lid_radius_cm = globe.ball_radius_cm + person.lids.thickness_cm
        self._surface = surface_of(lid_radius_cm, person.side, rng)
        self._lashes = lashes.grow(person, rng)
        self._optics = Optics(
            ball_radius=globe.ball_radius_cm,
            cornea_radius=globe.cornea_radius_cm,
            cornea_centre=globe.cornea_centre_cm,
            limbus_distance=globe.limbus_distance_cm,
            limbus_radius=globe.limbus_radius_cm,
            iris_distance=globe.iris_distance_cm,
            pupil_x=-person.side * globe.pupil_offset_cm,
            refractive_index=REFRACTIVE_INDEX,
        )
        self._textures = Textures(
            skin=textures.skin(person, rng),
            iris=textures.iris(person, rng),
            sclera=textures.sclera(person, rng),
        )
        self._paints = Paints(
            skin=look.skin,
            pupil=look.pupil,
            crease_depth=person.lids.crease_depth,
            liner=look.liner,
            liner_below=look.liner_below,
            shadow=look.shadow,
            inward=lid_radius_cm / globe.ball_radius_cm,
        )
        self._highest = self._lids.at(28.0, 0.0).crease + np.float32(CREASE_REACH_CM)
        self._lowest = self._lids.at(-35.0, 0.0).lower - np.float32(LOWER_REACH_CM)
        shape = (self.view.height_px, self.view.width_px)
        self._ground = Ground(
            places=np.zeros((*shape, 2), np.float32),
            light=np.zeros(shape, np.float32),
            footprint=np.zeros(shape, np.float32),
            slant=np.zeros(shape),
            still=np.zeros(shape, np.float32),
            spans=np.zeros((shape[0], 2), np.int64),
        )
        self._image, self._seen = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self._slip_cm: NDArray[np.float64] | None = None
        self._pixels = _pixels(self.view)

    def frame(self, state: State) -> Light:
        """The light that falls on the camera's pixels: a new array (H, W)."""
        self._place_camera(np.array(state.slip_cm))
        lamps = self.headset.lamps
        curves = self._curves(self._lids.at(state.lid_pitch_deg, state.blink))
        moment = self._moment(state)
        image = self._image
        shade(
            image,
            self._seen,
            self._ground,
            curves,
            self._textures,
            self._paints,
            moment,
            self._optics,
            self._pixels,
        )
        mirror_lamps(
            image,
            self._seen,
            self._lamp_places,
            lamps.powers,
            lamps.size_cm,
            moment,
            self._optics,
            self._pixels,
        )
        lashes.draw_lashes(image, self._ground.light, self._lashes, curves, self._surface, self._pixels)
        blur_px = self.headset.defocus_px * self.view.width_px / self.headset.view.width_px
        return np.asarray(cv2.GaussianBlur(image, (0, 0), max(0.35, blur_px)), np.float32)

    def truth(self, state: State) -> PupilTruth:
        """The label of a moment, whether or not it was rendered."""
        pixels = _pixels(self.headset.view.moved(np.array(state.slip_cm)))
        turn = self._turn(state)
        margins = self._lids.at(state.lid_pitch_deg, state.blink)
        outline = pupil_outline(state.pupil_radius_cm, pixels, turn, self._optics)
        if not np.isfinite(outline).all():
            return PupilTruth(*(math.nan,) * 5, visible=0.0, openness=margins.openness)
        x, y, major, minor, angle = ellipse_of(outline)
        visible = visible_share(
            outline,
            (x, y),
            pixels,
            turn,
            self._surface,
            self._curves(margins),
            self._optics,
            self._paints.inward,
        )
        return PupilTruth(x + 0.5, y + 0.5, major, minor, angle, visible, margins.openness)

    def _place_camera(self, slip_cm: NDArray[np.float64]) -> None:
        step_cm = CAMERA_STEP_PX * self.headset.distance_cm / self.view.focal_px
        if self._slip_cm is not None and np.abs(slip_cm - self._slip_cm).max() < step_cm:
            return
        self._slip_cm = slip_cm
        view = self.view.moved(slip_cm)
        self._pixels = _pixels(view)
        lamps = self.headset.lamps
        self._lamp_places = lamps.places_cm + slip_cm @ view.axes
        lay_out(
            self._pixels,
            self._surface,
            self._lamp_places,
            lamps.powers,
            lamps.ambient,
            self._ground.places,
            self._ground.light,
            self._ground.footprint,
            self._ground.slant,
        )
        paint_still(self._ground, self._curves(self._lids.rest), self._textures.skin)

    def _turn(self, state: State) -> Rows:
        """The eye-fixed axes, as columns."""
        globe = self.person.globe
        yaw = math.radians(state.yaw_deg + self.person.side * globe.kappa_nasal_deg)
        pitch = math.radians(state.pitch_deg - globe.kappa_up_deg)
        axis = (math.sin(yaw) * math.cos(pitch), math.sin(pitch), math.cos(yaw) * math.cos(pitch))
        return _rows(torsion_free(np.array(axis)))

    def _moment(self, state: State) -> Moment:
        turn, lamps = self._turn(state), self.headset.lamps
        iris_light, returned = lit_through_pupil(
            turn,
            self._optics.iris_distance,
            self._lamp_places,
            lamps.powers,
            lamps.ambient,
            self._pixels.origin,
        )
        return Moment(
            turn=turn,
            camera=_into(turn, self._pixels.origin),
            pupil_radius=state.pupil_radius_cm,
            iris_light=iris_light,
            returned=returned,
        )

    def _curves(self, margins: Margins) -> Curves:
        return Curves(
            upper=margins.upper,
            lower=margins.lower,
            crease=margins.crease,
            rest_upper=self._lids.rest.upper,
            rest_lower=self._lids.rest.lower,
            highest=self._highest,
            lowest=self._lowest,
            within=self._lids.within,
            per_cm=(COLUMNS - 1) / (2 * REACH_CM),
            reach=REACH_CM,
            openness=margins.openness,
        )


def _pixels(view: View) -> Pixels:
    return Pixels(
        origin=(float(view.origin_cm[0]), float(view.origin_cm[1]), float(view.origin_cm[2])),
        axes=_rows(view.axes),
        focal=view.focal_px,
        middle_x=(view.width_px - 1) / 2,
        middle_y=(view.height_px - 1) / 2,
    )


def _rows(matrix: NDArray[np.float64]) -> Rows:
    return tuple(tuple(float(number) for number in row) for row in matrix)


def _into(turn: Rows, place: tuple[float, float, float]) -> tuple[float, float, float]:
    """A place in eye-fixed axes."""
    x, y, z = np.array(place) @ np.array(turn)
    return float(x), float(y), float(z)
