"""The cameras of this computer, as far as the system tells without opening them (Linux: video4linux)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

VIDEO4LINUX = Path("/sys/class/video4linux")


@dataclass(frozen=True, slots=True)
class Camera:
    """source: as `tracking.sources.open_source` takes it. name: as the camera says."""

    source: str
    name: str


def list_cameras(folder: Path = VIDEO4LINUX) -> list[Camera]:
    """The cameras by number; none where the system does not tell.

    A camera has several devices (pictures, data about them): the first, of index 0, gives the pictures.
    """
    found = []
    for device in folder.glob("video*"):
        number = device.name.removeprefix("video")
        try:
            is_first = (device / "index").read_text().strip() == "0"
            name = (device / "name").read_text(errors="replace").strip()
        except OSError:
            continue  # unplugged just now
        if number.isdecimal() and is_first:
            found.append(Camera(number, name or f"camera {number}"))
    return sorted(found, key=lambda camera: int(camera.source))
