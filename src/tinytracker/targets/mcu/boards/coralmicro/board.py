"""Google Coral Dev Board Micro: a Cortex-M7 beside an M4, a camera, and an Edge TPU."""

from __future__ import annotations

from pathlib import Path

from tinytracker.targets.mcu.board import KB, Board, BoardCamera, Project

FOLDER = Path(__file__).parent
CONSOLE = "Open the USB console (/dev/ttyACM0)"
SCALED = "the app cuts and scales it"

BOARD = Board(
    name="coralmicro",
    title="Google Coral Dev Board Micro (M7)",
    cpu="cortex-m7",
    clock_mhz=800,
    flash_bytes=8192 * KB,
    ram_bytes=1280 * KB,
    runtime_flash_bytes=1024 * KB,
    runtime_bytes=512 * KB,
    camera_bytes=0,  # the camera's frames lie in the 64 MB of SDRAM
    source="Google, Dev Board Micro data sheet (i.MX RT1176, 800 MHz; up to 1.25 MB of OCRAM)",
    camera=BoardCamera(324, 324),
    projects=(
        Project(
            layout="m7",
            templates=(FOLDER / "both", FOLDER / "m7"),
            into="tinytracker",
            host_port="/dev/ttyACM0",
            opened=CONSOLE,
            scaled=SCALED,
            switch="GAZE_REGION_FROM_HOST to 1 in gaze_region.h",
            names={
                "BYTES": ", and the network's C gives the\nbytes of TensorFlow Lite Micro on emulated cores"
            },
        ),
        Project(
            layout="tpu",
            templates=(FOLDER / "both", FOLDER / "tpu"),
            into="tinytracker",
            host_port="/dev/ttyACM0",
            opened=CONSOLE,
            scaled=SCALED,
            precompiled="_edgetpu.tflite",
            names={"BYTES": ""},
        ),
    ),
)
