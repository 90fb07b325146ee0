"""Finding faces in a frame: OpenCV's Haar cascade by default, YuNet when the user brings its model file.

A finder gives the detector's own boxes, which sit differently for every detector. `eyes_in_box` says where
the eyes lie in them, so that the boxes that the gaze networks know (`tinytracker.faces.boxes`) can be set
whatever the detector was.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from tinytracker.domain import Box, Image
from tinytracker.errors import ModelError


@dataclass(frozen=True, slots=True)
class Detection:
    """A face as a detector gives it.

    box: the detector's own box. eyes_px: float (2, 2), [left, right eye][x, y], the middle between each eye's
    corners in pixels of the whole frame: measured by the detector, or from the usual proportions of its
    boxes. score: the detector's own, higher is surer.
    """

    box: Box
    eyes_px: np.ndarray
    score: float


class FaceFinder(Protocol):
    def find(
        self, image: Image, region: Box | None = None, width_px: tuple[float, float] | None = None
    ) -> list[Detection]:
        """The faces in an image, the largest first.

        image: uint8 (height_px, width_px, 3), RGB. region: look only there (the part inside the image).
        width_px: smallest and largest width of a face's box to look for; None: any that the finder knows.
        """
        ...


@dataclass(frozen=True, slots=True)
class HaarSettings:
    """How `HaarFinder` looks.

    long_side_px: a whole frame is reduced so that its longer side has this length (480 x 640 -> 180 x 240).
    smallest_share: the smallest face looked for, as a share of the frame's shorter side.
    near_face_px: in a region with known size, the frame is reduced so that the smallest face is this wide.
    second_long_side_px, second_scale_step: a whole frame in which nothing was found is searched once more, so
    finely: that takes twice as long, and finds bowed heads twice as often. filling_*: then once more, with a
    margin of so large a share of its sides, coarsely, for faces larger than a share of its shorter side: the
    cascade wants to see some of what is round a face, and one that fills the picture leaves nothing.
    scale_step: ratio of one searched size to the next. neighbours: raw hits that make a face; fewer finds
    more faces and more things that are none.
    """

    long_side_px: int = 240
    smallest_share: float = 0.15
    near_face_px: float = 32.0
    scale_step: float = 1.2
    neighbours: int = 3
    second_long_side_px: int = 320
    second_scale_step: float = 1.1
    filling_long_side_px: int = 160
    filling_margin: float = 1 / 3
    filling_share: float = 0.5


# Where the eyes lie in a box of the alt2 cascade: share of its width from its centre to an eye, share of its
# height from its top. Between what 120 rendered frames gave (0.18 +- 0.015, 0.42 +- 0.02) and a real portrait
# (0.23, 0.39).
HAAR_EYE_OFFSET = 0.20
HAAR_EYE_HEIGHT = 0.40
HAAR_WINDOW_PX = 20  # the cascade's own window: nothing smaller is ever found


class HaarFinder:
    """The alt2 frontal face cascade of OpenCV (Viola and Jones, "Robust real-time face detection", IJCV 2004,
    in the variant of Lienhart and Maydt, ICIP 2002) on a reduced grey picture."""

    def __init__(self, settings: HaarSettings | None = None) -> None:
        self.settings = settings or HaarSettings()
        if not hasattr(cv2, "CascadeClassifier"):
            raise ModelError(
                f"OpenCV {cv2.__version__} has no Haar cascades; run: pip install 'opencv-python-headless<5'"
            )
        self._cascade = cv2.CascadeClassifier(
            str(Path(cv2.__file__).parent / "data" / "haarcascade_frontalface_alt2.xml")
        )

    def find(
        self, image: Image, region: Box | None = None, width_px: tuple[float, float] | None = None
    ) -> list[Detection]:
        """See FaceFinder.find."""
        settings, long_side_px = self.settings, max(image.shape[:2])
        smallest_px, largest_px = width_px or (
            settings.smallest_share * min(image.shape[:2]),
            float(long_side_px),
        )
        if width_px is not None:
            return self._search(
                image,
                region,
                smallest_px,
                largest_px,
                settings.near_face_px / smallest_px,
                settings.scale_step,
            )
        found = self._search(
            image, region, smallest_px, largest_px, settings.long_side_px / long_side_px, settings.scale_step
        )
        if region is not None:
            return found
        if not found:
            scale = settings.second_long_side_px / long_side_px
            found = self._search(image, None, smallest_px, largest_px, scale, settings.second_scale_step)
        return self._upright(image, found or self._search_filling(image))

    def _search_filling(self, image: Image) -> list[Detection]:
        """Faces that fill the picture, found in one reduced and with a margin of its own edges' colours."""
        settings, short_px = self.settings, min(image.shape[:2])
        scale = min(1.0, settings.filling_long_side_px / max(image.shape[:2]))
        small = _resized(image, scale)
        down, across = (round(settings.filling_margin * side) for side in small.shape[:2])
        padded = cv2.copyMakeBorder(small, down, down, across, across, cv2.BORDER_REPLICATE)
        smallest_px, largest_px = settings.filling_share * short_px * scale, float(max(padded.shape[:2]))
        found = self._search(padded, None, smallest_px, largest_px, 1.0, settings.scale_step)
        return [_haar_detection(_unpadded(face.box, across, down, scale), face.score) for face in found]

    def _upright(self, image: Image, found: list[Detection]) -> list[Detection]:
        """Without faces that stand on their heads, of which the cascade finds some: turned, they are found
        more surely."""
        if not found:
            return found
        height, width = image.shape[:2]
        scale, smallest_px = (
            self.settings.long_side_px / max(height, width),
            self.settings.smallest_share * min(height, width),
        )
        turned = self._search(
            image[::-1, ::-1], None, smallest_px, float(max(height, width)), scale, self.settings.scale_step
        )
        heads = [
            (face.score, width - face.box.centre_px[0], height - face.box.centre_px[1], face.box.width_px)
            for face in turned
        ]
        return [
            face
            for face in found
            if not any(
                score > face.score
                and np.hypot(face.box.centre_px[0] - x, face.box.centre_px[1] - y) < size_px / 2
                for score, x, y, size_px in heads
            )
        ]

    def _search(
        self,
        image: np.ndarray,
        region: Box | None,
        smallest_px: float,
        largest_px: float,
        scale: float,
        scale_step: float,
    ) -> list[Detection]:
        """One search at one reduction, `scale` (1: none; more is taken for 1)."""
        cut, left_px, top_px = _cut(image, region)
        if min(cut.shape[:2]) < HAAR_WINDOW_PX:
            return []
        scale = max(min(1.0, scale), HAAR_WINDOW_PX / min(cut.shape[:2]))
        grey = cv2.cvtColor(_resized(cut, scale), cv2.COLOR_RGB2GRAY)
        boxes, _, weights = self._cascade.detectMultiScale3(
            grey,
            scaleFactor=scale_step,
            minNeighbors=self.settings.neighbours,
            minSize=_square(smallest_px * scale),
            maxSize=_square(largest_px * scale),
            outputRejectLevels=True,
        )
        found = [
            _haar_detection(Box(x / scale + left_px, y / scale + top_px, w / scale, h / scale), float(weight))
            for (x, y, w, h), weight in zip(boxes, np.ravel(weights), strict=True)
        ]
        return sorted(found, key=lambda detection: -detection.box.width_px)


class YuNetFinder:
    """YuNet (Wu, Peng and Yu, Machine Intelligence Research 2023) through OpenCV's FaceDetectorYN; it also
    finds faces turned aside and gives the eyes' centres. The model file is the user's: OpenCV's model zoo has
    it (MIT licence).

    Raises ModelError if the file is not a YuNet model.
    """

    def __init__(self, model: Path, long_side_px: int = 320, score_threshold: float = 0.7) -> None:
        if not model.is_file():
            raise ModelError(
                f"{model} does not exist; expected YuNet's .onnx file, e.g. face_detection_yunet_2023mar.onnx"
            )
        self.long_side_px = long_side_px
        try:
            self._detector = cv2.FaceDetectorYN.create(str(model), "", (320, 320), score_threshold)
            self._detector.detect(np.zeros((320, 320, 3), np.uint8))
        except cv2.error as error:
            raise ModelError(
                f"{model} is not a YuNet face detector: {error.err}; expected OpenCV zoo's .onnx file"
            ) from error

    def find(
        self, image: Image, region: Box | None = None, width_px: tuple[float, float] | None = None
    ) -> list[Detection]:
        """See FaceFinder.find; it looks for faces of every size and then leaves out those outside
        `width_px`."""
        cut, left_px, top_px = _cut(image, region)
        if min(cut.shape[:2]) < HAAR_WINDOW_PX:
            return []
        scale = min(1.0, self.long_side_px / max(cut.shape[:2]))
        small = cv2.cvtColor(_resized(cut, scale), cv2.COLOR_RGB2BGR)
        self._detector.setInputSize((small.shape[1], small.shape[0]))
        _, rows = self._detector.detect(small)
        found = [_yunet_detection(row, scale, left_px, top_px) for row in ([] if rows is None else rows)]
        if width_px is not None:
            found = [face for face in found if width_px[0] <= face.box.width_px <= width_px[1]]
        return sorted(found, key=lambda detection: -detection.box.width_px)


def open_finder(model: Path | None = None) -> FaceFinder:
    """YuNet with the model file given, else Haar."""
    return HaarFinder() if model is None else YuNetFinder(model)


def _haar_detection(box: Box, score: float) -> Detection:
    """Cascades know nothing of eyes: they are put where they usually are. The left eye is on the image's
    right."""
    x_px, _ = box.centre_px
    y_px = box.y_px + HAAR_EYE_HEIGHT * box.height_px
    offset_px = HAAR_EYE_OFFSET * box.width_px
    return Detection(box, np.array([[x_px + offset_px, y_px], [x_px - offset_px, y_px]]), score)


def _unpadded(box: Box, across_px: int, down_px: int, scale: float) -> Box:
    """A box of a picture that was reduced and then given a margin, in the picture as it was."""
    return Box(
        (box.x_px - across_px) / scale,
        (box.y_px - down_px) / scale,
        box.width_px / scale,
        box.height_px / scale,
    )


def _yunet_detection(row: np.ndarray, scale: float, left_px: int, top_px: int) -> Detection:
    """row: x, y, w, h, then x and y of right eye, left eye, nose, right and left corner of the mouth, then
    the score."""
    x, y, w, h = (float(number) / scale for number in row[:4])
    right, left = row[4:6] / scale + (left_px, top_px), row[6:8] / scale + (left_px, top_px)
    return Detection(Box(x + left_px, y + top_px, w, h), np.array([left, right], dtype=float), float(row[14]))


def _cut(image: Image, region: Box | None) -> tuple[np.ndarray, int, int]:
    """The part of an image inside `region`, and the pixel of its upper left corner."""
    if region is None:
        return image, 0, 0
    height, width = image.shape[:2]
    left, top = max(0, int(region.x_px)), max(0, int(region.y_px))
    right, bottom = (
        min(width, round(region.x_px + region.width_px)),
        min(height, round(region.y_px + region.height_px)),
    )
    return image[top : max(top, bottom), left : max(left, right)], left, top


def _resized(image: Image, scale: float) -> np.ndarray:
    if scale == 1.0:
        return image
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=interpolation)


def _square(side_px: float) -> tuple[int, int]:
    side = max(HAAR_WINDOW_PX, int(side_px))
    return side, side
