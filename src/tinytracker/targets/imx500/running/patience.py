"""How long libcamera waits for a camera that is silent: said by a file that an environment variable names.

By itself it gives up after a second or a few frames, which is shorter than what an injected tensor may take.
picamera2, when it is imported, points the variable at a file of its own, `rpi_apps.yaml`; before 0.3.30 even
where somebody had set it. libcamera reads the file when a camera is opened: so ours is named after picamera2
was imported and before anything is opened.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import tempfile
from pathlib import Path

VARIABLE = "LIBCAMERA_RPI_CONFIG_FILE"
OF_PICAMERA2 = "rpi_apps.yaml"
PATIENCE_MS = 60_000

_log = logging.getLogger(__name__)


def set_by_user() -> str | None:
    """The file that the user named, or None; to be asked before picamera2 is imported."""
    named = os.environ.get(VARIABLE)
    return named if named and Path(named).name != OF_PICAMERA2 else None


def be_patient(named: str | None, is_pi_5: bool) -> None:
    """Has libcamera wait `PATIENCE_MS` for a camera, or do as the user's own file says.

    named: what `set_by_user` said. is_pi_5: since the Pi 5 the pipeline is "pisp", before it "bcm2835"; a
    file for the other one is refused by libcamera. Ours is deleted when Python ends.
    """
    if named is None:
        settings = {
            "version": 1.0,
            "target": "pisp" if is_pi_5 else "bcm2835",
            "pipeline_handler": {"camera_timeout_value_ms": PATIENCE_MS},
        }
        with tempfile.NamedTemporaryFile("w", prefix="tinytracker-", suffix=".yaml", delete=False) as file:
            json.dump(settings, file)  # JSON is YAML
        atexit.register(Path(file.name).unlink, missing_ok=True)
        named = file.name
        _log.info("libcamera is told to wait %d s for the camera (%s)", PATIENCE_MS // 1000, named)
    os.environ[VARIABLE] = named
