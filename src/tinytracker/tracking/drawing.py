"""Pictures of gaze: the annotated frame of live tracking.

Plots for the demo, which need matplotlib, are in `plots.py`.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from tinytracker.domain import Box, GazePoint, GazeSample, Image

GREEN, YELLOW, RED, BLUE = (64, 220, 96), (255, 208, 64), (255, 72, 64), (80, 160, 255)
WHITE, DARK = (255, 255, 255), (24, 24, 28)
SHIFT = 4  # OpenCV's fixed point: sixteenths of a pixel
MAP_CM = 30.0  # half the side of the plane around the camera that the map in the corner shows


def annotated(image: Image, sample: GazeSample, truth: GazePoint | None = None) -> np.ndarray:
    """A copy of a frame with the face box, eye boxes, corners, a ray along the gaze, a map of the plane
    around the camera with the gaze point (and the true one, if known, as a ring), and a line of text.

    image: uint8 (height_px, width_px, 3) RGB.
    """
    picture = np.ascontiguousarray(image).copy()
    scale = max(0.5, min(image.shape[:2]) / 480)
    _draw_face(picture, sample, scale)
    _draw_map(picture, sample.gaze, truth, scale)
    _draw_text(picture, caption(sample), scale)
    return picture


def _draw_face(picture: Image, sample: GazeSample, scale: float) -> None:
    face = sample.face
    if face is None:
        return
    colour = GREEN if sample.is_valid else RED
    _rectangle(picture, face.box, colour, scale)
    for eye in (face.left_eye, face.right_eye):
        if eye is None:
            continue
        _rectangle(picture, eye, YELLOW, scale)
        if sample.x_deg is not None and sample.y_deg is not None:
            # The person's right is the image's left. Foreshortened: a gaze of 90 degrees would have this
            # whole length.
            length = 2.5 * face.box.width_px
            x, y = eye.centre_px
            tip = (
                x - length * math.sin(math.radians(sample.x_deg)),
                y - length * math.sin(math.radians(sample.y_deg)),
            )
            cv2.arrowedLine(
                picture,
                _fixed(x, y),
                _fixed(*tip),
                BLUE,
                max(1, round(2.5 * scale)),
                cv2.LINE_AA,
                shift=SHIFT,
                tipLength=0.2,
            )
    if face.landmarks is not None:
        for x, y in face.landmarks.corners_px.reshape(4, 2):
            cv2.circle(picture, _fixed(x, y), round(2 * scale * 2**SHIFT), RED, -1, cv2.LINE_AA, SHIFT)
        for x, y in face.landmarks.centres_px:
            cv2.circle(picture, _fixed(x, y), round(2 * scale * 2**SHIFT), WHITE, -1, cv2.LINE_AA, SHIFT)


def _draw_map(picture: Image, gaze: GazePoint | None, truth: GazePoint | None, scale: float) -> None:
    """The plane of the camera as the person sees it, in the upper right corner; its middle is the camera."""
    side, margin = round(110 * scale), round(8 * scale)
    left, top = picture.shape[1] - side - margin, margin
    if left < 0 or top + side > picture.shape[0]:
        return
    patch = picture[top : top + side, left : left + side]
    patch[:] = patch // 3 + np.array(DARK, np.uint8) // 2
    middle = side / 2
    cv2.line(patch, _fixed(0, middle), _fixed(side, middle), (110, 110, 110), 1, cv2.LINE_AA, SHIFT)
    cv2.line(patch, _fixed(middle, 0), _fixed(middle, side), (110, 110, 110), 1, cv2.LINE_AA, SHIFT)
    for point, colour, radius, thickness in (
        (truth, YELLOW, 6, max(1, round(1.5 * scale))),
        (gaze, BLUE, 4, -1),
    ):
        if point is None:
            continue
        at = (_on_map(point.x_cm, middle), _on_map(-point.y_cm, middle))
        cv2.circle(
            patch, _fixed(*at), round(radius * scale * 2**SHIFT), colour, thickness, cv2.LINE_AA, SHIFT
        )


def _on_map(cm: float, middle_px: float) -> float:
    return middle_px + middle_px * float(np.clip(cm / MAP_CM, -0.95, 0.95))


def _draw_text(picture: Image, text: str, scale: float) -> None:
    height = picture.shape[0]
    strip = picture[height - round(24 * scale) :]
    strip[:] = strip // 3
    at = (round(8 * scale), height - round(8 * scale))
    cv2.putText(
        picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.45 * scale, WHITE, max(1, round(scale)), cv2.LINE_AA
    )


def caption(sample: GazeSample) -> str:
    """A sample in one line: frame number, gaze in cm and degrees, distance; or why there is no gaze."""
    if sample.gaze is None:
        return f"{sample.frame_index}  {sample.reason}"
    parts = [f"{sample.frame_index}", f"gaze {sample.gaze.x_cm:+.1f} {sample.gaze.y_cm:+.1f} cm"]
    if sample.x_deg is not None:
        parts.append(f"{sample.x_deg:+.1f} {sample.y_deg:+.1f} deg")
    if sample.distance_cm is not None:
        parts.append(f"{sample.distance_cm:.0f} cm away")
    return "  ".join(parts)


def _rectangle(picture: Image, box: Box, colour: tuple[int, int, int], scale: float) -> None:
    first, last = _fixed(box.x_px, box.y_px), _fixed(box.x_px + box.width_px, box.y_px + box.height_px)
    cv2.rectangle(picture, first, last, colour, max(1, round(1.5 * scale)), cv2.LINE_AA, SHIFT)


def _fixed(x: float, y: float) -> tuple[int, int]:
    """A point in OpenCV's fixed point, from box pixels (a pixel spans [i, i + 1)) to OpenCV's (its middle
    is i)."""
    limit = 1 << 14
    return (
        round((min(max(x, -limit), limit) - 0.5) * 2**SHIFT),
        round((min(max(y, -limit), limit) - 0.5) * 2**SHIFT),
    )
