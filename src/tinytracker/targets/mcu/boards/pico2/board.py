"""Raspberry Pi Pico 2, by its Arm cores."""

from __future__ import annotations

from tinytracker.targets.mcu.board import KB, Board

BOARD = Board(
    name="pico2",
    title="Raspberry Pi Pico 2 (RP2350)",
    cpu="cortex-m33",
    clock_mhz=150,
    flash_bytes=4096 * KB,
    ram_bytes=520 * KB,
    source="RP2350 data sheet",
)
