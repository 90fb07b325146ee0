"""Sony Spresense: six Cortex-M4F, of which the main core runs the network; a camera that scales in
hardware."""

from __future__ import annotations

from pathlib import Path

from tinytracker.targets.mcu.board import KB, Board, BoardCamera, Project

FOLDER = Path(__file__).parent

BOARD = Board(
    name="spresense",
    title="Sony Spresense (main core, Arduino default)",
    cpu="cortex-m4",
    clock_mhz=156,
    flash_bytes=768 * KB,
    ram_bytes=768 * KB,
    unified=True,
    most_ram_bytes=1536 * KB,
    # A published sketch of one sensor takes 183 kB in all; the camera and its buffers' heap come on top.
    runtime_flash_bytes=256 * KB,
    runtime_bytes=64 * KB,
    camera_bytes=320 * 240 * 2 + 96 * 96 * 2,
    source="Sony, Spresense Hardware Documents (CXD5602, 156 MHz, 1.5 MB SRAM); "
    "Arduino guide (768 KB for the main core)",
    camera=BoardCamera(320, 240, powers_of_two=True),
    projects=(
        Project(
            layout="arduino",
            templates=(FOLDER / "arduino",),
            into="gaze",
            host_port="/dev/ttyUSB0",
            opened="Open the serial monitor at 115200 baud",
            scaled="the hardware scales it",
            switch="`#define GAZE_FROM_HOST 1` at the top of gaze.ino",
        ),
        Project(
            layout="sdk",
            templates=(FOLDER / "sdk",),
            into="tinytracker",
            host_port="/dev/ttyUSB0",
            opened="Open the console at 115200 baud, start `nsh> tinytracker` (`tinytracker 10`: ten frames)",
            scaled="the hardware scales it",
            switch="`CFLAGS += -DGAZE_FROM_HOST=1` in the app's Makefile",
        ),
    ),
)
