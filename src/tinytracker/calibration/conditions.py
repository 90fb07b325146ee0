"""What a calibration was made with: which network, screen and camera. It holds for these and no others."""

from __future__ import annotations

from dataclasses import dataclass

from tinytracker.devices import Device, DeviceKind


@dataclass(frozen=True, slots=True)
class NetworkUsed:
    """The gaze network: its card's name, and the SHA-256 of its file."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class ScreenUsed:
    """The screen as the person saw it: sizes in cm and pixels, and where the camera is (`devices.Device`'s
    lengths).

    scale: of the desktop (CSS pixels to device pixels). origin_px: of this monitor on the desktop; negative
    for one left of or above the first.
    """

    name: str
    width_cm: float
    height_cm: float
    width_px: int
    height_px: int
    camera_to_screen_x_cm: float
    camera_to_screen_y_cm: float
    scale: float = 1.0
    origin_px: tuple[int, int] = (0, 0)

    @classmethod
    def of_device(cls, screen: Device, scale: float = 1.0, origin_px: tuple[int, int] = (0, 0)) -> ScreenUsed:
        """The screen that `--screen` names, as it stands (orientation 1)."""
        return cls(
            name=screen.name,
            width_cm=screen.screen_width_cm,
            height_cm=screen.screen_height_cm,
            width_px=screen.width_points,
            height_px=screen.height_points,
            camera_to_screen_x_cm=screen.camera_to_screen_x_cm,
            camera_to_screen_y_cm=screen.camera_to_screen_y_cm,
            scale=scale,
            origin_px=origin_px,
        )

    def as_device(self) -> Device:
        """The screen that it was, for geometry's functions (orientation 1)."""
        kind: DeviceKind = "monitor" if self.width_cm > 40 else "laptop" if self.width_cm > 20 else "phone"
        return Device(
            name=self.name,
            kind=kind,
            screen_width_cm=self.width_cm,
            screen_height_cm=self.height_cm,
            camera_to_screen_x_cm=self.camera_to_screen_x_cm,
            camera_to_screen_y_cm=self.camera_to_screen_y_cm,
            width_points=self.width_px,
            height_points=self.height_px,
        )


@dataclass(frozen=True, slots=True)
class CameraUsed:
    """The camera: what it is called, its frames in pixels, and the field of view assumed across the longer
    side."""

    name: str
    width_px: int
    height_px: int
    fov_deg: float


@dataclass(frozen=True, slots=True)
class Conditions:
    """Network, screen and camera; None where one is not known (of another program's dots, say).

    mirrored: whether the camera's pictures were taken for mirrored ones, and changed back (--mirrored). One
    of the two ways is wrong, and its gaze goes to the wrong side: no calibration holds for both.
    """

    network: NetworkUsed | None = None
    screen: ScreenUsed | None = None
    camera: CameraUsed | None = None
    mirrored: bool | None = None

    def differences(self, now: Conditions) -> list[str]:
        """What is no longer as it was, in words; empty if the calibration still holds. What is unknown is not
        compared.

        Another network is not among them: that calibration must not be used at all
        (`profile.refuse_other_network`).
        """
        return [
            *_screen_differences(self.screen, now.screen),
            *_camera_differences(self.camera, now.camera),
            *_mirror_differences(self.mirrored, now.mirrored),
        ]


def _screen_differences(then: ScreenUsed | None, now: ScreenUsed | None) -> list[str]:
    if then is None or now is None:
        return []
    found = []
    if (then.width_px, then.height_px) != (now.width_px, now.height_px):
        found.append(
            f"the screen had {then.width_px} x {then.height_px} pixels, now {now.width_px} x {now.height_px}"
        )
    if _differ(then.width_cm, now.width_cm) or _differ(then.height_cm, now.height_cm):
        before, after = f"{then.width_cm:g} x {then.height_cm:g}", f"{now.width_cm:g} x {now.height_cm:g}"
        found.append(f"the screen measured {before} cm, now {after}")
    places = [
        (then.camera_to_screen_x_cm, now.camera_to_screen_x_cm),
        (then.camera_to_screen_y_cm, now.camera_to_screen_y_cm),
    ]
    if any(_differ(*pair) for pair in places):
        found.append("the camera sits elsewhere on the screen")
    if then.scale != now.scale:
        found.append(f"the desktop's scale was {then.scale:g}, now {now.scale:g}")
    if then.origin_px != now.origin_px:
        found.append(f"the screen's corner lay at {then.origin_px} on the desktop, now at {now.origin_px}")
    return found


def _camera_differences(then: CameraUsed | None, now: CameraUsed | None) -> list[str]:
    if then is None or now is None:
        return []
    found = []
    if then.name != now.name:
        found.append(f"the camera was {then.name!r}, now {now.name!r}")
    if (then.width_px, then.height_px) != (now.width_px, now.height_px):
        found.append(
            f"frames had {then.width_px} x {then.height_px} pixels, now {now.width_px} x {now.height_px}"
        )
    if _differ(then.fov_deg, now.fov_deg):
        found.append(f"the field of view was {then.fov_deg:g} degrees, now {now.fov_deg:g}")
    return found


def _mirror_differences(then: bool | None, now: bool | None) -> list[str]:
    if then is None or now is None or then == now:
        return []
    words = {True: "with --mirrored", False: "without --mirrored"}
    return [f"it was made {words[then]}, gaze now comes {words[now]}"]


def _differ(then: float, now: float, tolerance: float = 0.05) -> bool:
    return abs(then - now) > tolerance
