"""Raspberry Pi Pico."""

from __future__ import annotations

from tinytracker.targets.mcu.board import KB, Board

BOARD = Board(
    name="pico",
    title="Raspberry Pi Pico (RP2040)",
    cpu="cortex-m0plus",
    clock_mhz=133,
    flash_bytes=2048 * KB,
    ram_bytes=264 * KB,
    source="RP2040 data sheet",
)
