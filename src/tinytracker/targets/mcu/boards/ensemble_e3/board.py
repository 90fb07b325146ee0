"""Alif Ensemble E3, on its high-efficiency core."""

from __future__ import annotations

from tinytracker.targets.mcu.board import KB, Board

BOARD = Board(
    name="ensemble-e3",
    title="Alif Ensemble E3 (high-efficiency core)",
    cpu="cortex-m55",
    clock_mhz=160,
    flash_bytes=5632 * KB,
    ram_bytes=1024 * KB,
    source="Alif Semiconductor, Ensemble E3 product brief (5.5 MB of MRAM)",
)
