"""The C round a compiled network: the serial link, QEMU's boards, the vendors' boards. Package data, copied into projects.

- link/: gaze_link, the board's side of the serial link; gaze_served, a network of gaze_model.h behind it
- feed/: gaze_feed, from a camera's pixels to the network's input
- spresense_arduino/, spresense_sdk/, coralmicro/, coralmicro_tpu/: apps in the vendors' layouts; @NAMES@ are filled in by
  `targets.mcu.projects`
- qemu/: start-up, memory, serial port and semihosting of Arm's MPS2 boards as QEMU emulates them; bench.c, serve.c
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent


def sources(folder: str) -> dict[str, str]:
    """The files of one of the folders above: name -> text."""
    return {path.name: path.read_text() for path in sorted((FOLDER / folder).iterdir()) if path.is_file()}
