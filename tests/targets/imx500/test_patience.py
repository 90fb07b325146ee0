"""libcamera's own time-out is raised where tensors are injected, before anything opens the camera, and what a
user set holds."""

from __future__ import annotations

import json
import os
import sys
import types
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from tinytracker.targets.imx500.running import patience
from tinytracker.targets.imx500.running.camera import Picamera2Hardware


class Platform(Enum):
    VC4 = 0
    PISP = 1


class Imports:
    """picamera2 as it is imported: it points the variable at its own file, at one that is set only where it
    is old. `seen`: what the variable says when a chip is opened, which is when libcamera reads it."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, folder: Path, is_old: bool, platform: Platform
    ) -> None:
        self.seen: list[str | None] = []
        own = folder / "rpi_apps.yaml"
        own.write_text("{}")

        def import_it() -> None:
            if is_old or not Path(os.environ.get(patience.VARIABLE, "nothing")).is_file():
                os.environ[patience.VARIABLE] = str(own)

        def open_chip(network: str, tensor_injection: bool) -> object:
            self.seen.append(os.environ.get(patience.VARIABLE))
            return object()

        class Package(types.ModuleType):
            imported = False

            def __getattr__(self, name: str) -> Any:
                if name == "get_platform" and not Package.imported:
                    Package.imported = True
                    import_it()
                if name == "get_platform":
                    return lambda: platform
                raise AttributeError(name)

        package, devices = Package("picamera2"), types.ModuleType("picamera2.devices")
        package.Platform = Platform  # type: ignore[attr-defined]
        devices.IMX500 = open_chip  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "picamera2", package)
        monkeypatch.setitem(sys.modules, "picamera2.devices", devices)


@pytest.mark.parametrize(("platform", "target"), [(Platform.VC4, "bcm2835"), (Platform.PISP, "pisp")])
@pytest.mark.parametrize("is_old", [False, True])
def test_injection_waits_a_minute(
    is_old: bool, platform: Platform, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(patience.VARIABLE, raising=False)
    imports = Imports(monkeypatch, tmp_path, is_old, platform)
    for _ in range(2):  # a camera that fell silent is opened anew
        Picamera2Hardware().open_chip(tmp_path / "network.rpk", tensor_injection=True)
    for named in imports.seen:
        assert named is not None
        assert json.loads(Path(named).read_text()) == {
            "version": 1.0,
            "target": target,
            "pipeline_handler": {"camera_timeout_value_ms": 60_000},
        }


@pytest.mark.parametrize("is_old", [False, True])
@pytest.mark.parametrize("injects", [False, True])
def test_what_the_user_set_holds(
    injects: bool, is_old: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("{}")
    monkeypatch.setenv(patience.VARIABLE, str(mine))
    imports = Imports(monkeypatch, tmp_path, is_old, Platform.PISP)
    Picamera2Hardware().open_chip(tmp_path / "network.rpk", tensor_injection=injects)
    assert imports.seen == [str(mine)]


def test_tracking_leaves_it_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A camera that is silent for a second is opened anew there; nothing is gained by waiting longer."""
    monkeypatch.delenv(patience.VARIABLE, raising=False)
    imports = Imports(monkeypatch, tmp_path, False, Platform.PISP)
    Picamera2Hardware().open_chip(tmp_path / "network.rpk", tensor_injection=False)
    assert imports.seen == [str(tmp_path / "rpi_apps.yaml")]
